package template

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSAMValues evaluates one property after the other.
func TestSAMValues(t *testing.T) {
	const document = `
Parameters:
  MailFrom: {Type: String}
  AlarmTopicArn: {Type: String, Default: ""}
  Days: {Type: Number, Default: 30}
Conditions:
  HasAlarmTopic: !Not [!Equals [!Ref AlarmTopicArn, ""]]
  NoAlarmTopic: !Equals [!Ref AlarmTopicArn, ""]
Resources:
  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub "${AWS::StackName}-q"}}
  Table: {Type: AWS::DynamoDB::Table, Properties: {TableName: t}}
  Bus: {Type: AWS::Events::EventBus, Properties: {Name: b}}
  Rule: {Type: AWS::Events::Rule, Properties: {Name: r, EventBusName: !Ref Bus}}
  X: {Type: Other, Properties: {v: %s}}
`
	for _, tt := range []struct {
		name, expression string
		want             any
		fails            string
	}{
		{"text", `"2.0"`, "2.0", ""},
		{"number", `100`, 100., ""},
		{"bool", `true`, true, ""},
		{"parameter given", `!Ref MailFrom`, "hello@example.com", ""},
		{"parameter by default", `!Ref Days`, 30., ""},
		{"queue", `!Ref Queue`, "https://sqs.eu-west-1.amazonaws.com/123456789012/outbox-q", ""},
		{"queue's ARN", `!GetAtt Queue.Arn`, "arn:aws:sqs:eu-west-1:123456789012:outbox-q", ""},
		{"rule's ARN", `!GetAtt Rule.Arn`, "arn:aws:events:eu-west-1:123456789012:rule/b/r", ""},
		{"text with both", `!Sub "${Table}/${Table.Arn}"`, "t/arn:aws:dynamodb:eu-west-1:123456789012:table/t", ""},
		{"if", `!If [HasAlarmTopic, [!Ref AlarmTopicArn], !Ref "AWS::NoValue"]`, []any{"arn:aws:sns:eu-west-1:123456789012:alarms"}, ""},
		{"if not", `!If [NoAlarmTopic, a, !Ref "AWS::NoValue"]`, nil, ""},
		{"list without the value", `[a, !If [NoAlarmTopic, b, !Ref "AWS::NoValue"]]`, []any{"a"}, ""},
		{"nothing of that name", `!Ref Nobody`, nil, "there is no Nobody"},
		{"function that is not evaluated", `!Join ["-", [a, b]]`, nil, "!Join"},
		{"long form", `{"Fn::GetAtt": [Queue, Arn]}`, nil, "short form"},
		{"attribute that is not evaluated", `!GetAtt Queue.Colour`, nil, "Queue.Colour"},
		{"reference to a rule", `!Ref Rule`, nil, "AWS::Events::Rule"},
		{"condition that is not there", `!If [Nobody, a, b]`, nil, "no such condition"},
		{"alias", `[&a x, *a]`, nil, "no YAML aliases"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tpl, err := parseSAM(fmt.Appendf(nil, document, tt.expression), ExampleValues())
			if tt.fails != "" {
				require.ErrorContains(t, err, tt.fails)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, tpl.Find("X").Body["v"])
		})
	}
}

// TestTerraformValues evaluates one argument after the other.
func TestTerraformValues(t *testing.T) {
	const document = `
variable "name" { type = string }
variable "days" { default = 30 }
locals {
  relay_filters = {}
  names         = { a = "x", b = "y" }
  circle        = local.circle
}
resource "aws_sqs_queue" "queue" { name = "${var.name}-q" }
resource "aws_dynamodb_table" "table" { name = "t" }
resource "aws_cloudwatch_event_rule" "rule" {
  name           = "r"
  event_bus_name = "b"
}
resource "other" "x" { v = %s }
`
	for _, tt := range []struct {
		name, expression string
		want             any
		fails            string
	}{
		{"text", `"2.0"`, "2.0", ""},
		{"number", `100`, 100., ""},
		{"null", `null`, nil, ""},
		{"variable given", `var.name`, "outbox", ""},
		{"variable by default", `var.days`, 30., ""},
		{"queue", `aws_sqs_queue.queue.id`, "https://sqs.eu-west-1.amazonaws.com/123456789012/outbox-q", ""},
		{"queue's ARN", `aws_sqs_queue.queue.arn`, "arn:aws:sqs:eu-west-1:123456789012:outbox-q", ""},
		{"rule's ARN", `aws_cloudwatch_event_rule.rule.arn`, "arn:aws:events:eu-west-1:123456789012:rule/b/r", ""},
		{"text with both", `"${aws_dynamodb_table.table.name}/${aws_dynamodb_table.table.arn}"`, "t/arn:aws:dynamodb:eu-west-1:123456789012:table/t", ""},
		{"if", `var.name == "" ? [] : [var.name]`, []any{"outbox"}, ""},
		{"try", `try(local.names.c, "z")`, "z", ""},
		{"for", `[for k, v in local.names : "${k}${v}"]`, []any{"ax", "by"}, ""},
		{"json", `jsonencode({ a = [var.days] })`, `{"a":[30]}`, ""},
		{"region", `data.aws_region.current.name`, "eu-west-1", ""},
		{"no such variable", `var.nobody`, nil, "var.nobody"},
		{"no such resource", `aws_sqs_queue.nobody.arn`, nil, "there is no aws_sqs_queue.nobody"},
		{"attribute that is not evaluated", `aws_sqs_queue.queue.colour`, nil, "queue.colour is not evaluated"},
		{"whole resource", `aws_sqs_queue.queue`, nil, "the whole of aws_sqs_queue.queue"},
		{"function that is not evaluated", `upper("a")`, nil, "upper"},
		{"circle", `local.circle`, nil, "needs itself"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tpl, err := parseTerraform(map[string][]byte{"main.tf": fmt.Appendf(nil, document, tt.expression)}, ExampleValues())
			if tt.fails != "" {
				require.ErrorContains(t, err, tt.fails)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, tpl.Find("x").Body["v"])
		})
	}
}

// TestUnknownResourcesAreErrors: what the model does not know, no test would
// compare.
func TestUnknownResourcesAreErrors(t *testing.T) {
	sam, err := parseSAM([]byte(`Resources: {X: {Type: AWS::S3::Bucket}}`), ExampleValues())
	require.NoError(t, err)
	_, err = sam.Deployment()
	require.ErrorContains(t, err, "AWS::S3::Bucket")

	tf, err := parseTerraform(map[string][]byte{"main.tf": []byte("locals {\n relay_filters = {}\n}\nresource \"aws_s3_bucket\" \"x\" {}\n")}, ExampleValues())
	require.NoError(t, err)
	_, err = tf.Deployment()
	require.ErrorContains(t, err, "aws_s3_bucket")

	wrong, err := parseSAM([]byte(`Resources: {X: {Type: AWS::SQS::Queue, Properties: {QueueName: q, VisibilityTimeout: "180"}}}`), ExampleValues())
	require.NoError(t, err)
	_, err = wrong.Deployment()
	require.ErrorContains(t, err, "VisibilityTimeout is string, want a number")
}

// TestManagedPoliciesCount: permissions that are not written out in the template
// are permissions too.
func TestManagedPoliciesCount(t *testing.T) {
	const function = `
Resources:
  Role: {Type: AWS::IAM::Role, Properties: {ManagedPolicyArns: ["arn:aws:iam::aws:policy/AdministratorAccess"]}}
  F: {Type: AWS::Serverless::Function, Properties: {FunctionName: f, Role: !GetAtt Role.Arn}}`
	sam, err := parseSAM([]byte(function), ExampleValues())
	require.NoError(t, err)
	d, err := sam.Deployment()
	require.NoError(t, err)
	require.Equal(t, "arn:aws:iam::aws:policy/AdministratorAccess", d.Function("f").Permissions[0].Actions[0])
	require.Equal(t, []string{"*"}, d.Function("f").Permissions[0].Resources)
}

// TestConditions: a resource whose condition does not hold is not there, and
// neither is what refers to it.
func TestConditions(t *testing.T) {
	const document = `
Parameters:
  AlarmOnSkippedRegion: {Type: String, Default: "false"}
Conditions:
  Wanted: !Equals [!Ref AlarmOnSkippedRegion, "true"]
Resources:
  Always: {Type: AWS::SQS::Queue, Properties: {QueueName: a}}
  Maybe: {Type: AWS::SQS::Queue, Condition: Wanted, Properties: {QueueName: b}}
`
	values := ExampleValues()
	without, err := parseSAM([]byte(document), values)
	require.NoError(t, err)
	require.NotNil(t, without.Find("Always"))
	require.Nil(t, without.Find("Maybe"))
	_, err = parseSAM([]byte(document+"  X: {Type: Other, Properties: {v: !Ref Maybe}}\n"), values)
	require.ErrorContains(t, err, "there is no Maybe")
	_, err = parseSAM([]byte(document+"  X: {Type: Other, Condition: Nobody}\n"), values)
	require.ErrorContains(t, err, "no such condition")

	values.AlarmOnSkippedRegion = "true"
	with, err := parseSAM([]byte(document), values)
	require.NoError(t, err)
	require.NotNil(t, with.Find("Maybe"))
}

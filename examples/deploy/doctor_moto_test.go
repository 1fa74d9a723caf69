package deploy

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/examples/internal/template"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/command"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
)

// deployed puts what the templates describe on a moto of the test's own.
func deployed(t *testing.T) *engine.Engine {
	t.Helper()
	moto := enginetest.Own(t, engine.Moto)
	cfg := moto.Config()
	values := template.ExampleValues()
	values.Account = engine.AccountID
	tpl, err := template.LoadTerraform("terraform", values)
	require.NoError(t, err)
	d, err := tpl.Deployment()
	require.NoError(t, err)
	streams := deployTables(t, cfg, d)
	deployQueues(t, cfg, d)
	deployBus(t, cfg, d)
	deployFunctions(t, cfg, d, streams)
	return moto
}

// deployTables makes the tables, and returns the ARNs of streams by the ARN
// that the template has for them.
func deployTables(t *testing.T, cfg aws.Config, d *template.Deployment) map[string]string {
	t.Helper()
	c, ctx, streams := dynamodb.NewFromConfig(cfg), t.Context(), map[string]string{}
	for _, table := range d.Tables {
		in := &dynamodb.CreateTableInput{TableName: &table.Name, BillingMode: ddbtypes.BillingModePayPerRequest, DeletionProtectionEnabled: &table.DeletionProtection}
		for i, key := range []string{table.PK, table.SK} {
			name, kind, ok := strings.Cut(key, ":")
			if !ok {
				continue
			}
			in.AttributeDefinitions = append(in.AttributeDefinitions, ddbtypes.AttributeDefinition{AttributeName: &name, AttributeType: ddbtypes.ScalarAttributeType(kind)})
			in.KeySchema = append(in.KeySchema, ddbtypes.KeySchemaElement{AttributeName: &name, KeyType: []ddbtypes.KeyType{ddbtypes.KeyTypeHash, ddbtypes.KeyTypeRange}[i]})
		}
		if table.StreamView != "" {
			in.StreamSpecification = &ddbtypes.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: ddbtypes.StreamViewType(table.StreamView)}
		}
		out, err := c.CreateTable(ctx, in)
		require.NoError(t, err)
		streams[table.StreamARN] = aws.ToString(out.TableDescription.LatestStreamArn)
		_, err = c.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: &table.Name, TimeToLiveSpecification: &ddbtypes.TimeToLiveSpecification{AttributeName: &table.TTL, Enabled: aws.Bool(true)}})
		require.NoError(t, err)
		_, err = c.UpdateContinuousBackups(ctx, &dynamodb.UpdateContinuousBackupsInput{TableName: &table.Name, PointInTimeRecoverySpecification: &ddbtypes.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: &table.PITR}})
		require.NoError(t, err)
	}
	return streams
}

func deployQueues(t *testing.T, cfg aws.Config, d *template.Deployment) {
	t.Helper()
	queues := slices.Clone(d.Queues)
	slices.SortFunc(queues, func(a, b template.Queue) int { return len(a.DeadLetters) - len(b.DeadLetters) }) // a dead-letter queue first
	for _, q := range queues {
		attributes := map[string]string{
			"MaximumMessageSize": fmt.Sprintf("%.0f", q.MaxMessage), "MessageRetentionPeriod": fmt.Sprintf("%.0f", q.Retention), "SqsManagedSseEnabled": "true",
		}
		if q.Visibility > 0 {
			attributes["VisibilityTimeout"] = fmt.Sprintf("%.0f", q.Visibility)
		}
		if q.DeadLetters != "" {
			attributes["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%.0f}`, q.DeadLetters, q.MaxReceive)
		}
		if len(q.Policy) > 0 {
			s := q.Policy[0]
			attributes["Policy"] = fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Sid":%q,"Effect":%q,"Principal":%s,"Action":%q,"Resource":%q,"Condition":%s}]}`,
				s.Sid, s.Effect, s.Principal, s.Actions[0], s.Resources[0], s.Condition)
		}
		_, err := sqs.NewFromConfig(cfg).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &q.Name, Attributes: attributes})
		require.NoError(t, err)
	}
}

func deployBus(t *testing.T, cfg aws.Config, d *template.Deployment) {
	t.Helper()
	c, r := eventbridge.NewFromConfig(cfg), d.Rules[0]
	_, err := c.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: &d.Buses[0].Name})
	require.NoError(t, err)
	rule, err := c.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: &r.Name, EventBusName: &r.Bus, EventPattern: &r.Pattern, State: ebtypes.RuleStateEnabled})
	require.NoError(t, err)
	require.Equal(t, r.ARN, aws.ToString(rule.RuleArn), "the model's ARN is the engine's")
	target := r.Targets[0]
	_, err = c.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: &r.Name, EventBusName: &r.Bus, Targets: []ebtypes.Target{{
		Id: aws.String("messaging"), Arn: &target.ARN, DeadLetterConfig: &ebtypes.DeadLetterConfig{Arn: &target.DeadLetters},
		RetryPolicy: &ebtypes.RetryPolicy{MaximumEventAgeInSeconds: aws.Int32(int32(target.MaxAge)), MaximumRetryAttempts: aws.Int32(int32(target.MaxAttempts))},
	}}})
	require.NoError(t, err)
}

func deployFunctions(t *testing.T, cfg aws.Config, d *template.Deployment, streams map[string]string) {
	t.Helper()
	c := lambda.NewFromConfig(cfg)
	for _, f := range d.Functions {
		makeRole(t, *cfg.BaseEndpoint, f.Name)
		_, err := c.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
			FunctionName: &f.Name, Role: aws.String("arn:aws:iam::" + engine.AccountID + ":role/" + f.Name), Runtime: types.Runtime(f.Runtime), Handler: &f.Handler,
			Timeout: aws.Int32(int32(f.Timeout)), Environment: &types.Environment{Variables: f.Environment}, Code: &types.FunctionCode{ZipFile: emptyZip(t)},
		})
		require.NoError(t, err)
	}
	for _, m := range d.Mappings {
		in := &lambda.CreateEventSourceMappingInput{
			FunctionName: &m.Function, EventSourceArn: &m.Source, BatchSize: aws.Int32(int32(m.BatchSize)), MaximumBatchingWindowInSeconds: aws.Int32(int32(m.Window)),
			FunctionResponseTypes: []types.FunctionResponseType{types.FunctionResponseType(m.ResponseTypes[0])},
		}
		if stream := streams[m.Source]; stream != "" {
			in.EventSourceArn, in.StartingPosition = &stream, types.EventSourcePosition(m.StartingPosition)
			in.BisectBatchOnFunctionError, in.MaximumRetryAttempts, in.MaximumRecordAgeInSeconds = &m.Bisect, aws.Int32(int32(m.Retries)), aws.Int32(int32(m.RecordAge))
			in.DestinationConfig = &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: &m.OnFailure}}
			in.FilterCriteria = &types.FilterCriteria{Filters: []types.Filter{{Pattern: &m.Filters[0]}}}
		}
		_, err := c.CreateEventSourceMapping(t.Context(), in)
		require.NoError(t, err)
	}
}

// makeRole makes the role that moto wants to see before a function. One plain
// request saves a client of IAM.
func makeRole(t *testing.T, endpoint, name string) {
	t.Helper()
	form := url.Values{
		"Action": {"CreateRole"}, "Version": {"2010-05-08"}, "RoleName": {name},
		"AssumeRolePolicyDocument": {`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`},
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=OUTBOXTESTKEY0000000/20261124/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

func emptyZip(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	_, err := z.Create("bootstrap")
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

// TestDoctorOnMoto looks at what the templates describe on a server that nobody here
// wrote, and then at that with one thing after the other broken through the
// API, as a person would break it.
func TestDoctorOnMoto(t *testing.T) {
	t.Parallel()
	moto := deployed(t)
	cfg, env := moto.Config(), command.Environment(moto, nil)
	healthy := command.Run(t, env, "doctor")
	require.Zero(t, healthy.Code, healthy)
	require.Contains(t, healthy.Stdout, "0 problems, 0 warnings, 0 not checked")

	functions, events, queues, tables := lambda.NewFromConfig(cfg), eventbridge.NewFromConfig(cfg), sqs.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg)
	ctx := t.Context()
	mapping, err := functions.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{FunctionName: aws.String("outbox-relay")})
	require.NoError(t, err)
	uuid := mapping.EventSourceMappings[0].UUID
	queue, err := queues.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("outbox-messaging")})
	require.NoError(t, err)
	set := func(name, value string) error {
		_, err := queues.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: queue.QueueUrl, Attributes: map[string]string{name: value}})
		return err
	}

	for _, tt := range []struct {
		check  string
		breaks func() error
	}{
		{"mapping.state", func() error {
			_, err := functions.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: uuid, Enabled: aws.Bool(false)})
			return err
		}},
		{"mapping.bisect", func() error {
			_, err := functions.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: uuid, BisectBatchOnFunctionError: aws.Bool(false)})
			return err
		}},
		{"mapping.retries", func() error {
			_, err := functions.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: uuid, MaximumRetryAttempts: aws.Int32(3)})
			return err
		}},
		{"rule.enabled", func() error {
			_, err := events.DisableRule(ctx, &eventbridge.DisableRuleInput{Name: aws.String("outbox-user-created"), EventBusName: aws.String("outbox-bus")})
			return err
		}},
		{"rule.matches", func() error {
			_, err := events.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("outbox-user-created"), EventBusName: aws.String("outbox-bus"), EventPattern: aws.String(`{"source":["userservice"]}`)})
			return err
		}},
		{"queue.visibility", func() error { return set("VisibilityTimeout", "30") }},
		{"queue.policy", func() error { return set("Policy", "") }},
		{"target.exists", func() error {
			_, err := events.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: aws.String("outbox-user-created"), EventBusName: aws.String("outbox-bus"), Ids: []string{"messaging"}})
			return err
		}},
		{"table.ttl", func() error {
			_, err := tables.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: aws.String("outbox-event-store"), TimeToLiveSpecification: &ddbtypes.TimeToLiveSpecification{AttributeName: aws.String("ttl"), Enabled: aws.Bool(false)}})
			return err
		}},
		{"relay.bus", func() error {
			_, err := functions.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("outbox-relay"), Environment: &types.Environment{Variables: map[string]string{"EVENT_BUS_NAME": "default", "DEAD_LETTER_TABLE": "outbox-dead-letters"}}})
			return err
		}},
		{"mapping.exists", func() error {
			_, err := functions.DeleteEventSourceMapping(ctx, &lambda.DeleteEventSourceMappingInput{UUID: uuid})
			return err
		}},
		{"bus.exists", func() error {
			if _, err := events.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: aws.String("outbox-user-created"), EventBusName: aws.String("outbox-bus")}); err != nil {
				return err
			}
			_, err := events.DeleteEventBus(ctx, &eventbridge.DeleteEventBusInput{Name: aws.String("outbox-bus")})
			return err
		}},
	} {
		require.NoError(t, tt.breaks(), tt.check)
		ill := command.Run(t, env, "doctor", "--json")
		var report struct {
			Findings []struct{ Severity, Check string }
		}
		require.NoError(t, json.Unmarshal([]byte(ill.Stdout), &report), ill)
		found := false
		for _, f := range report.Findings {
			found = found || f.Check == tt.check && (f.Severity == "problem" || f.Severity == "warning")
		}
		require.True(t, found, "%s is not reported:\n%s", tt.check, ill.Stdout)
	}
	require.Equal(t, 1, command.Run(t, env, "doctor").Code)
	require.Equal(t, 2, command.Run(t, append(env, "AWS_REGION="), "doctor").Code)
}

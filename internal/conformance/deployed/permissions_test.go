package deployed

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/command"
)

// grants are the permissions of the three functions, whole: an action, and the
// one thing it may be done to.
var grants = map[string][]string{
	"outbox-user-service": {
		"dynamodb:GetItem table outbox-users", "dynamodb:PutItem table outbox-users",
		"dynamodb:PutItem table outbox-event-store",
		"logs:CreateLogStream log /aws/lambda/outbox-user-service", "logs:PutLogEvents log /aws/lambda/outbox-user-service",
	},
	"outbox-relay": {
		"dynamodb:DescribeStream stream outbox-event-store", "dynamodb:GetRecords stream outbox-event-store", "dynamodb:GetShardIterator stream outbox-event-store",
		"dynamodb:ListStreams streams outbox-event-store",
		"events:PutEvents bus outbox-bus", "events:DescribeEventBus bus outbox-bus",
		"dynamodb:PutItem table outbox-dead-letters", "dynamodb:PutItem table outbox-journal",
		"sqs:SendMessage queue outbox-relay-failures",
		"logs:CreateLogStream log /aws/lambda/outbox-relay", "logs:PutLogEvents log /aws/lambda/outbox-relay",
	},
	"outbox-messaging": {
		"sqs:ReceiveMessage queue outbox-messaging", "sqs:DeleteMessage queue outbox-messaging", "sqs:GetQueueAttributes queue outbox-messaging",
		"dynamodb:PutItem table outbox-messaging",
		"dynamodb:PutItem table outbox-event-store",
		"ses:SendEmail identity example.com",
		"logs:CreateLogStream log /aws/lambda/outbox-messaging", "logs:PutLogEvents log /aws/lambda/outbox-messaging",
	},
}

// permissions asks that the roles grant these and no others. That they suffice is
// shown by the story, whose every call MiniStack asks them about.
func permissions(t *testing.T, d description) {
	t.Helper()
	require.Len(t, d.Functions, len(grants))
	for name, f := range d.Functions {
		var got []string
		for _, s := range f.Permissions {
			require.Equal(t, "Allow", s.Effect, s.Sid)
			for _, action := range s.Action {
				for _, arn := range s.Resource {
					service, what := thing(arn)
					require.NotEmpty(t, what, "%s of %s: %s is no single thing", s.Sid, name, arn)
					require.Equal(t, service, strings.Split(action, ":")[0], "%s of %s: action and resource are of two services", s.Sid, name)
					got = append(got, action+" "+what)
				}
			}
			if s.Sid == "SendMail" {
				require.Equal(t, map[string]any{"StringEquals": map[string]any{"ses:FromAddress": mailFrom}}, s.Condition)
				require.Equal(t, mailFrom, f.Environment["MAIL_FROM"])
			}
		}
		require.ElementsMatch(t, grants[name], got, name)
		require.Len(t, f.AssumeRole.Statement, 1)
		require.Equal(t, map[string]any{"Service": "lambda.amazonaws.com"}, f.AssumeRole.Statement[0].Principal)
		require.Equal(t, words{"sts:AssumeRole"}, f.AssumeRole.Statement[0].Action)
	}
}

// things are the resources that a policy may name, by the form of their ARNs.
// Two have a star: the streams of one table, which are named by their time of
// creation, and the log streams of one group.
var things = []struct {
	arn           *regexp.Regexp
	service, what string
}{
	{regexp.MustCompile(`^arn:aws:dynamodb:eu-west-1:\d{12}:table/([\w-]+)$`), "dynamodb", "table "},
	{regexp.MustCompile(`^arn:aws:dynamodb:eu-west-1:\d{12}:table/([\w-]+)/stream/the-stream$`), "dynamodb", "stream "},
	{regexp.MustCompile(`^arn:aws:dynamodb:eu-west-1:\d{12}:table/([\w-]+)/stream/\*$`), "dynamodb", "streams "},
	{regexp.MustCompile(`^arn:aws:sqs:eu-west-1:\d{12}:([\w-]+)$`), "sqs", "queue "},
	{regexp.MustCompile(`^arn:aws:events:eu-west-1:\d{12}:event-bus/([\w-]+)$`), "events", "bus "},
	{regexp.MustCompile(`^arn:aws:logs:eu-west-1:\d{12}:log-group:([\w/-]+):\*$`), "logs", "log "},
	{regexp.MustCompile(`^arn:aws:ses:eu-west-1:\d{12}:identity/([\w.@-]+)$`), "ses", "identity "},
}

// thing says of which service and what a resource of a policy is.
func thing(arn string) (service, what string) {
	for _, known := range things {
		if m := known.arn.FindStringSubmatch(arn); m != nil {
			return known.service, known.what + m[1]
		}
	}
	return "", ""
}

func TestThings(t *testing.T) {
	for _, arn := range []string{
		"*", "arn:aws:dynamodb:eu-west-1:123456789012:table/*", "arn:aws:sqs:*:*:outbox-messaging", "arn:aws:ses:eu-west-1:123456789012:identity/*",
		"arn:aws:dynamodb:eu-west-1:123456789012:table/outbox-users/stream/x",
	} {
		_, what := thing(arn)
		require.Empty(t, what, arn)
	}
}

// TestPermissionsOfThePage compares the page's table with grants, which is
// compared with what the templates deploy.
func TestPermissionsOfThePage(t *testing.T) {
	page, err := os.ReadFile("../../../docs/operations.md")
	require.NoError(t, err)
	_, part, _ := strings.Cut(string(page), "\n## Permissions\n")
	part, _, _ = strings.Cut(part, "\n## ")
	got, doctor := map[string][]string{}, []string{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([a-z, ]+) \| (`+"`"+`[^|]+) \| ([^|]+) \| (.*)\|$`).FindAllStringSubmatch(part, -1) {
		for who := range strings.SplitSeq(row[1], ", ") {
			for _, action := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[2], -1) {
				got[who] = append(got[who], action[1]+" on "+row[3])
				if strings.TrimSpace(row[4]) == "`doctor`" {
					doctor = append(doctor, action[1])
				}
			}
		}
	}
	for who, function := range map[string]string{"writer": "outbox-user-service", "relay": "outbox-relay", "consumer": "outbox-messaging"} {
		var want []string
		for _, grant := range grants[function] {
			action, resource, _ := strings.Cut(grant, " ")
			if name := onThePage[resource]; name != "" {
				want = append(want, action+" on "+name)
			} else {
				require.Contains(t, []string{"table outbox-users", "identity example.com"}, resource, "the page does not know what this is")
			}
		}
		require.ElementsMatch(t, want, got[who], "the %s, in the templates (first) and on the page", who)
	}
	policy := command.Run(t, nil, "doctor", "--policy")
	var printed struct{ Statement []struct{ Action []string } }
	require.NoError(t, json.Unmarshal([]byte(policy.Stdout), &printed))
	var want []string
	for _, s := range printed.Statement {
		want = append(want, s.Action...)
	}
	require.ElementsMatch(t, want, doctor, "the doctor, as it prints it (first) and on the page")

	// Of the operator, the page has each operation that the command and what it is made of ask for.
	asked, named := map[string]bool{}, map[string]bool{}
	for _, folder := range []string{"cmd/outbox", "cmd/outbox/internal/*", "relay", "relay/recovery", "relay/deadletter", "relay/journal"} {
		files, err := filepath.Glob("../../../" + folder + "/*.go")
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, call := range regexp.MustCompile(`\*(dynamodb|dynamodbstreams|sqs|s3|sts|eventbridge|lambda)\.(\w+)Input\b|&(\w+)\.(\w+)Input\{`).FindAllStringSubmatch(string(text), -1) {
				service, operation := call[1]+call[3], call[2]+call[4]
				service = strings.NewReplacer("dynamodbstreams", "dynamodb", "eventbridge", "events").Replace(service)
				if !strings.HasSuffix(file, "_test.go") && operation != "CreateTable" {
					asked[service+":"+operation] = true
				}
			}
		}
	}
	for _, line := range got["operator"] {
		action, _, _ := strings.Cut(line, " on ")
		named[action] = true
	}
	require.Equal(t, asked, named, "the operator, as the code asks (first) and on the page")
}

// onThePage is what the page calls the things of the templates; the rest is the
// services' own.
var onThePage = map[string]string{
	"table outbox-event-store": "event store", "stream outbox-event-store": "stream of the event store", "streams outbox-event-store": "all streams of the event store",
	"bus outbox-bus": "bus", "table outbox-dead-letters": "dead letters", "table outbox-journal": "journal", "queue outbox-relay-failures": "on-failure queue",
	"queue outbox-messaging": "queue", "table outbox-messaging": "receipts",
	"log /aws/lambda/outbox-user-service": "its log group", "log /aws/lambda/outbox-relay": "its log group", "log /aws/lambda/outbox-messaging": "its log group",
}

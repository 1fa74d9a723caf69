package deploy

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/examples/internal/template"
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

// TestPermissionsAreTheseAndNoOthers is least privilege written out: what is
// granted is the list above, and no resource of it is a wildcard where AWS
// allows a name.
func TestPermissionsAreTheseAndNoOthers(t *testing.T) {
	each(t, func(t *testing.T, d *template.Deployment) {
		require.Len(t, d.Functions, len(grants))
		for _, f := range d.Functions {
			require.ElementsMatch(t, grants[f.Name], granted(t, d, f), f.Name)
		}
	})
}

// TestOnlyLambdaMayAssumeTheRoles looks at who may become a function.
func TestOnlyLambdaMayAssumeTheRoles(t *testing.T) {
	each(t, func(t *testing.T, d *template.Deployment) {
		for _, f := range d.Functions {
			require.Equal(t, []template.Statement{{Effect: "Allow", Principal: `{"Service":"lambda.amazonaws.com"}`, Actions: []string{"sts:AssumeRole"}}}, f.Trust, f.Name)
		}
	})
}

// TestMailOnlyFromOurAddress looks at the one permission with a condition.
func TestMailOnlyFromOurAddress(t *testing.T) {
	each(t, func(t *testing.T, d *template.Deployment) {
		f := d.Function("outbox-messaging")
		i := slices.IndexFunc(f.Permissions, func(s template.Statement) bool { return slices.Contains(s.Actions, "ses:SendEmail") })
		require.Equal(t, `{"StringEquals":{"ses:FromAddress":"hello@example.com"}}`, f.Permissions[i].Condition)
		require.Equal(t, "hello@example.com", f.Environment["MAIL_FROM"])
	})
}

// granted lists what a function may do. It fails the test at a resource that is
// no single thing of the deployment.
func granted(t *testing.T, d *template.Deployment, f template.Function) []string {
	t.Helper()
	var all []string
	for _, s := range f.Permissions {
		require.Equal(t, "Allow", s.Effect, s.Sid)
		require.NotEmpty(t, s.Sid)
		for _, action := range s.Actions {
			require.NotContains(t, action, "*", s.Sid)
			for _, arn := range s.Resources {
				kind, service := thing(d, arn)
				require.NotEmpty(t, kind, "%s of %s: %s is nothing of the deployment by name", s.Sid, f.Name, arn)
				require.Equal(t, service, strings.Split(action, ":")[0], "%s of %s: action and resource are of two services", s.Sid, f.Name)
				all = append(all, action+" "+kind)
			}
		}
	}
	return all
}

// thing says what a resource of a policy is, and of which service; "" if it is
// not one thing by name. Two have a star: the streams of one table, which are
// named by their time of creation, and the log streams of one group.
func thing(d *template.Deployment, arn string) (kind, service string) {
	for _, t := range d.Tables {
		switch arn {
		case t.ARN:
			return "table " + t.Name, "dynamodb"
		case t.StreamARN:
			return "stream " + t.Name, "dynamodb"
		case t.ARN + "/stream/*":
			return "streams " + t.Name, "dynamodb"
		}
	}
	for _, q := range d.Queues {
		if arn == q.ARN {
			return "queue " + q.Name, "sqs"
		}
	}
	for _, b := range d.Buses {
		if arn == b.ARN {
			return "bus " + b.Name, "events"
		}
	}
	for _, g := range d.LogGroups {
		if arn == "arn:aws:logs:eu-west-1:123456789012:log-group:"+g.Name+":*" {
			return "log " + g.Name, "logs"
		}
	}
	if name, ok := strings.CutPrefix(arn, "arn:aws:ses:eu-west-1:123456789012:identity/"); ok && !strings.Contains(name, "*") {
		return "identity " + name, "ses"
	}
	return "", ""
}

// TestWiderPermissionsAreFound breaks each template in the ways in which
// permissions grow.
func TestWiderPermissionsAreFound(t *testing.T) {
	for _, tt := range []struct {
		name           string
		sam, terraform edit
	}{
		{"another action",
			edit{"RelayRole", "Policies.0.PolicyDocument.Statement.3.Action", []any{"dynamodb:PutItem", "dynamodb:DeleteItem"}},
			edit{"relay", "policy", `{"Statement":[{"Sid":"KeepDeadLetters","Effect":"Allow","Action":"dynamodb:DeleteItem","Resource":"arn:aws:dynamodb:eu-west-1:123456789012:table/outbox-dead-letters"}]}`}},
		{"another table",
			edit{"UserServiceRole", "Policies.0.PolicyDocument.Statement.0.Resource", "arn:aws:dynamodb:eu-west-1:123456789012:table/outbox-messaging"},
			edit{"user_service", "policy", `{"Statement":[{"Sid":"KeepUsers","Effect":"Allow","Action":"dynamodb:PutItem","Resource":"arn:aws:dynamodb:eu-west-1:123456789012:table/outbox-messaging"}]}`}},
	} {
		for name, e := range map[string]edit{"sam": tt.sam, "terraform": tt.terraform} {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				tpl := both(t)[name]
				require.NoError(t, apply(tpl, e))
				d := model(t, tpl)
				same := true
				for _, f := range d.Functions {
					want, got := slices.Clone(grants[f.Name]), granted(t, d, f)
					slices.Sort(want)
					slices.Sort(got)
					same = same && slices.Equal(want, got)
				}
				require.False(t, same, "it is not found")
			})
		}
	}
	d := model(t, both(t)["sam"])
	for _, arn := range []string{"*", "arn:aws:dynamodb:eu-west-1:123456789012:table/*", "arn:aws:sqs:*:*:outbox-messaging", "arn:aws:ses:eu-west-1:123456789012:identity/*", "arn:aws:dynamodb:eu-west-1:123456789012:table/outbox-users/stream/x"} {
		kind, _ := thing(d, arn)
		require.Empty(t, kind, arn)
	}
}

package deploy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/examples/internal/template"
)

func TestPromises(t *testing.T) {
	each(t, func(t *testing.T, d *template.Deployment) {
		for _, p := range promises {
			t.Run(p.says, func(t *testing.T) { require.Empty(t, p.broken(d)) })
		}
	})
}

// edit is a slip that a person could make in a template: the value at a path
// below a resource becomes another, or goes.
type edit struct {
	resource string
	path     string
	value    any // nil: take it out
}

// slips are, for each promise, ways to break it, in both spellings.
var slips = []struct {
	breaks    string // the promise, by its beginning
	sam       edit
	terraform edit
}{
	{"the event store has a stream", edit{"EventStore", "StreamSpecification.StreamViewType", "KEYS_ONLY"}, edit{"event_store", "stream_view_type", "KEYS_ONLY"}},
	{"the event store has a stream", edit{"EventStore", "StreamSpecification", nil}, edit{"event_store", "stream_enabled", false}},
	{"the event store has the keys", edit{"EventStore", "AttributeDefinitions.1.AttributeType", "S"}, edit{"event_store", "attribute.1.type", "S"}},
	{"dead letters have the keys", edit{"DeadLetters", "AttributeDefinitions.1.AttributeType", "N"}, edit{"dead_letters", "attribute.1.type", "N"}},
	{"the journal has the keys", edit{"Journal", "AttributeDefinitions.1.AttributeType", "N"}, edit{"journal", "attribute.1.type", "N"}},
	{"every table has a TTL", edit{"EventStore", "TimeToLiveSpecification.Enabled", false}, edit{"event_store", "ttl.0.enabled", false}},
	{"every table has a TTL", edit{"DeadLetters", "TimeToLiveSpecification.AttributeName", "expires"}, edit{"dead_letters", "ttl.0.attribute_name", "expires"}},
	{"every table has a TTL", edit{"Users", "PointInTimeRecoverySpecification", nil}, edit{"users", "point_in_time_recovery", nil}},
	{"every table has a TTL", edit{"EventStore", "DeletionProtectionEnabled", false}, edit{"event_store", "deletion_protection_enabled", false}},
	{"every table has a TTL", edit{"Messaging", "SSESpecification", nil}, edit{"messaging", "server_side_encryption", nil}},
	{"the rule is on the bus", edit{"UserCreated", "EventBusName", "default"}, edit{"user_created", "event_bus_name", "default"}},
	{"the rule is on the bus", edit{"UserCreated", "State", "DISABLED"}, edit{"user_created", "state", "DISABLED"}},
	{"the rule is on the bus", edit{"UserCreated", "Targets.0.DeadLetterConfig", nil}, edit{"messaging", "dead_letter_config", nil}},
	{"the rule is on the bus", edit{"UserCreated", "Targets.0.RetryPolicy", nil}, edit{"messaging", "retry_policy", nil}},
	{"the rule matches", edit{"UserCreated", "EventPattern.source", []any{"userservice"}}, edit{"user_created", "event_pattern", `{"source":["userservice"],"detail-type":["User.Created"]}`}},
	{"the rule matches", edit{"UserService", "Environment.Variables.SERVICE_NAME", "users"}, edit{"user_service", "environment.0.variables.SERVICE_NAME", "users"}},
	{"the rule matches", edit{"UserCreated", "EventPattern.detail-type", nil}, edit{"user_created", "event_pattern", `{"source":["userService"]}`}},
	{"the rule may send", edit{"RuleDeadLettersPolicy", "Queues", []any{}}, edit{"rule_dead_letters", "policy", `{"Statement":[]}`}},
	{"the rule may send", edit{"MessagingQueuePolicy", "PolicyDocument.Statement.0.Condition", nil}, edit{"messaging_queue", "queue_url", "another"}},
	{"the messaging queue has a redrive", edit{"MessagingQueue", "RedrivePolicy", nil}, edit{"messaging_queue", "redrive_policy", nil}},
	{"the messaging queue has a redrive", edit{"MessagingDeadLetters", "MessageRetentionPeriod", 345600.}, edit{"messaging_dead_letters", "message_retention_seconds", 345600.}},
	{"the visibility timeout", edit{"MessagingService", "Timeout", 31.}, edit{"messaging_service", "timeout", 31.}},
	{"the visibility timeout", edit{"MessagingQueue", "VisibilityTimeout", nil}, edit{"messaging_queue", "visibility_timeout_seconds", nil}},
	{"the visibility timeout", edit{"MessagingMapping", "MaximumBatchingWindowInSeconds", 1.}, edit{"messaging", "maximum_batching_window_in_seconds", 1.}},
	{"queues take messages of 1 MiB", edit{"MessagingQueue", "MaximumMessageSize", 262144.}, edit{"messaging_queue", "max_message_size", 262144.}},
	{"queues take messages of 1 MiB", edit{"RuleDeadLetters", "SqsManagedSseEnabled", false}, edit{"rule_dead_letters", "sqs_managed_sse_enabled", false}},
	{"the relay's mapping reads", edit{"RelayMapping", "StartingPosition", "LATEST"}, edit{"relay", "starting_position", "LATEST"}},
	{"both mappings report", edit{"RelayMapping", "FunctionResponseTypes", nil}, edit{"relay", "function_response_types", nil}},
	{"both mappings report", edit{"MessagingMapping", "FunctionResponseTypes", nil}, edit{"messaging", "function_response_types", nil}},
	{"the relay's mapping bisects", edit{"RelayMapping", "BisectBatchOnFunctionError", nil}, edit{"relay", "bisect_batch_on_function_error", nil}},
	{"the relay's mapping bisects", edit{"RelayMapping", "MaximumRetryAttempts", 3.}, edit{"relay", "maximum_retry_attempts", 3.}},
	{"the relay's mapping bisects", edit{"RelayMapping", "MaximumRecordAgeInSeconds", -1.}, edit{"relay", "maximum_record_age_in_seconds", -1.}},
	{"the relay's mapping bisects", edit{"RelayMapping", "DestinationConfig", nil}, edit{"relay", "destination_config", nil}},
	{"the relay's mapping has batches", edit{"RelayMapping", "BatchSize", 1.}, edit{"relay", "batch_size", 1.}},
	{"the relay's mapping filters", edit{"RelayMapping", "FilterCriteria", nil}, edit{"relay", "filter_criteria", nil}},
	{"functions are bootstrap", edit{"Relay", "Runtime", "provided.al2"}, edit{"relay", "runtime", "provided.al2"}},
	{"functions are bootstrap", edit{"RelayLog", "RetentionInDays", nil}, edit{"relay", "retention_in_days", nil}},
	{"functions are bootstrap", edit{"HttpApiLog", "RetentionInDays", nil}, edit{"http_api", "retention_in_days", nil}},
	{"the HTTP API calls", edit{"HttpApiStage", "DefaultRouteSettings", nil}, edit{"http_api", "default_route_settings", nil}},
	{"the HTTP API calls", edit{"UserRoute", "RouteKey", "GET /users/{id}"}, edit{"user", "route_key", "GET /users/{id}"}},
	{"there are alarms", edit{"OldestUnpublished", "MetricName", "NewestAge"}, edit{"oldest_unpublished", "metric_name", "NewestAge"}},
	{"there are alarms", edit{"RelayJournalFailed", "MetricName", "Failed"}, edit{"relay_journal_failed", "metric_name", "Failed"}},
	{"there are alarms", edit{"RelayIteratorAge", "AlarmActions", nil}, edit{"relay_iterator_age", "alarm_actions", nil}},
	{"an alarm says at once that Lambda has dropped", edit{"RelayMapping", "MetricsConfig", nil}, edit{"relay", "metrics_config", nil}},
	{"an alarm says at once that Lambda has dropped", edit{"RelayDroppedRecords", "Dimensions.0.Value", "x"}, edit{"relay_dropped_records", "dimensions.EventSourceMappingUUID", "x"}},
	{"an alarm says at once that Lambda has dropped", edit{"RelayDroppedRecords", "Threshold", 1.}, edit{"relay_dropped_records", "threshold", 1.}},
	{"an alarm says at once that Lambda has dropped", edit{"RelayFailing", "EvaluationPeriods", 1.}, edit{"relay_failing", "evaluation_periods", 1.}},
	{"an alarm says at once that Lambda has dropped", edit{"RelayFailing", "MetricName", "DroppedEventCount"}, edit{"relay_failing", "metric_name", "DroppedEventCount"}},
	{"an alarm says at once that Lambda has dropped", edit{"RelayFailuresUndelivered", "MetricName", "DeadLetterErrors"}, edit{"relay_failures_undelivered", "metric_name", "DeadLetterErrors"}},
	{"an alarm says at once that Lambda has dropped", edit{"RelaySkippedItems", "Statistic", "Average"}, edit{"relay_skipped_items", "statistic", "Average"}},
	{"there is a dashboard", edit{"Dashboard", "DashboardBody", `{"widgets":[]}`}, edit{"dashboard", "dashboard_body", `{"widgets":[]}`}},
}

// TestEveryPromiseCanFail breaks a copy of each template at one place after the
// other, and wants the promise that stands for it to be reported.
func TestEveryPromiseCanFail(t *testing.T) {
	for _, p := range promises {
		has := slices.ContainsFunc(slips, func(s struct {
			breaks    string
			sam       edit
			terraform edit
		}) bool {
			return strings.HasPrefix(p.says, s.breaks)
		})
		require.True(t, has, "nothing shows that this promise can fail: %s", p.says)
	}
	for _, slip := range slips {
		for name, e := range map[string]edit{"sam": slip.sam, "terraform": slip.terraform} {
			t.Run(name+"/"+e.resource+"."+e.path, func(t *testing.T) {
				tpl := both(t)[name]
				require.NoError(t, apply(tpl, e))
				got := broken(model(t, tpl))
				require.True(t, slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, slip.breaks) }),
					"%q is not reported; reported is %q", slip.breaks, got)
			})
		}
	}
}

// apply makes an edit in the one resource with that name that has the path.
func apply(tpl *template.Template, e edit) error {
	steps := strings.Split(e.path, ".")
	for i := range tpl.Resources {
		if r := &tpl.Resources[i]; r.Name == e.resource && set(r.Body, steps, e.value) {
			return nil
		}
	}
	return fmt.Errorf("no resource %s has %s", e.resource, e.path)
}

// set changes the value at a path and reports whether there was one.
func set(at any, path []string, value any) bool {
	switch at := at.(type) {
	case map[string]any:
		old, ok := at[path[0]]
		if !ok || old == nil {
			return false
		}
		if len(path) > 1 {
			return set(old, path[1:], value)
		}
		if value == nil {
			delete(at, path[0])
		} else {
			at[path[0]] = value
		}
		return true
	case []any:
		var i int
		if n, err := fmt.Sscan(path[0], &i); n != 1 || err != nil || i >= len(at) || len(path) < 2 {
			return false
		}
		return set(at[i], path[1:], value)
	}
	return false
}

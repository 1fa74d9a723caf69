package deploy

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/examples/internal/template"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// The pages that list the metrics that AWS publishes, read as stored copies.
const (
	lambdaMetrics   = "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html"
	eventsMetrics   = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html"
	sqsMetrics      = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html"
	dynamoDBMetrics = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html"
	httpAPIMetrics  = "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html"
)

// published are the series that AWS publishes, by their dimensions.
var published = []struct {
	namespace, name string
	dimensions      []string
	source          string
}{
	{"AWS/Lambda", "Invocations", []string{"FunctionName"}, lambdaMetrics},
	{"AWS/Lambda", "Errors", []string{"FunctionName"}, lambdaMetrics},
	{"AWS/Lambda", "Throttles", []string{"FunctionName"}, lambdaMetrics},
	{"AWS/Lambda", "IteratorAge", []string{"FunctionName"}, lambdaMetrics},
	{"AWS/Lambda", "DestinationDeliveryFailures", []string{"FunctionName"}, lambdaMetrics},
	// Of a mapping that asks for them, by MetricsConfig.
	{"AWS/Lambda", "DroppedEventCount", []string{"EventSourceMappingUUID"}, lambdaMetrics},
	{"AWS/Lambda", "FailedInvokeEventCount", []string{"EventSourceMappingUUID"}, lambdaMetrics},
	// Of the account and region as a whole: PutEvents metrics have no dimension.
	{"AWS/Events", "PutEventsApproximateThrottledCount", nil, eventsMetrics},
	// "Metrics that specify both the EventBusName and RuleName dimensions refer to a custom event bus."
	{"AWS/Events", "Invocations", []string{"EventBusName", "RuleName"}, eventsMetrics},
	{"AWS/Events", "FailedInvocations", []string{"EventBusName", "RuleName"}, eventsMetrics},
	{"AWS/Events", "InvocationsFailedToBeSentToDlq", []string{"EventBusName", "RuleName"}, eventsMetrics},
	{"AWS/SQS", "ApproximateNumberOfMessagesVisible", []string{"QueueName"}, sqsMetrics},
	{"AWS/SQS", "ApproximateAgeOfOldestMessage", []string{"QueueName"}, sqsMetrics},
	{"AWS/DynamoDB", "ConsumedWriteCapacityUnits", []string{"TableName"}, dynamoDBMetrics},
	{"AWS/DynamoDB", "WriteThrottleEvents", []string{"TableName"}, dynamoDBMetrics},
	{"AWS/ApiGateway", "5xx", []string{"ApiId"}, httpAPIMetrics},
}

// emitted is what the relay writes in the embedded metric format: the names,
// and the dimensions that every series has.
func emitted(t *testing.T, namespace string) (names, dimensions []string) {
	t.Helper()
	var line bytes.Buffer
	relay.EMF(&line, func(o *relay.EMFOptions) { o.Namespace = namespace })(t.Context(), relay.Metrics{Oldest: time.Second, Newest: time.Second, Remaining: time.Second})
	var document struct {
		AWS struct {
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name string }
			}
		} `json:"_aws"`
	}
	require.NoError(t, json.Unmarshal(line.Bytes(), &document))
	require.Len(t, document.AWS.CloudWatchMetrics, 1)
	directive := document.AWS.CloudWatchMetrics[0]
	require.Equal(t, namespace, directive.Namespace)
	require.Len(t, directive.Dimensions, 1)
	for _, m := range directive.Metrics {
		names = append(names, m.Name)
	}
	return names, directive.Dimensions[0]
}

// TestEveryMetricIsThere: a series that nobody publishes makes an alarm that
// stays green without end.
func TestEveryMetricIsThere(t *testing.T) {
	each(t, func(t *testing.T, d *template.Deployment) {
		for _, a := range d.Alarms {
			require.NotEmpty(t, a.Metrics, a.Name)
			for _, m := range a.Metrics {
				require.Empty(t, nowhere(t, d, m), "alarm %s", a.Name)
			}
		}
		for _, m := range d.Dashboards[0].Metrics {
			require.Empty(t, nowhere(t, d, m), "dashboard")
		}
	})
}

// nowhere says why a series does not exist, "" if it does.
func nowhere(t *testing.T, d *template.Deployment, m template.Metric) string {
	t.Helper()
	dims := slices.Sorted(maps.Keys(m.Dimensions))
	if namespace := d.Function("outbox-relay").Environment["METRICS_NAMESPACE"]; m.Namespace == namespace {
		names, want := emitted(t, namespace)
		if !slices.Contains(names, m.Name) {
			return "the relay emits no " + m.Name
		}
		if !slices.Equal(dims, want) {
			return "the relay emits " + m.Name + " with other dimensions"
		}
		return ""
	}
	known := false
	for _, p := range published {
		known = known || p.namespace == m.Namespace && p.name == m.Name && slices.Equal(dims, p.dimensions)
	}
	if !known {
		return "AWS publishes no " + series(m)
	}
	for name, value := range m.Dimensions {
		if !named(d, name, value) {
			return "there is no " + name + " " + value
		}
	}
	return ""
}

// named reports whether a dimension's value is the name of a thing of the
// deployment.
func named(d *template.Deployment, dimension, value string) bool {
	switch dimension {
	case "FunctionName":
		return d.Function(value) != nil
	case "EventSourceMappingUUID":
		return slices.ContainsFunc(d.Mappings, func(m template.Mapping) bool { return m.ID == value && slices.Contains(m.Metrics, "EventCount") })
	case "QueueName":
		return d.Queue(value) != nil
	case "TableName":
		return d.Table(value) != nil
	case "EventBusName":
		return d.Buses[0].Name == value
	case "RuleName":
		return d.Rules[0].Name == value
	case "ApiId":
		return value == "httpapi"
	}
	return false
}

func TestSeriesThatAreNotThere(t *testing.T) {
	d := model(t, both(t)["sam"])
	for _, tt := range []struct {
		name string
		m    template.Metric
	}{
		{"misspelt name of ours", template.Metric{Namespace: "outbox/Relay", Name: "DeadLetters"}},
		{"a dimension that we do not emit", template.Metric{Namespace: "outbox/Relay", Name: "Failed", Dimensions: map[string]string{"FunctionName": "outbox-relay"}}},
		{"another namespace", template.Metric{Namespace: "DynamoDBOutbox/Relay", Name: "Failed"}},
		{"misspelt name of AWS", template.Metric{Namespace: "AWS/Lambda", Name: "Error", Dimensions: map[string]string{"FunctionName": "outbox-relay"}}},
		{"no dimension", template.Metric{Namespace: "AWS/Lambda", Name: "IteratorAge"}},
		{"no such function", template.Metric{Namespace: "AWS/Lambda", Name: "Errors", Dimensions: map[string]string{"FunctionName": "relay"}}},
		{"a mapping that does not count its events", template.Metric{Namespace: "AWS/Lambda", Name: "DroppedEventCount", Dimensions: map[string]string{"EventSourceMappingUUID": d.Mapping("outbox-messaging").ID}}},
		{"no such queue", template.Metric{Namespace: "AWS/SQS", Name: "ApproximateAgeOfOldestMessage", Dimensions: map[string]string{"QueueName": "outbox-dlq"}}},
	} {
		t.Run(tt.name, func(t *testing.T) { require.NotEmpty(t, nowhere(t, d, tt.m)) })
	}
}

// TestAlarmsOnWhatTheRelayPassesOver: what is passed over is an alarm where that
// is never normal, and a parameter says where that is.
func TestAlarmsOnWhatTheRelayPassesOver(t *testing.T) {
	const items, region = "outbox-relay-skipped-items", "outbox-relay-skipped-region"
	for _, tt := range []struct {
		name          string
		items, region string // the parameters
		want          []string
	}{
		{"by default, for a table of events alone", "", "", []string{items}},
		{"a table with other items", "false", "", nil},
		{"a table that only the relay's own region writes", "", "true", []string{items, region}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			values := template.ExampleValues()
			values.AlarmOnSkippedItems, values.AlarmOnSkippedRegion = tt.items, tt.region
			var both [][]template.Alarm
			for _, tpl := range withValues(t, values) {
				d := model(t, tpl)
				both = append(both, d.Alarms)
				var got []string
				for _, a := range d.Alarms {
					if a.Name == items || a.Name == region {
						got = append(got, a.Name)
						require.Empty(t, nowhere(t, d, a.Metrics[0]))
						require.Equal(t, map[string]string{items: "SkippedNotEvent", region: "SkippedRegion"}[a.Name], a.Metrics[0].Name)
					}
				}
				require.Equal(t, tt.want, got, tpl.Path)
			}
			require.Equal(t, both[0], both[1])
		})
	}
}

// TestStalledAlarmExpression reads the expression of the one alarm that has
// one, for it is the only one that sees a relay which does not run.
func TestStalledAlarmExpression(t *testing.T) {
	each(t, func(t *testing.T, d *template.Deployment) {
		i := slices.IndexFunc(d.Alarms, func(a template.Alarm) bool { return a.Name == "outbox-relay-stalled" })
		require.GreaterOrEqual(t, i, 0)
		a := d.Alarms[i]
		require.Equal(t, "IF(FILL(written,0) > 0 AND FILL(invocations,0) == 0, 1, 0)", a.Expression)
		require.Equal(t, []string{"AWS/DynamoDB ConsumedWriteCapacityUnits TableName=outbox-event-store", "AWS/Lambda Invocations FunctionName=outbox-relay"},
			[]string{series(a.Metrics[0]), series(a.Metrics[1])})
		require.EqualValues(t, 300, a.Period)
	})
}

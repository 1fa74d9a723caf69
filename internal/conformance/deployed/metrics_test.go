package deployed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
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

// namespace is where the relay's metrics go.
const namespace = stack + "/Relay"

// series is one line in an alarm or a dashboard.
type series struct {
	namespace, name string
	dimensions      map[string]string
}

// everyMetricIsThere looks at what alarms and the dashboard show: a series that
// nobody publishes makes an alarm that stays green without end.
func everyMetricIsThere(t *testing.T, d description) {
	t.Helper()
	require.Equal(t, namespace, d.Functions[relayFunction].Environment["METRICS_NAMESPACE"])
	require.Greater(t, len(d.Alarms), 20)
	for name, a := range d.Alarms {
		if name == stalledAlarm {
			continue // MiniStack keeps nothing of it
		}
		dimensions := map[string]string{}
		for _, dimension := range a.Dimensions {
			dimensions[dimension.Name] = dimension.Value
		}
		require.Empty(t, nowhere(t, d, series{a.Namespace, a.MetricName, dimensions}), "alarm %s", name)
	}
	shown := 0
	for _, w := range d.Dashboards[stack+"-outbox"].Widgets {
		for _, m := range w.Properties.Metrics {
			s := series{namespace: m[0].(string), name: m[1].(string), dimensions: map[string]string{}}
			for i := 2; i+1 < len(m); i += 2 {
				s.dimensions[m[i].(string)] = m[i+1].(string)
			}
			require.Empty(t, nowhere(t, d, s), "dashboard")
			shown++
		}
	}
	require.Greater(t, shown, 20)

	for what, s := range map[string]series{
		"misspelt name of ours":                    {namespace, "DeadLetters", nil},
		"a dimension that we do not emit":          {namespace, "Failed", map[string]string{"FunctionName": relayFunction}},
		"another namespace":                        {"DynamoDBOutbox/Relay", "Failed", nil},
		"misspelt name of AWS":                     {"AWS/Lambda", "Error", map[string]string{"FunctionName": relayFunction}},
		"no dimension":                             {"AWS/Lambda", "IteratorAge", nil},
		"no such function":                         {"AWS/Lambda", "Errors", map[string]string{"FunctionName": "relay"}},
		"a mapping that does not count its events": {"AWS/Lambda", "DroppedEventCount", map[string]string{"EventSourceMappingUUID": d.Functions[messagingFunction].Mappings[0].UUID}},
		"no such queue":                            {"AWS/SQS", "ApproximateAgeOfOldestMessage", map[string]string{"QueueName": "outbox-dlq"}},
	} {
		require.NotEmpty(t, nowhere(t, d, s), what)
	}
}

// nowhere says why a series does not exist, "" if it does.
func nowhere(t *testing.T, d description, s series) string {
	t.Helper()
	dims := slices.Sorted(maps.Keys(s.dimensions))
	if s.namespace == namespace {
		names, want := emitted(t, namespace)
		if !slices.Contains(names, s.name) {
			return "the relay emits no " + s.name
		}
		if !slices.Equal(dims, want) {
			return "the relay emits " + s.name + " with other dimensions"
		}
		return ""
	}
	known := false
	for _, p := range published {
		known = known || p.namespace == s.namespace && p.name == s.name && slices.Equal(dims, p.dimensions)
	}
	if !known {
		return fmt.Sprint("AWS publishes no ", s)
	}
	for name, value := range s.dimensions {
		if !named(d, name, value) {
			return "there is no " + name + " " + value
		}
	}
	return ""
}

// named reports whether a dimension's value is the name of a thing of the
// deployment.
func named(d description, dimension, value string) bool {
	ok := false
	switch dimension {
	case "FunctionName":
		_, ok = d.Functions[value]
	case "EventSourceMappingUUID": // the one with MetricsConfig
		ok = value == d.Functions[relayFunction].Mappings[0].UUID
	case "QueueName":
		_, ok = d.Queues[value]
	case "TableName":
		_, ok = d.Tables[value]
	case "EventBusName":
		_, ok = d.Buses[value]
	case "RuleName":
		_, ok = d.Buses[bus][value]
	case "ApiId":
		ok = value == "the-api"
	}
	return ok
}

// stalledAlarm is the one alarm with metric math, for it is the only one that
// sees a relay which does not run; so many metrics are in it.
const (
	stalledAlarm   = stack + "-relay-stalled"
	stalledMetrics = 2
)

// alarmTopic is what the alarms notify.
const alarmTopic = "arn:aws:sns:" + engine.Region + ":" + engine.AccountID + ":alarms"

// alarmsSayEnough asks for the alarms without which events could be lost unseen, and
// that each tells somebody what it is about.
func alarmsSayEnough(t *testing.T, d description) {
	t.Helper()
	for name, a := range d.Alarms {
		require.NotEmpty(t, a.AlarmDescription, name)
		require.Equal(t, []string{alarmTopic}, a.AlarmActions, name)
		require.Equal(t, []string{alarmTopic}, a.OKActions, name)
	}
	// What was dropped, and what was skipped, is said at once; what fails, after 15 minutes.
	for name, seconds := range map[string]float64{
		"relay-dropped-records": 60, "relay-failures-undelivered": 60, "relay-skipped-items": 60, "relay-dead-letters": 60, "relay-config-faults": 60,
		"relay-gave-up": 60, "rule-dead-letters": 60, "messaging-dead-letters": 60, "relay-failing": 900,
	} {
		a := d.Alarms[stack+"-"+name]
		require.Equal(t, seconds, a.Period*a.EvaluationPeriods, name)
		require.Equal(t, a.EvaluationPeriods, a.DatapointsToAlarm, name)
		require.Zero(t, a.Threshold, name)
		require.Equal(t, "GreaterThanThreshold", a.ComparisonOperator, name)
	}
}

package deployed

import (
	"slices"
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
)

// slip is what a person could get wrong in a deployment.
type slip struct {
	name  string
	check string // of the doctor, which must find it
	make  func(t *testing.T, d *deployment) (mend func())
}

var slips = []slip{
	{"the mapping ignores the relay's answer", "mapping.response-types", mapping(relayFunction,
		func(in *lambda.UpdateEventSourceMappingInput) {
			in.FunctionResponseTypes = []types.FunctionResponseType{}
		},
		func(in *lambda.UpdateEventSourceMappingInput) {
			in.FunctionResponseTypes = []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures}
		})},
	{"the mapping ignores the consumer's answer", "consumer-mapping.response-types", mapping(messagingFunction,
		func(in *lambda.UpdateEventSourceMappingInput) {
			in.FunctionResponseTypes = []types.FunctionResponseType{}
		},
		func(in *lambda.UpdateEventSourceMappingInput) {
			in.FunctionResponseTypes = []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures}
		})},
	{"the filter lets changes through, and no new events", "mapping.filter", mapping(relayFunction,
		func(in *lambda.UpdateEventSourceMappingInput) { in.FilterCriteria = filter(`{"eventName":["MODIFY"]}`) },
		func(in *lambda.UpdateEventSourceMappingInput) { in.FilterCriteria = filter(`{"eventName":["INSERT"]}`) })},
	{"a batch that is too slow comes again whole", "mapping.bisect", mapping(relayFunction,
		func(in *lambda.UpdateEventSourceMappingInput) { in.BisectBatchOnFunctionError = aws.Bool(false) },
		func(in *lambda.UpdateEventSourceMappingInput) { in.BisectBatchOnFunctionError = aws.Bool(true) })},
	{"three retries, and Lambda gives up", "mapping.retries", mapping(relayFunction,
		func(in *lambda.UpdateEventSourceMappingInput) { in.MaximumRetryAttempts = aws.Int32(3) },
		func(in *lambda.UpdateEventSourceMappingInput) { in.MaximumRetryAttempts = aws.Int32(-1) })},
	{"nobody is told that Lambda gave up", "mapping.on-failure", mapping(relayFunction,
		func(in *lambda.UpdateEventSourceMappingInput) { in.DestinationConfig = &types.DestinationConfig{} },
		func(in *lambda.UpdateEventSourceMappingInput) {
			in.DestinationConfig = &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String(queueARN(stack + "-relay-failures"))}}
		})},
	{"the mapping is disabled", "mapping.state", mapping(relayFunction,
		func(in *lambda.UpdateEventSourceMappingInput) { in.Enabled = aws.Bool(false) },
		func(in *lambda.UpdateEventSourceMappingInput) { in.Enabled = aws.Bool(true) })},
	{"the relay has another bus", "relay.bus", func(t *testing.T, d *deployment) func() {
		return d.setEnvironment(t, relayFunction, map[string]string{"EVENT_BUS_NAME": "default"})
	}},
	{"the rule's target has no dead-letter queue", "target.dlq", target(func(target *ebtypes.Target) { target.DeadLetterConfig = nil })},
	{"the rule does not match the event", "rule.matches", pattern(`{"source":["userservice"],"detail-type":["User.Created"]}`)},
	{"the rule is disabled", "rule.enabled", func(t *testing.T, d *deployment) func() {
		_, err := d.events.DisableRule(t.Context(), &eventbridge.DisableRuleInput{Name: aws.String(rule), EventBusName: aws.String(bus)})
		require.NoError(t, err)
		return func() {
			_, err := d.events.EnableRule(t.Context(), &eventbridge.EnableRuleInput{Name: aws.String(rule), EventBusName: aws.String(bus)})
			require.NoError(t, err)
		}
	}},
	{"the rule may not send to the queue", "queue.policy", attribute(messagingQueue, "Policy", "")},
	{"the rule may not send to its dead-letter queue", "target.dlq-policy", attribute(stack+"-rule-dlq", "Policy", "")},
	{"messages come again while they are worked on", "queue.visibility", attribute(messagingQueue, "VisibilityTimeout", "30")},
	{"a message that cannot be handled comes again without end", "queue.dlq", attribute(messagingQueue, "RedrivePolicy", "")},
	{"events never expire", "table.ttl", func(t *testing.T, d *deployment) func() {
		set := func(enabled bool) {
			_, err := d.tables.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
				TableName: aws.String(eventStore), TimeToLiveSpecification: &ddbtypes.TimeToLiveSpecification{AttributeName: aws.String("ttl"), Enabled: &enabled},
			})
			require.NoError(t, err)
		}
		set(false)
		return func() { set(true) }
	}},
	// These are not put back: a stream that was switched off comes back as another one.
	{"the stream has no new images", "table.stream-view", func(t *testing.T, d *deployment) func() {
		set := func(s ddbtypes.StreamSpecification) {
			_, err := d.tables.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: aws.String(eventStore), StreamSpecification: &s})
			require.NoError(t, err)
		}
		set(ddbtypes.StreamSpecification{StreamEnabled: aws.Bool(false)})
		set(ddbtypes.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: ddbtypes.StreamViewTypeKeysOnly})
		return nil
	}},
	{"nothing reads the stream", "mapping.exists", func(t *testing.T, d *deployment) func() {
		_, err := d.functions.DeleteEventSourceMapping(t.Context(), &lambda.DeleteEventSourceMappingInput{UUID: d.mapping(t, relayFunction)})
		require.NoError(t, err)
		return nil
	}},
	{"the rule has no target", "target.exists", func(t *testing.T, d *deployment) func() {
		_, err := d.events.RemoveTargets(t.Context(), &eventbridge.RemoveTargetsInput{Rule: aws.String(rule), EventBusName: aws.String(bus), Ids: []string{"messaging"}})
		require.NoError(t, err)
		return nil
	}},
	{"there is no bus", "bus.exists", func(t *testing.T, d *deployment) func() {
		for _, rule := range []string{rule, tap} {
			if rule == tap {
				_, err := d.events.RemoveTargets(t.Context(), &eventbridge.RemoveTargetsInput{Rule: aws.String(tap), EventBusName: aws.String(bus), Ids: []string{tap}})
				require.NoError(t, err)
			}
			_, err := d.events.DeleteRule(t.Context(), &eventbridge.DeleteRuleInput{Name: &rule, EventBusName: aws.String(bus)})
			require.NoError(t, err)
		}
		_, err := d.events.DeleteEventBus(t.Context(), &eventbridge.DeleteEventBusInput{Name: aws.String(bus)})
		require.NoError(t, err)
		return nil
	}},
}

// findSlips makes one slip after the other, and asks the doctor. What it finds in
// a healthy deployment too is expected.
func findSlips(t *testing.T, d *deployment, expected ...string) {
	t.Helper()
	for _, s := range slips {
		mend := s.make(t, d)
		found, code := d.look(t)
		i := slices.IndexFunc(found, func(f finding) bool { return f.Check == s.check && f.Severity != "unchecked" })
		require.GreaterOrEqual(t, i, 0, "%s: %s is not reported: %v", s.name, s.check, found)
		require.Equal(t, found[i].Severity == "problem", code == 1, "exit code %d", code)
		t.Logf("%-7s %-31s %s", found[i].Severity, s.check, s.name)
		if mend != nil {
			mend()
			d.healthy(t, expected...)
		}
	}
}

func filter(pattern string) *types.FilterCriteria {
	return &types.FilterCriteria{Filters: []types.Filter{{Pattern: &pattern}}}
}

// mapping changes the event source mapping of a function, and puts it back.
func mapping(function string, change, back func(*lambda.UpdateEventSourceMappingInput)) func(*testing.T, *deployment) func() {
	return func(t *testing.T, d *deployment) func() {
		d.setMapping(t, function, change)
		return func() { d.setMapping(t, function, back) }
	}
}

// attribute changes an attribute of a queue, and puts it back.
func attribute(queue, name, value string) func(*testing.T, *deployment) func() {
	return func(t *testing.T, d *deployment) func() {
		url := d.queueURL(t, queue)
		out, err := d.queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: all})
		require.NoError(t, err)
		before := out.Attributes[name]
		require.NotEmpty(t, before)
		set := func(value string) {
			_, err := d.queues.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: url, Attributes: map[string]string{name: value}})
			require.NoError(t, err)
		}
		set(value)
		return func() { set(before) }
	}
}

// target changes the target of the rule, and puts it back.
func target(change func(*ebtypes.Target)) func(*testing.T, *deployment) func() {
	return func(t *testing.T, d *deployment) func() {
		out, err := d.events.ListTargetsByRule(t.Context(), &eventbridge.ListTargetsByRuleInput{Rule: aws.String(rule), EventBusName: aws.String(bus)})
		require.NoError(t, err)
		require.Len(t, out.Targets, 1)
		put := func(target ebtypes.Target) {
			_, err := d.events.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: aws.String(rule), EventBusName: aws.String(bus), Targets: []ebtypes.Target{target}})
			require.NoError(t, err)
		}
		changed := out.Targets[0]
		change(&changed)
		put(changed)
		return func() { put(out.Targets[0]) }
	}
}

// pattern gives the rule another pattern, and puts its own back.
func pattern(text string) func(*testing.T, *deployment) func() {
	return func(t *testing.T, d *deployment) func() {
		before, err := d.events.DescribeRule(t.Context(), &eventbridge.DescribeRuleInput{Name: aws.String(rule), EventBusName: aws.String(bus)})
		require.NoError(t, err)
		put := func(text *string) {
			_, err := d.events.PutRule(t.Context(), &eventbridge.PutRuleInput{
				Name: before.Name, EventBusName: aws.String(bus), EventPattern: text, Description: before.Description, State: before.State,
			})
			require.NoError(t, err)
		}
		put(&text)
		return func() { put(before.EventPattern) }
	}
}

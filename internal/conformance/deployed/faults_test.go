package deployed

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/command"
)

// held breaks what the relay needs, and mends it. The relay holds what is written
// meanwhile: the metric of the alarm relay-config-faults says so, and nothing goes
// to the dead letters.
//
// The relay fails the whole batch here, for MiniStack ignores a partial answer.
func (l *ledger) held(what string, breaks func() (mend func())) {
	l.t.Helper()
	since := time.Now()
	restore := l.d.setEnvironment(l.t, relayFunction, map[string]string{"PARTIAL_BATCH_RESPONSE": "off"})
	mend := breaks()
	held := l.signUpMore(10)
	until(l.t, what, func() string {
		if l.d.metric(l.t, "ConfigFaults", since) == 0 {
			return "no ConfigFaults in the relay's metrics"
		}
		return ""
	})
	a := l.account()
	require.Len(l.t, a.deadLetters, len(l.strangers))
	for _, id := range held {
		require.Zero(l.t, l.heard[id])
	}
	mend()
	restore()
	l.settle(what)
}

// ignoredAnswer shows what MiniStack does with the answer that something was not
// published, which a mapping with ReportBatchItemFailures must not do: it goes on
// to the next record. The operator's command finds what is lost so in the event store,
// and publishes it again.
func (l *ledger) ignoredAnswer() {
	l.t.Helper()
	since := time.Now()
	restore := l.d.setEnvironment(l.t, relayFunction, map[string]string{"EVENT_BUS_NAME": stack + "-absent"})
	held := l.signUpMore(1)[0]
	until(l.t, "the relay answers that it has not published", func() string {
		if l.d.metric(l.t, "Failed", since) == 0 {
			return "no Failed in its metrics"
		}
		return ""
	})
	restore()
	next := l.signUpMore(1)[0]
	until(l.t, "the relay goes on", func() string {
		if l.listen(); l.heard[next] == 0 {
			return next + " has not come out of the bus"
		}
		return ""
	})
	require.Zero(l.t, l.heard[held], "MiniStack honours the relay's partial answer now: take this step out, and PARTIAL_BATCH_RESPONSE out of the other")

	until(l.t, "the audit finds it", func() string {
		if found := l.neverAccepted(); !slices.Equal(found, []string{held}) {
			return fmt.Sprint(found) // what is on its way is one of them
		}
		return ""
	})
	result := command.Run(l.t, command.Environment(l.d.engine, nil), "replay", "--name", stack, "--from", "1h", "--missing", "--to-same-bus", "--execute", "--reason", "a test")
	require.Zero(l.t, result.Code, "%v", result)
	l.settle("an answer that the engine ignores, a replay")
	require.Empty(l.t, l.neverAccepted())
}

// neverAccepted are the events that the operator's command calls so.
func (l *ledger) neverAccepted() (ids []string) {
	l.t.Helper()
	result := command.Run(l.t, command.Environment(l.d.engine, nil), "audit", "--name", stack, "--from", "1h", "--lag", "0s", "--list", "--json")
	var found struct {
		Events []struct{ EventID, State string }
	}
	require.NoError(l.t, json.Unmarshal([]byte(result.Stdout), &found), "%v", result)
	for _, e := range found.Events {
		require.Equal(l.t, "never accepted", e.State)
		ids = append(ids, e.EventID)
	}
	return ids
}

// stranger writes an item into the event store that is no event.
func (l *ledger) stranger() {
	l.t.Helper()
	_, err := l.d.tables.PutItem(l.t.Context(), &dynamodb.PutItemInput{TableName: aws.String(eventStore), Item: map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: "no-event"}, "sk": &types.AttributeValueMemberN{Value: "1"}, "note": &types.AttributeValueMemberS{Value: "x"},
	}})
	require.NoError(l.t, err)
	l.signUpMore(5)
	l.strangers = append(l.strangers, "no-event")
	l.settle("an item that is no event")
	require.Contains(l.t, fmt.Sprint(l.account().deadLetters), "no-event")
}

// failingConsumer takes the consumer's table away. Its messages are received
// maxReceiveCount times and go to its dead-letter queue; when it is mended, they are
// moved back. The visibility timeout is short meanwhile, for there are three
// minutes between two receives otherwise.
func (l *ledger) failingConsumer(requeue string) {
	l.t.Helper()
	const maxReceiveCount = 5
	since := time.Now()
	visibility := func(seconds string) {
		l.t.Helper()
		_, err := l.d.queues.SetQueueAttributes(l.t.Context(), &sqs.SetQueueAttributesInput{
			QueueUrl: l.d.queueURL(l.t, messagingQueue), Attributes: map[string]string{"VisibilityTimeout": seconds},
		})
		require.NoError(l.t, err)
	}
	restore := l.d.setEnvironment(l.t, messagingFunction, map[string]string{"MESSAGING_TABLE": stack + "-absent"})
	visibility("1")
	failed := l.signUpMore(3)
	until(l.t, "messages in the consumer's dead-letter queue", func() string {
		if n := l.d.waiting(l.t, messagingDLQ); n != len(failed) {
			return fmt.Sprintf("%d of %d", n, len(failed))
		}
		return ""
	})
	until(l.t, "every message was received as often as the queue allows", func() string {
		lines := l.d.logged(l.t, messagingFunction, since)
		for _, id := range failed {
			tries := 0
			for _, line := range lines {
				if strings.Contains(line, id) && strings.Contains(line, `"level":"ERROR"`) {
					tries++
				}
			}
			if tries != maxReceiveCount {
				return fmt.Sprintf("%s was tried %d times, not %d", id, tries, maxReceiveCount)
			}
		}
		return ""
	})
	visibility("180")
	restore()
	_, err := l.d.queues.StartMessageMoveTask(l.t.Context(), &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(queueARN(messagingDLQ))})
	require.Error(l.t, err, "MiniStack can do it now: take requeue out")
	must(l.t, examples, command.Environment(l.d.engine, nil), requeue, "-from", messagingDLQ, "-to", messagingQueue, "-execute")
	l.settle("a consumer that fails, and its messages moved")
}

// disabledMapping stops the mapping of the relay for a while.
func (l *ledger) disabledMapping() {
	l.t.Helper()
	enable := func(yes bool) {
		l.t.Helper()
		l.d.setMapping(l.t, relayFunction, func(in *lambda.UpdateEventSourceMappingInput) { in.Enabled = &yes })
	}
	enable(false)
	held := l.signUpMore(5)
	l.listen()
	for _, id := range held {
		require.Zero(l.t, l.heard[id])
	}
	enable(true)
	l.settle("the mapping disabled and enabled")
}

// updateInTheMiddle deploys the relay anew while people sign up.
func (l *ledger) updateInTheMiddle() {
	l.t.Helper()
	l.signUp(60, func(i int) string {
		if i == 30 {
			l.d.updateCode(l.t)
		}
		return fmt.Sprintf("during-%d@example.com", i)
	})
	l.d.updated(l.t, relayFunction)
	l.settle("the relay updated in the middle")
}

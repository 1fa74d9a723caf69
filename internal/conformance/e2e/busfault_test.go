package e2e_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lambdapoller"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/wirefault"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// TestBusFaultsLoseNothing breaks the wire between the relay and the bus, and
// compares what the queue got with what was committed: each event at least
// once, nothing else, and every duplicate under the same eventId and another id of
// the bus.
func TestBusFaultsLoseNothing(t *testing.T) {
	t.Parallel()
	const events = 12
	failing := func(calls int) wirefault.Script {
		faults := make([]wirefault.Fault, calls)
		for i := range faults {
			faults[i] = wirefault.FailEntries("InternalFailure", 0, 4, 9)
		}
		return wirefault.Calls(wirefault.PutEvents, faults...)
	}
	faults := map[string]wirefault.Script{
		"entries 0, 4 and 9 fail once":            failing(1),
		"entries 0, 4 and 9 fail, call for call":  failing(10),
		"throttled entries":                       wirefault.Calls(wirefault.PutEvents, wirefault.FailEntries("ThrottlingException", 1, 2, 3)),
		"a code that nobody knows":                wirefault.Calls(wirefault.PutEvents, wirefault.FailEntries("SolarFlare", 5)),
		"a whole call fails with 500":             wirefault.Calls(wirefault.PutEvents, wirefault.InternalFailure(), wirefault.InternalFailure(), wirefault.InternalFailure(), wirefault.InternalFailure()),
		"connection dropped before the bus":       wirefault.Calls(wirefault.PutEvents, wirefault.LostRequest(), wirefault.LostRequest(), wirefault.LostRequest(), wirefault.LostRequest()),
		"connection dropped after it accepted":    wirefault.Calls(wirefault.PutEvents, wirefault.LostAnswer(), wirefault.LostAnswer(), wirefault.LostAnswer(), wirefault.LostAnswer()),
		"results neither accepted nor refused":    wirefault.Calls(wirefault.PutEvents, wirefault.BlankEntries(0, 9)),
		"access denied, and then it is permitted": wirefault.Calls(wirefault.PutEvents, wirefault.Denied(), wirefault.Denied()),
		"fewer results than entries":              wirefault.Calls(wirefault.PutEvents, wirefault.Fault{Results: -1}),
	}
	answers := map[string]struct {
		mapping func(*lambdapoller.Options)
		options func(*relay.Options)
	}{
		"answer is an error": {func(*lambdapoller.Options) {}, func(*relay.Options) {}},
		"partial answer": {
			func(o *lambdapoller.Options) { o.ReportBatchItemFailures = true },
			func(o *relay.Options) { o.PartialBatchResponse = true },
		},
		"zero options under a mapping that bisects": {
			func(o *lambdapoller.Options) { o.ReportBatchItemFailures, o.Bisect = true, true },
			func(*relay.Options) {},
		},
	}
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		for name, script := range faults {
			for answer, how := range answers {
				t.Run(name+"/"+answer, func(t *testing.T) {
					t.Parallel()
					p := newPath(t, db, script, how.mapping, how.options)
					committed := map[string]bool{}
					for i := range events {
						ev, err := p.signUp(t.Context(), t, fmt.Sprintf("u%d", i))
						require.NoError(t, err)
						committed[ev.Headers.EventID] = true
					}
					require.NoError(t, p.poller.Drain(t.Context()))

					arrived, ids := map[string]int{}, map[string]bool{}
					for _, message := range p.bus.Queue.Drain(t) {
						ev, err := envelope.FromSQS([]byte(*message.Body))
						require.NoError(t, err)
						require.True(t, committed[ev.Headers.EventID], "phantom event %s", ev.Headers.EventID)
						arrived[ev.Headers.EventID]++
						require.NotEmpty(t, ev.Bus.ID)
						require.False(t, ids[ev.Bus.ID], "two publishes with one id of the bus")
						ids[ev.Bus.ID] = true
						_, duplicate := p.consume(t.Context(), t, *message.Body)
						require.Equal(t, arrived[ev.Headers.EventID] > 1, duplicate)
					}
					require.Len(t, arrived, events, "lost events")
					require.Len(t, p.done.Items(t, db), events)
					require.Equal(t, p.wire.EventIDs(), arrived, "what the bus accepted is what the queue got")
				})
			}
		}
	})
}

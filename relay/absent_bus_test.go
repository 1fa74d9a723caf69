package relay_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// onlyBuses is a bus service that has these and says success to every other one,
// as EventBridge has been seen to do.
func onlyBuses(names ...string) *relaytest.Bus {
	return &relaytest.Bus{Buses: names, AbsentSucceeds: true}
}

// An entry as the publisher is given it by whoever calls it: the relay, a replay,
// a program of one's own.
func entryOf(id, bus string) relay.Entry {
	return relay.Entry{EventID: id, Source: "s", DetailType: "d", Bus: bus, Detail: []byte(`{"headers":{"eventId":"` + id + `"},"payload":1}`)}
}

// Once it is known that a bus is there, it is not asked about again.
func TestABusIsAskedAboutOnce(t *testing.T) {
	client := &refusingClient{}
	p := relay.NewEventBridge(client, "orders")
	var wg sync.WaitGroup
	for _, bus := range []string{"", "orders", "theirs", ""} {
		wg.Go(func() {
			for range 3 {
				if _, err := p.Publish(t.Context(), []relay.Entry{entryOf("a", bus)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	require.ElementsMatch(t, []string{"orders", "theirs"}, client.described)
	require.Len(t, client.accepted, 12)
}

// What cannot be found out is a warning in the log of the publisher, which names
// the bus, and no obstacle. After a passing fault it is asked again in a minute.
func TestABusThatCannotBeAskedAbout(t *testing.T) {
	fails := func(err error) func() error { return func() error { return err } }
	for _, tt := range []struct {
		name     string
		bus      string // "" for the publisher's own
		describe func() error
		says     []string
		asked    int // over three calls, ten minutes apart
	}{
		{"a bus of the route", "theirs", fails(awsError("AccessDeniedException")), []string{"theirs", "AccessDenied"}, 1},
		{"throttled", "", fails(awsError("ThrottlingException")), []string{"orders", "Throttling"}, 3},
		{"no answer", "", fails(errors.New(testSecret)), []string{"orders"}, 3},
		{"a client that says more", "", fails(fmt.Errorf("%s: %w", testSecret, awsError("SlowDown"))), []string{"orders", "SlowDown"}, 3},
		{"a panic", "", func() error { panic(testSecret) }, []string{"orders"}, 1},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			client, log := &refusingClient{describe: func(context.Context, string) error { return tt.describe() }}, &logRecorder{}
			p := relay.NewEventBridge(client, "orders", logTo(log))
			for range 3 {
				results, err := p.Publish(t.Context(), []relay.Entry{entryOf("a", tt.bus)})
				require.NoError(t, err)
				require.Equal(t, relay.Accepted, results[0].Class)
				<-time.After(10 * time.Minute)
			}
			require.Len(t, client.described, tt.asked)
			require.Len(t, logged(log, append(tt.says, warns)...), tt.asked, log.String())
			require.NotContains(t, log.String(), testSecret)
			require.NotContains(t, log.String(), `"bus":""`)
		})
	}
}

// A relay whose bus does not exist holds everything, and says so as of every
// fault of the configuration. A bus that comes into being is found by the next
// invocation.
func TestARelayToAnAbsentBus(t *testing.T) {
	bothAnswers(t, "an absent bus", func(t *testing.T, answers func(*relay.Options)) {
		client, sink, log := onlyBuses("others"), &recordingSink{}, &logRecorder{}
		var m relay.Metrics
		h := newHandler(t, relay.NewEventBridge(client, "orders", logTo(log)), sink, answers, keep(&m), func(o *relay.Options) { o.Logger = log.logger() })
		for range 3 {
			out, err := h.Invoke(t.Context(), events(1, 25))
			require.Empty(t, client.Calls())
			require.Empty(t, sink.ids())
			if answers == nil {
				u := unpublishedIn(t, err)
				require.Equal(t, relay.ConfigFault, u.Class)
				require.Equal(t, "NoSuchBus", u.Code)
				require.ErrorIs(t, err, relay.ErrNoSuchBus)
			} else {
				require.NoError(t, err)
				require.Equal(t, "1", failure(out))
			}
			require.Equal(t, 25, m.Failed)
			require.Positive(t, m.ConfigFaults)
		}
		require.NotEmpty(t, logged(log, `"level":"ERROR"`, "NoSuchBus"), log.String())
		require.NotEmpty(t, logged(log, "orders"), log.String())
		require.ErrorIs(t, h.Check(t.Context()), relay.ErrNoSuchBus)

		client.Buses = nil // somebody has created it
		require.NoError(t, h.Check(t.Context()))
		invoke(t, h, events(1, 25))
		require.Len(t, client.Entries(), 25)
	})
}

// An absent bus holds its own events, and no other bus is asked twice for it.
func TestARelayToABusThatIsAbsentForSome(t *testing.T) {
	client, sink := onlyBuses("orders"), &recordingSink{}
	h := newHandler(t, relay.NewEventBridge(client, "orders"), sink, partial, spoils(func(e *relay.Entry) { e.Bus = "nowhere" }, idsOf(1, 2, 4, 5)...))
	for range 3 {
		require.Equal(t, "3", invoke(t, h, events(1, 5)))
	}
	require.ElementsMatch(t, idsOf(1, 2, 4, 5), idsIn(client.Entries())) // one call, and the process remembers them
	require.Empty(t, sink.ids())
}

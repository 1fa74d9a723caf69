package relay_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// The look at the bus is cut off while there is time to publish the batch.
func TestALookAtTheBusThatIsNotAnswered(t *testing.T) {
	for _, tt := range []struct {
		name    string
		timeout time.Duration // of the invocation, 0 for none
	}{
		{"hardly any time", 100 * time.Millisecond},
		{"some time", 3 * time.Second},
		{"a lot of time", 15 * time.Minute},
		{"no deadline", 0},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			ctx := contextOf(t, tt.timeout)
			client := &refusingClient{describe: unanswered}
			h := newHandler(t, relay.NewEventBridge(client, "orders"), relay.Block, func(o *relay.Options) { o.CallTimeout = 2 * time.Second })
			begin := time.Now()
			_, err := h.Invoke(ctx, events(1, 3))
			require.NoError(t, err)
			require.NoError(t, ctx.Err())
			require.Len(t, client.accepted, 3)
			require.LessOrEqual(t, time.Since(begin), 2*time.Second, "Options.CallTimeout")
		})
	}
}

// While one invocation looks at the bus, another one waits for what it finds,
// but no longer than its own context lasts.
func TestWaitingForALookAtTheBusEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		client := &refusingClient{describe: func(ctx context.Context, _ string) error {
			select {
			case <-answer:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}}
		h := newHandler(t, relay.NewEventBridge(client, "orders"), relay.Block, func(o *relay.Options) { o.CallTimeout = 10 * time.Minute })
		var first, second error
		looked, waited := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(looked)
			_, first = h.Invoke(t.Context(), events(1, 3))
		}()
		synctest.Wait() // the first one is asking
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() {
			defer close(waited)
			_, second = h.Invoke(ctx, events(11, 3))
		}()
		synctest.Wait() // the second one waits
		cancel()
		synctest.Wait()
		select {
		case <-waited:
		default:
			t.Error("the second invocation still waits for the first")
		}
		close(answer)
		<-looked
		<-waited
		require.NoError(t, first)
		require.Equal(t, 3, unpublishedIn(t, second).Unpublished)
		require.Equal(t, []string{"event-1", "event-2", "event-3"}, client.accepted)
	})
}

// Who waits for another one's look is told, too, that the bus does not exist.
func TestWaitingForALookAtAnAbsentBus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &refusingClient{describe: func(context.Context, string) error { <-time.After(time.Second); return absent() }}
		h := newHandler(t, relay.NewEventBridge(client, "orders"), relay.Block)
		for i := range 2 {
			go func() {
				_, err := h.Invoke(t.Context(), events(1+10*i, 3))
				require.ErrorIs(t, err, relay.ErrNoSuchBus)
			}()
		}
		synctest.Wait() // one is asking, the other one waits
		require.Equal(t, 1, client.asked("orders"))
		<-time.After(2 * time.Second)
		require.Empty(t, client.accepted)

		_, err := h.Invoke(t.Context(), events(21, 3))
		require.ErrorIs(t, err, relay.ErrNoSuchBus)
		require.Equal(t, 2, client.asked("orders"), "the next call asks again")
	})
}

// A bus that cannot be asked about is asked about once in a minute, and that
// leaves time to publish.
func TestABusIsAskedAboutOnceInAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &refusingClient{
			describe: func(ctx context.Context, name string) error {
				if name == "orders" {
					return nil
				}
				return unanswered(ctx, name)
			},
			before: func(context.Context) error { <-time.After(20 * time.Millisecond); return nil },
		}
		names := []string{"one", "two", "three", "four", "five"}
		h := newHandler(t, relay.NewEventBridge(client, "orders"), relay.Block, partial, func(o *relay.Options) {
			o.Route = func(e *relay.Entry) error { e.Bus = names[int(e.EventID[len(e.EventID)-1])%len(names)]; return nil }
		})
		for i := 1; i <= 2; i++ {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			begin := time.Now()
			out, err := h.Invoke(ctx, events(1+100*(i-1), 100))
			require.NoError(t, err)
			require.Empty(t, failure(out))
			require.Less(t, time.Since(begin), 40*time.Second, "each question has half of its call's time")
			for _, name := range names {
				require.Equal(t, i, client.asked(name))
			}
			<-time.After(time.Minute)
		}
	})
}

// A bus that comes after the time for questions is asked about too: what is
// sent to one that does not exist may be answered with success.
func TestABusIsAskedAboutLate(t *testing.T) {
	for _, tt := range []struct {
		name    string
		own     func(context.Context, string) error
		timeout time.Duration
		records []testRecord
	}{
		{"after a question without an answer", unanswered, 30 * time.Second, []testRecord{{sequence: 1}, {sequence: 2}}},
		{"after a slow dead letter", func(context.Context, string) error { return nil }, 3 * time.Second,
			[]testRecord{{sequence: 1, payload: `{"??":1}`}, {sequence: 2}}},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			client := &refusingClient{describe: func(ctx context.Context, name string) error {
				if name == "typo" {
					return absent()
				}
				return tt.own(ctx, name)
			}}
			h := newHandler(t, relay.NewEventBridge(client, "orders"), slow(800*time.Millisecond), func(o *relay.Options) {
				o.Route = func(e *relay.Entry) error { e.Bus = "typo"; return nil }
			})
			ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
			defer cancel()
			_, err := h.Invoke(ctx, batch(tt.records...))
			require.Equal(t, "NoSuchBus", unpublishedIn(t, err).Code)
			require.Empty(t, client.accepted)
		})
	}
}

// An invocation that waits for another one's question waits for no longer than
// it might have asked.
func TestAnInvocationWaitsNoLongerThanItMightAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &refusingClient{describe: unanswered}
		h := newHandler(t, relay.NewEventBridge(client, "orders"), relay.Block, partial)
		var wg sync.WaitGroup
		for _, timeout := range []time.Duration{time.Minute, 5 * time.Second} {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				defer cancel()
				out, err := h.Invoke(ctx, events(int(timeout/time.Second), 1))
				require.NoError(t, err)
				require.Empty(t, failure(out))
				require.NoError(t, ctx.Err())
			})
			synctest.Wait()
		}
		wg.Wait()
		require.ElementsMatch(t, []string{"event-5", "event-60"}, client.accepted)
	})
}

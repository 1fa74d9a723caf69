package relay

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/stretchr/testify/require"
)

// deafClient is a client whose DescribeEventBus answers when its context ends,
// and whose PutEvents accepts everything.
type deafClient struct{ sent int }

func (c *deafClient) PutEvents(_ context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	out := &eventbridge.PutEventsOutput{}
	for range in.Entries {
		c.sent++
		out.Entries = append(out.Entries, types.PutEventsResultEntry{EventId: aws.String("x")})
	}
	return out, nil
}

func (*deafClient) DescribeEventBus(ctx context.Context, _ *eventbridge.DescribeEventBusInput, _ ...func(*eventbridge.Options)) (*eventbridge.DescribeEventBusOutput, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

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
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := contextOf(t, tt.timeout)
				client := &deafClient{}
				h := newTestHandler(t, NewEventBridge(client, "orders"), Block, func(o *Options) { o.CallTimeout = 2 * time.Second })
				begin := time.Now()
				_, err := h.Invoke(ctx, events(1, 3))
				require.NoError(t, err)
				require.NoError(t, ctx.Err())
				require.Equal(t, 3, client.sent)
				require.LessOrEqual(t, time.Since(begin), 2*time.Second, "Options.CallTimeout")
			})
		})
	}
}

// While one invocation looks at the bus, another one waits for what it finds,
// but no longer than its own context lasts.
func TestWaitingForALookAtTheBusEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		bus := &checkedBus{check: func(ctx context.Context, _ string) error {
			select {
			case <-answer:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}}
		h := newTestHandler(t, bus, Block, func(o *Options) { o.CallTimeout = 10 * time.Minute })
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
		require.Equal(t, []string{"event-1", "event-2", "event-3"}, bus.accepted)
	})
}

// A call that is refused as a whole is not split any more when the time is over.
func TestASplitEndsWithTheTime(t *testing.T) {
	refused := &CallError{Class: EventFault, Code: "ValidationException"}
	for _, tt := range []struct {
		name  string
		after time.Duration // the call takes that long
		ends  bool          // and then the context ends
		calls int
	}{
		{"there is time", 100 * time.Millisecond, false, 19},
		{"in the margin", 2200 * time.Millisecond, false, 1},
		{"the context ends", 100 * time.Millisecond, true, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				bus := &scriptBus{answer: func(_ context.Context, call int, _ []Entry) ([]Result, error) {
					if call == 0 {
						<-time.After(tt.after)
						if tt.ends {
							cancel()
						}
					}
					return nil, refused
				}}
				sink := &graveyard{}
				h := newTestHandler(t, bus, sink, partial)
				out, err := h.Invoke(ctx, events(1, 10))
				require.NoError(t, err)
				require.Equal(t, "1", failure(out))
				require.Len(t, bus.calls, tt.calls)
				require.Empty(t, sink.dead, "nothing has shown whose fault it is")
			})
		})
	}
}

// Each Put has a deadline of its own, also without one of the invocation.
func TestEachPutHasItsDeadline(t *testing.T) {
	for _, tt := range []struct {
		name    string
		record  testRecord
		timeout time.Duration // of the invocation, 0 for none
	}{
		{"before the first call", testRecord{sequence: 2, payload: `{"??":1}`}, 0},
		{"after a call", testRecord{sequence: 2}, 0},
		{"before the first call, with a deadline", testRecord{sequence: 2, payload: `{"??":1}`}, 15 * time.Minute},
		{"after a call, with a deadline", testRecord{sequence: 2}, 15 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := contextOf(t, tt.timeout)
				var left time.Duration
				sink := DeadLetterFunc(func(ctx context.Context, _ DeadRecord) error {
					deadline, ok := ctx.Deadline()
					if !ok {
						return errors.New("no deadline")
					}
					left = time.Until(deadline)
					<-ctx.Done()
					return ctx.Err()
				})
				bus := &scriptBus{answer: refuse(Result{Class: EventFault, Code: "MalformedDetail"}, "event-2")}
				h := newTestHandler(t, bus, sink, partial, func(o *Options) { o.CallTimeout = 2 * time.Second })
				out, err := h.Invoke(ctx, batch(testRecord{sequence: 1}, tt.record))
				require.NoError(t, err)
				require.Equal(t, "2", failure(out))
				require.Equal(t, []string{"event-1"}, bus.accepted)
				require.Positive(t, left)
				require.LessOrEqual(t, left, 2*time.Second, "Options.CallTimeout")
			})
		})
	}
}

// contextOf returns a context that ends after a while, or with the test if that
// is zero.
func contextOf(t *testing.T, timeout time.Duration) context.Context {
	t.Helper()
	if timeout == 0 {
		return t.Context()
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	return ctx
}

package relay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/stretchr/testify/require"
)

const otherARN = "arn:aws:events:us-east-1:999999999999:event-bus/theirs"

func TestWireBusCheck(t *testing.T) {
	gone := func(string) (int, string) {
		return 400, fmt.Sprintf(`{"__type":"ResourceNotFoundException","message":"%s"}`, testSecret)
	}
	fault := func(status int, code string) func(string) (int, string) {
		return func(string) (int, string) { return status, fmt.Sprintf(`{"__type":%q}`, code) }
	}
	for _, tt := range []struct {
		name     string
		bus      string
		describe func(string) (int, string)
		skip     bool
		absent   bool
		asked    int // HTTP requests over three invocations
		warnings int
	}{
		{name: "it is there", asked: 1},
		{name: "it is not there", describe: gone, absent: true, asked: 3},
		{name: "not asked for", describe: gone, skip: true},
		{name: "no permission", describe: fault(400, "AccessDeniedException"), asked: 1, warnings: 1},
		{name: "another account's", bus: otherARN, describe: gone, asked: 1, warnings: 1},
		{name: "an engine that cannot", describe: fault(400, "UnknownOperationException"), asked: 1, warnings: 1},
		{name: "an engine that cannot and says nothing", describe: func(string) (int, string) { return http.StatusNotFound, "" }, asked: 1, warnings: 1},
		{name: "throttled: asked again next time", describe: fault(400, "ThrottlingException"), asked: 9, warnings: 3},
		{name: "broken: asked again next time", describe: fault(500, "InternalException"), asked: 9, warnings: 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newWireBus(t)
			b.describe = tt.describe
			bus := tt.bus
			if bus == "" {
				bus = "orders"
			}
			log := &logRecorder{}
			h := newTestHandler(t, NewEventBridge(b.client(), bus), Block, partial, func(o *Options) {
				o.SkipBusCheck, o.Logger = tt.skip, log.logger()
			})
			for i := range 3 {
				out, err := h.Invoke(t.Context(), events(1+10*i, 2))
				if tt.absent {
					require.ErrorIs(t, err, ErrNoSuchBus)
					require.ErrorContains(t, err, `"orders"`)
					require.NotContains(t, err.Error(), testSecret)
					require.Nil(t, out, "an error in every mode: Lambda must not take it for an answer")
					continue
				}
				require.NoError(t, err)
				require.Empty(t, failure(out))
			}
			require.Len(t, b.described, tt.asked)
			require.Equal(t, tt.absent, len(b.accepted) == 0)
			require.Equal(t, tt.warnings, log.count("WARN"))
		})
	}
}

// A bus that comes into being is found by the next invocation.
func TestABusThatIsCreatedLater(t *testing.T) {
	b := newWireBus(t)
	there := false
	b.describe = func(name string) (int, string) {
		if there {
			return 200, fmt.Sprintf(`{"Name":%q}`, name)
		}
		return 400, `{"__type":"ResourceNotFoundException"}`
	}
	h := newTestHandler(t, NewEventBridge(b.client(), "orders"), Block)
	_, err := h.Invoke(t.Context(), events(1, 1))
	require.ErrorIs(t, err, ErrNoSuchBus)
	require.ErrorIs(t, h.Check(t.Context()), ErrNoSuchBus)
	there = true
	require.NoError(t, h.Check(t.Context()))
	_, err = h.Invoke(t.Context(), events(1, 1))
	require.NoError(t, err)
}

// A bus that the route names and that does not exist holds its events only.
func TestARoutedBusThatIsAbsent(t *testing.T) {
	b := newWireBus(t)
	b.describe = func(name string) (int, string) {
		if name == "nowhere" {
			return 400, `{"__type":"ResourceNotFoundException"}`
		}
		return 200, "{}"
	}
	h := newTestHandler(t, NewEventBridge(b.client(), "orders"), &graveyard{}, partial, func(o *Options) {
		o.Route = func(e *Entry) error {
			if e.EventID == "event-3" {
				e.Bus = "nowhere"
			}
			return nil
		}
	})
	out, err := h.Invoke(t.Context(), events(1, 5))
	require.NoError(t, err)
	require.Equal(t, "3", failure(out))
	require.Equal(t, []string{"event-1", "event-2"}, b.accepted)
}

func TestCheckWithoutAnAnswer(t *testing.T) {
	h := newTestHandler(t, &scriptBus{}, Block)
	require.ErrorIs(t, h.Check(t.Context()), ErrBusUnchecked)
	b := newWireBus(t)
	h = newTestHandler(t, NewEventBridge(putOnly{b.client()}, "orders"), Block)
	require.ErrorIs(t, h.Check(t.Context()), ErrBusUnchecked)
	b.describe = func(string) (int, string) { return 500, fmt.Sprintf(`{"message":%q}`, testSecret) }
	h = newTestHandler(t, NewEventBridge(b.client(), "orders"), Block)
	err := h.Check(t.Context())
	require.Error(t, err)
	require.NotErrorIs(t, err, ErrBusUnchecked)
	require.NotContains(t, err.Error(), testSecret)
	h = newTestHandler(t, NewEventBridge(b.client(), "orders", func(o *EventBridgeOptions) { o.EndpointID = "a.veo" }), Block)
	require.ErrorIs(t, h.Check(t.Context()), ErrBusUnchecked)
}

// putOnly hides the other operations of a client.
type putOnly struct{ PutEventsAPIClient }

// checkedBus is a Publisher with a CheckBus of the test.
type checkedBus struct {
	scriptBus
	check func(context.Context, string) error
}

func (b *checkedBus) CheckBus(ctx context.Context, bus string) error { return b.check(ctx, bus) }

func TestBusCheckIsMadeOncePerProcess(t *testing.T) {
	var mu sync.Mutex
	asked := 0
	bus := &checkedBus{check: func(context.Context, string) error {
		mu.Lock()
		defer mu.Unlock()
		asked++
		return nil
	}}
	h := newTestHandler(t, bus, Block)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			_, err := h.Invoke(t.Context(), events(1+10*i, 3))
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1, asked)
	require.Len(t, bus.accepted, 48)
}

func TestABusCheckThatPanicsIsAWarning(t *testing.T) {
	log := &logRecorder{}
	bus := &checkedBus{check: func(context.Context, string) error { panic(testSecret) }}
	h := newTestHandler(t, bus, Block, func(o *Options) { o.Logger = log.logger() })
	_, err := h.Invoke(t.Context(), events(1, 3))
	require.NoError(t, err)
	require.NotContains(t, log.String(), testSecret)
}

// The classes of whole-call errors that never were an HTTP answer.
func TestClassifyCallWithoutAnAnswer(t *testing.T) {
	for _, tt := range []struct {
		err  error
		code string
	}{
		{context.DeadlineExceeded, "Timeout"},
		{fmt.Errorf("operation error: %w", context.Canceled), "Canceled"},
		{errors.New("dial tcp: connection refused"), "NoAnswer"},
	} {
		ce := classifyCall(tt.err)
		require.Equal(t, Transient, ce.Class)
		require.Equal(t, tt.code, ce.Code)
		require.ErrorIs(t, ce, tt.err)
		require.False(t, ce.Retried)
	}
	client := eventbridge.New(eventbridge.Options{Region: "eu-west-1"}) // no credentials
	_, err := NewEventBridge(client, "orders").Publish(t.Context(), []Entry{{Detail: []byte("{}"), Source: "s", DetailType: "d"}})
	var ce *CallError
	require.ErrorAs(t, err, &ce)
	require.Equal(t, Transient, ce.Class)
}

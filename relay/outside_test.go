package relay

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// oddError is an error that cannot be looked at while it is nil.
type oddError struct{ code string }

func (e *oddError) Error() string     { return e.code }
func (e *oddError) ErrorCode() string { return e.code }

// oddBusError is one of the known errors, with a text that cannot be read.
type oddBusError struct{ error }

func (oddBusError) Error() string   { panic("the text") }
func (e oddBusError) Unwrap() error { return e.error }

// oddLog is a log that panics.
type oddLog struct{}

func (oddLog) Enabled(context.Context, slog.Level) bool  { return true }
func (oddLog) Handle(context.Context, slog.Record) error { panic("the log") }
func (o oddLog) WithAttrs([]slog.Attr) slog.Handler      { return o }
func (o oddLog) WithGroup(string) slog.Handler           { return o }

// Whatever code of others does, Invoke answers.
func TestNothingOfOthersEndsTheProcess(t *testing.T) {
	var odd *oddError
	sink := DeadLetterFunc(func(context.Context, DeadRecord) error { return odd })
	unreadable := batch(testRecord{sequence: 1}, testRecord{sequence: 2, payload: `{"??":1}`})
	for _, tt := range []struct {
		name    string
		bus     Publisher
		sink    DeadLetter
		payload []byte
		opt     func(*Options)
		failed  string
	}{
		{name: "a publisher's odd error", bus: &scriptBus{answer: func(context.Context, int, []Entry) ([]Result, error) { return nil, odd }},
			sink: Block, payload: events(1, 30), failed: "1"},
		{name: "a sink's", bus: &scriptBus{}, sink: sink, payload: unreadable, failed: "2"},
		{name: "a bus check's", bus: &checkedBus{check: func(context.Context, string) error { return odd }}, sink: Block, payload: events(1, 30)},
		{name: "a bus check's, that the bus is absent", bus: &checkedBus{check: func(context.Context, string) error { return oddBusError{ErrNoSuchBus} }},
			sink: Block, payload: events(1, 30)},
		{name: "a route's", bus: &scriptBus{}, sink: Block, payload: events(1, 30), failed: "1",
			opt: func(o *Options) { o.Route = func(*Entry) error { return odd } }},
		{name: "a log that panics", bus: &scriptBus{answer: refuse(Result{Class: EventFault, Code: "MalformedDetail"}, "event-2")},
			sink: &graveyard{}, payload: events(1, 30), opt: func(o *Options) { o.Logger = slog.New(oddLog{}) }},
		{name: "a log that panics about a panic", bus: &scriptBus{answer: func(context.Context, int, []Entry) ([]Result, error) { panic("the bus") }},
			sink: Block, payload: events(1, 30), failed: "1", opt: func(o *Options) { o.Logger = slog.New(oddLog{}) }},
	} {
		for _, n := range []int{1, 4} {
			t.Run(tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := newTestHandler(t, tt.bus, tt.sink, partial, tt.opt, func(o *Options) { o.Concurrency = n })
					out, err := h.Invoke(t.Context(), tt.payload)
					require.NoError(t, err)
					require.Equal(t, tt.failed, failure(out))
				})
			})
		}
	}
}

// A bus that cannot be asked about is asked about once in an invocation, and
// that leaves time to publish.
func TestABusIsAskedAboutOnceInAnInvocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := map[string]int{}
		bus := &checkedBus{check: func(ctx context.Context, name string) error {
			asked[name]++
			if name == "" {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}}
		bus.answer = slowBus(20 * time.Millisecond).answer
		names := []string{"one", "two", "three", "four", "five"}
		h := newTestHandler(t, bus, Block, partial, func(o *Options) {
			o.Route = func(e *Entry) error { e.Bus = names[int(e.EventID[len(e.EventID)-1])%len(names)]; return nil }
		})
		for i := 1; i <= 2; i++ {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			begin := time.Now()
			out, err := h.Invoke(ctx, events(1+100*(i-1), 100))
			require.NoError(t, err)
			require.Empty(t, failure(out))
			require.Less(t, time.Since(begin), 40*time.Second, "a quarter of the time for questions, and a bit for each later one")
			for _, name := range names {
				require.LessOrEqual(t, asked[name], i)
			}
			require.Equal(t, i, asked[names[4]], "the first event's bus is asked about again in the next invocation")
		}
	})
}

// A bus that comes after the time for questions is asked about all the same: what
// is sent to one that does not exist may be answered with success.
func TestABusIsAskedAboutLate(t *testing.T) {
	hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for _, tt := range []struct {
		name    string
		own     func(context.Context) error
		timeout time.Duration
		records []testRecord
	}{
		{"after a question without an answer", hang, 30 * time.Second, []testRecord{{sequence: 1}, {sequence: 2}}},
		{"after a slow dead letter", func(context.Context) error { return nil }, 3 * time.Second,
			[]testRecord{{sequence: 1, payload: `{"??":1}`}, {sequence: 2}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bus := &checkedBus{check: func(ctx context.Context, name string) error {
					if name == "typo" {
						return fmt.Errorf("%w: typo", ErrNoSuchBus)
					}
					return tt.own(ctx)
				}}
				slow := DeadLetterFunc(func(context.Context, DeadRecord) error { <-time.After(800 * time.Millisecond); return nil })
				h := newTestHandler(t, bus, slow, func(o *Options) {
					o.Route = func(e *Entry) error { e.Bus = "typo"; return nil }
				})
				ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
				defer cancel()
				_, err := h.Invoke(ctx, batch(tt.records...))
				require.Equal(t, "NoSuchBus", unpublishedIn(t, err).Code)
				require.Empty(t, bus.accepted)
			})
		})
	}
}

// An invocation that waits for another one's question waits for no longer than
// it might have asked.
func TestAnInvocationDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &checkedBus{check: func(ctx context.Context, _ string) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		h := newTestHandler(t, bus, Block, partial)
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
		require.ElementsMatch(t, []string{"event-5", "event-60"}, bus.accepted)
	})
}

// What is behind an entry that the configuration holds is not sent, also where a
// call is split.
func TestASplitEndsAtTheConfiguration(t *testing.T) {
	bus := &scriptBus{}
	bus.answer = func(_ context.Context, _ int, entries []Entry) ([]Result, error) {
		switch {
		case len(entries) == 10:
			return nil, &CallError{Class: EventFault, Code: "ValidationException"}
		case entries[0].EventID == "event-1":
			return nil, &CallError{Class: ConfigFault, Code: "AccessDeniedException"}
		}
		return accept(entries), nil
	}
	h := newTestHandler(t, bus, Block, partial)
	out, err := h.Invoke(t.Context(), events(1, 10))
	require.NoError(t, err)
	require.Equal(t, "1", failure(out))
	require.Empty(t, bus.accepted)
	require.Len(t, bus.calls, 2)
}

// An entry that waits for the next call to be judged does not keep that call
// from being made.
func TestAProbeAfterATransientFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &scriptBus{limits: Limits{Entries: 1, Bytes: 1_000_000}}
		bus.answer = func(_ context.Context, call int, entries []Entry) ([]Result, error) {
			switch {
			case entries[0].EventID != "event-1":
				return accept(entries), nil
			case call == 0:
				return []Result{{Class: Transient, Code: "InternalFailure"}}, nil
			}
			return []Result{{Class: EventFault, Code: "InvalidArgument"}}, nil
		}
		sink := &graveyard{}
		h := newTestHandler(t, bus, sink, partial)
		out, err := h.Invoke(t.Context(), events(1, 3))
		require.NoError(t, err)
		require.Empty(t, failure(out))
		require.Equal(t, []string{"event-1"}, sink.ids())
		require.Equal(t, []string{"event-2", "event-3"}, bus.accepted)
	})
}

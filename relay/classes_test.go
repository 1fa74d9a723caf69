package relay

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Only the entries that failed are sent again, in order, and nothing new is
// started before they are done.
func TestTransientEntriesAreSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &scriptBus{answer: func(_ context.Context, call int, entries []Entry) ([]Result, error) {
			out := accept(entries)
			if call == 0 {
				for _, i := range []int{0, 4, 9} {
					out[i] = Result{Class: Transient, Code: "InternalFailure"}
				}
			}
			if call == 1 {
				out[1] = Result{} // a result of nothing
			}
			return out, nil
		}}
		var m Metrics
		h := newTestHandler(t, bus, Block, func(o *Options) { o.Metrics = func(_ context.Context, got Metrics) { m = got } })
		begin := time.Now()
		_, err := h.Invoke(t.Context(), events(1, 12))
		require.NoError(t, err)
		require.Equal(t, [][]string{
			{"event-1", "event-2", "event-3", "event-4", "event-5", "event-6", "event-7", "event-8", "event-9", "event-10"},
			{"event-1", "event-5", "event-10"},
			{"event-5"},
			{"event-11", "event-12"},
		}, bus.calls)
		require.Less(t, time.Since(begin), 300*time.Millisecond, "full jitter, below 100 ms and 200 ms")
		require.Equal(t, 4, m.Retried)
		require.Equal(t, 12, m.Published)
		require.Equal(t, 4, m.Calls)
	})
}

func TestAttemptsAreBounded(t *testing.T) {
	for _, attempts := range []int{1, 2, 7, 20} {
		t.Run(fmt.Sprint(attempts), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bus := &scriptBus{answer: refuse(Result{Class: Transient, Code: "InternalFailure"}, "event-2")}
				h := newTestHandler(t, bus, Block, partial, func(o *Options) { o.MaxAttempts = attempts })
				out, err := h.Invoke(t.Context(), events(1, 15))
				require.NoError(t, err)
				require.Equal(t, "2", failure(out))
				require.Len(t, bus.calls, attempts)
				require.NotContains(t, bus.accepted, "event-11", "nothing new behind a record that failed")
			})
		})
	}
}

// A call that fails as a whole has been retried by the SDK; it is repeated once,
// or not at all if the publisher says so.
func TestWholeCallsAreNotMultiplied(t *testing.T) {
	for _, tt := range []struct {
		name  string
		err   error
		calls int
	}{
		{"any error", errors.New("broken"), 2},
		{"transient", &CallError{Class: Transient, Code: "x"}, 2},
		{"transient and retried", &CallError{Class: Transient, Code: "x", Retried: true}, 1},
		{"configuration", &CallError{Class: ConfigFault, Code: "x"}, 1},
		{"wrapped", fmt.Errorf("wrapped: %w", &CallError{Class: ConfigFault, Code: "x"}), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bus := &scriptBus{answer: func(context.Context, int, []Entry) ([]Result, error) { return nil, tt.err }}
				sink := &graveyard{}
				h := newTestHandler(t, bus, sink)
				_, err := h.Invoke(t.Context(), events(1, 30))
				u := unpublishedIn(t, err)
				require.Equal(t, 30, u.Unpublished)
				require.Equal(t, "event-1", u.EventID)
				require.Len(t, bus.calls, tt.calls)
				require.Empty(t, sink.dead)
			})
		})
	}
}

// A fault of the configuration is held however often it comes: a bad deploy
// must never drain the table into the dead letters.
func TestABadDeployDrainsNothing(t *testing.T) {
	for _, class := range []Class{EventFault, ConfigFault} {
		for _, size := range []int{1, 2, 10, 11, 100} {
			t.Run(fmt.Sprintf("%s, batches of %d", class, size), func(t *testing.T) {
				bus := &scriptBus{answer: func(_ context.Context, _ int, entries []Entry) ([]Result, error) {
					return fill(len(entries), Result{Class: class, Code: "InvalidArgument"}), nil
				}}
				sink := &graveyard{}
				h := newTestHandler(t, bus, sink)
				for range 20 {
					_, err := h.Invoke(t.Context(), events(1, size))
					u := unpublishedIn(t, err)
					require.Equal(t, ConfigFault, u.Class)
					require.Equal(t, size, u.Unpublished)
				}
				require.Empty(t, sink.dead)
				require.LessOrEqual(t, len(bus.calls), 40, "one call an invocation, and at most one more to tell whose fault it is")
			})
		}
	}
}

// A poisonous event that comes alone reaches the dead letters at once when the
// process has seen the bus accept anything before.
func TestAPoisonousEventAlone(t *testing.T) {
	poison := Result{Class: EventFault, Code: "MalformedDetail", Message: "bad"}
	t.Run("of a process that works", func(t *testing.T) {
		bus := &scriptBus{answer: refuse(poison, "event-2")}
		sink := &graveyard{}
		h := newTestHandler(t, bus, sink)
		_, err := h.Invoke(t.Context(), batch(testRecord{sequence: 1}))
		require.NoError(t, err)
		_, err = h.Invoke(t.Context(), batch(testRecord{sequence: 2}))
		require.NoError(t, err)
		require.Equal(t, []string{"event-2"}, sink.ids())
	})
	t.Run("of a new process, with others behind it", func(t *testing.T) {
		bus := &scriptBus{limits: Limits{Entries: 1, Bytes: 1000}, answer: refuse(poison, "event-1")}
		sink := &graveyard{}
		h := newTestHandler(t, bus, sink)
		_, err := h.Invoke(t.Context(), events(1, 3))
		require.NoError(t, err)
		require.Equal(t, []string{"event-1"}, sink.ids(), "the next call showed that the bus accepts")
		require.Equal(t, []string{"event-2", "event-3"}, bus.accepted)
	})
	t.Run("of a new process, and nothing else", func(t *testing.T) {
		bus := &scriptBus{answer: refuse(poison, "event-1")}
		sink := &graveyard{}
		h := newTestHandler(t, bus, sink)
		one := batch(testRecord{sequence: 1})
		_, err := h.Invoke(t.Context(), one)
		require.Equal(t, ConfigFault, unpublishedIn(t, err).Class)
		require.Empty(t, sink.dead, "nothing shows that it is not the configuration")
		_, err = h.Invoke(t.Context(), batch(testRecord{sequence: 7})) // another shard's
		require.NoError(t, err)
		_, err = h.Invoke(t.Context(), one)
		require.NoError(t, err)
		require.Equal(t, []string{"event-1"}, sink.ids())
	})
	t.Run("of a new process, before the stream forgets it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			bus := &scriptBus{answer: refuse(poison, "event-1")}
			sink := &graveyard{}
			h := newTestHandler(t, bus, sink)
			one := batch(testRecord{sequence: 1})
			hours := 0
			for ; len(sink.dead) == 0 && hours < 24; hours++ {
				_, err := h.Invoke(t.Context(), one)
				require.Equal(t, len(sink.dead) == 1, err == nil)
				<-time.After(time.Hour)
			}
			require.Equal(t, 21, hours)
		})
	})
}

// A whole call of poisonous events is held the first time, for it looks like
// the configuration; the second time in a process that works it is not.
func TestAWholeCallOfPoison(t *testing.T) {
	bus := &scriptBus{answer: refuse(Result{Class: EventFault, Code: "InvalidArgument"}, "event-11", "event-12", "event-13")}
	sink := &graveyard{}
	h := newTestHandler(t, bus, sink)
	_, err := h.Invoke(t.Context(), events(1, 3))
	require.NoError(t, err)
	three := batch(testRecord{sequence: 11}, testRecord{sequence: 12}, testRecord{sequence: 13})
	_, err = h.Invoke(t.Context(), three)
	require.Equal(t, ConfigFault, unpublishedIn(t, err).Class)
	require.Empty(t, sink.dead)
	_, err = h.Invoke(t.Context(), three)
	require.NoError(t, err)
	require.Equal(t, []string{"event-11", "event-12", "event-13"}, sink.ids())
}

// An entry that is refused as invalid while the others of its call have
// transient faults is sent again with them: they show whose fault it is.
func TestInvalidBesideTransient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &scriptBus{answer: func(_ context.Context, call int, entries []Entry) ([]Result, error) {
			out := accept(entries)
			if call == 0 {
				out = fill(len(entries), Result{Class: Transient, Code: "InternalFailure"})
			}
			for i, e := range entries {
				if e.EventID == "event-2" {
					out[i] = Result{Class: EventFault, Code: "MalformedDetail"}
				}
			}
			return out, nil
		}}
		sink := &graveyard{}
		h := newTestHandler(t, bus, sink)
		_, err := h.Invoke(t.Context(), events(1, 3))
		require.NoError(t, err)
		require.Equal(t, []string{"event-2"}, sink.ids())
		require.Equal(t, 2, sink.dead[0].Attempts)
	})
}

func TestDeadRecord(t *testing.T) {
	bus := &scriptBus{answer: refuse(Result{Class: EventFault, Code: "MalformedDetail", Message: "why"}, "event-2")}
	sink := &graveyard{}
	h := newTestHandler(t, bus, sink, func(o *Options) { o.Route = func(e *Entry) error { e.Bus = "there"; return nil } })
	rec := testRecord{raw: testRecord{sequence: 2}.String()}
	payload := batch(testRecord{sequence: 1}, rec)
	_, err := h.Invoke(t.Context(), payload)
	require.NoError(t, err)
	clear(payload) // the sink owns its record
	requireDead(t, sink, "MalformedDetail", "event-2")
	d := sink.dead[0]
	require.WithinDuration(t, time.Now(), d.Time, time.Minute)
	d.Time = time.Time{}
	require.Equal(t, rec.String(), string(d.Record))
	require.JSONEq(t, `{"eventId":"event-2","eventName":"User.Created","source":"userService","timestamp":0}`, withoutTime(string(d.Headers)))
	require.JSONEq(t, `{"pk":{"S":"event-2"},"sk":{"N":"0"}}`, withoutTime(string(d.Keys)))
	d.Record, d.Headers, d.Keys = nil, nil, nil
	require.Equal(t, DeadRecord{
		EventID: "event-2", Bus: "there", Code: "MalformedDetail", Message: "why", Attempts: 1,
		StreamARN: testARN, SequenceNumber: "000000000000000000002",
	}, d)
}

// Headers that can be read go with a record that cannot.
func TestDeadRecordOfAPayloadThatCannotBeRead(t *testing.T) {
	for _, payload := range []string{`{"S":"no JSON"}`, `{"??":1}`, `{"N":"one"}`} {
		sink := &graveyard{}
		_, err := newTestHandler(t, &scriptBus{}, sink).Invoke(t.Context(), batch(testRecord{sequence: 1}, testRecord{sequence: 2, payload: payload}, testRecord{sequence: 3}))
		require.NoError(t, err)
		require.Equal(t, []string{"event-2"}, sink.ids())
		require.JSONEq(t, `{"eventId":"event-2","eventName":"User.Created","source":"userService","timestamp":0}`, withoutTime(string(sink.dead[0].Headers)))
	}
}

func TestASinkThatRefuses(t *testing.T) {
	sink := &graveyard{err: errors.New("full")}
	t.Run("an event that the bus refuses", func(t *testing.T) {
		h := newTestHandler(t, &scriptBus{answer: refuse(Result{Class: EventFault, Code: "MalformedDetail"}, "event-2")}, sink, partial)
		out, err := h.Invoke(t.Context(), events(1, 30))
		require.NoError(t, err)
		require.Equal(t, "2", failure(out))
	})
	t.Run("a record that cannot be read", func(t *testing.T) {
		bus := &scriptBus{}
		h := newTestHandler(t, bus, sink, partial)
		out, err := h.Invoke(t.Context(), batch(testRecord{sequence: 1}, testRecord{sequence: 2, payload: `{"??":1}`}, testRecord{sequence: 3}))
		require.NoError(t, err)
		require.Equal(t, "2", failure(out))
		require.Equal(t, []string{"event-1"}, bus.accepted, "what is behind it comes again, so it is not sent")
	})
	t.Run("Block", func(t *testing.T) {
		h := newTestHandler(t, &scriptBus{}, Block)
		_, err := h.Invoke(t.Context(), batch(testRecord{sequence: 2, payload: `{"??":1}`}))
		require.Equal(t, EventFault, unpublishedIn(t, err).Class)
	})
}

func TestMaxAge(t *testing.T) {
	for _, tt := range []struct {
		name   string
		code   string
		age    time.Duration
		alone  bool
		maxAge time.Duration
		dead   bool
	}{
		{name: "older", code: "Odd", age: 2 * time.Hour, maxAge: time.Hour, dead: true},
		{name: "off", code: "Odd", age: 2 * time.Hour},
		{name: "younger", code: "Odd", age: time.Minute, maxAge: time.Hour},
		{name: "throttled", code: "ThrottlingException", age: 2 * time.Hour, maxAge: time.Hour},
		{name: "an outage", code: "Odd", age: 2 * time.Hour, maxAge: time.Hour, alone: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bus := &scriptBus{answer: func(_ context.Context, _ int, entries []Entry) ([]Result, error) {
					out := accept(entries)
					for i, e := range entries {
						if tt.alone || e.EventID == "event-2" {
							out[i] = Result{Class: Transient, Code: tt.code}
						}
					}
					return out, nil
				}}
				sink := &graveyard{}
				h := newTestHandler(t, bus, sink, partial, func(o *Options) { o.MaxAge = tt.maxAge })
				out, err := h.Invoke(t.Context(), batch(
					testRecord{sequence: 1, age: tt.age}, testRecord{sequence: 2, age: tt.age}, testRecord{sequence: 3, age: tt.age}))
				require.NoError(t, err)
				if tt.dead {
					require.Equal(t, []string{"event-2"}, sink.ids())
					require.Equal(t, DefaultMaxAttempts, sink.dead[0].Attempts)
					require.Empty(t, failure(out))
					return
				}
				require.Empty(t, sink.dead)
				require.NotEmpty(t, failure(out))
			})
		})
	}
}

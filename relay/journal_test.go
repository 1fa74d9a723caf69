package relay_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// recordingJournal keeps what it is told.
type recordingJournal struct {
	before func(context.Context) error // may refuse, panic or wait

	mu    sync.Mutex // guards what follows
	calls [][]relay.Done
}

func (j *recordingJournal) Record(ctx context.Context, done []relay.Done) error {
	j.mu.Lock()
	j.calls = append(j.calls, done)
	j.mu.Unlock()
	if j.before != nil {
		return j.before(ctx)
	}
	return nil
}

// take returns what the journal was told in one call, by event id, and forgets
// it. There must have been exactly one call.
func (j *recordingJournal) take(t *testing.T) (ids []string) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	require.Len(t, j.calls, 1)
	for _, d := range j.calls[0] {
		ids = append(ids, d.EventID)
	}
	j.calls = nil
	return ids
}

func (j *recordingJournal) option(o *relay.Options) { o.Journal = j }

// The journal is told once of everything that is done, and of nothing else.
func TestTheJournalIsToldWhatIsDone(t *testing.T) {
	for _, n := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			bus := &scriptedBus{limits: relay.Limits{Entries: 3, Bytes: 1 << 20}}
			bus.answer = slowly(time.Second, func(_ context.Context, call int, entries []relay.Entry) ([]relay.Result, error) {
				out := accept(entries)
				for i, e := range entries {
					switch {
					case e.EventID == "event-2":
						out[i] = relay.Result{Class: relay.Deduplicated, ID: "first-2"}
					case e.EventID == "event-3":
						out[i] = relay.Result{Class: relay.EventFault, Code: "InvalidArgument", ID: "none"}
					case e.EventID == "event-4" && call < 2:
						out[i] = unlucky
					case e.EventID == "event-5":
						out[i] = relay.Result{Class: relay.Accepted}
					case e.EventID == "event-8":
						out[i] = held
					}
				}
				return out, nil
			})
			journal, sink := &recordingJournal{}, &recordingSink{}
			h := newHandler(t, bus, sink, partial, journal.option, func(o *relay.Options) {
				o.Region, o.Concurrency = "eu-west-1", n
				o.Route = func(e *relay.Entry) error {
					if e.EventID == "event-6" {
						e.Bus = "audit"
					}
					return nil
				}
			})
			require.Equal(t, "8", invoke(t, h, batch(
				testRecord{sequence: 1}, testRecord{sequence: 2}, testRecord{sequence: 3}, testRecord{sequence: 4},
				testRecord{sequence: 5}, testRecord{sequence: 6},
				testRecord{sequence: 90, payload: `{"?":1}`},
				testRecord{raw: `{"eventName":"INSERT","dynamodb":{"SequenceNumber":"91","StreamViewType":"NEW_IMAGE"},"eventSourceARN":"` + testARN + `"}`},
				testRecord{sequence: 92, region: "us-east-1"},
				testRecord{sequence: 8},
			)))
			require.Len(t, sink.dead, 3)
			require.Len(t, journal.calls, 1)
			done := map[string]relay.Done{}
			for _, d := range journal.calls[0] {
				require.WithinRange(t, d.At, begin, time.Now())
				require.Equal(t, time.UTC, d.At.Location())
				if d.EventID == "event-1" {
					require.Equal(t, time.Second, d.At.Sub(begin), "when its call was answered")
				}
				d.At = time.Time{}
				done[d.EventID] = d
			}
			require.Len(t, journal.calls[0], len(done), "each of them once")
			require.Equal(t, map[string]relay.Done{
				"event-1":  {EventID: "event-1", BusID: "bus-event-1"},
				"event-2":  {EventID: "event-2", BusID: "first-2"},
				"event-3":  {EventID: "event-3", DeadLettered: true},
				"event-4":  {EventID: "event-4", BusID: "bus-event-4"},
				"event-5":  {EventID: "event-5"},
				"event-6":  {EventID: "event-6", Bus: "audit", BusID: "bus-event-6"},
				"event-90": {EventID: "event-90", DeadLettered: true},
			}, done)
		})
	}
}

// What this process has told is not told again when Lambda delivers it again.
func TestTheJournalIsToldOnce(t *testing.T) {
	journal := &recordingJournal{}
	bus := &scriptedBus{answer: first(1, refuse(held, "event-2"), acceptAll)}
	h := newHandler(t, bus, relay.Block, partial, journal.option)
	invoke(t, h, events(1, 3))
	require.Equal(t, []string{"event-1", "event-3"}, journal.take(t))
	invoke(t, h, events(1, 4))
	require.Equal(t, []string{"event-2", "event-4"}, journal.take(t))
	invoke(t, h, events(1, 4))
	require.Empty(t, journal.calls, "all are suppressed")
}

func TestTheJournalIsNotCalledForNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		answer  answer
		payload []byte
		opt     func(*relay.Options)
	}{
		"nothing is accepted":    {answer: fail(broken), payload: events(1, 3)},
		"everything is held":     {answer: refuseAll(held), payload: events(1, 3)},
		"dead letters blocked":   {payload: batch(testRecord{sequence: 1, payload: `{"?":1}`})},
		"no records":             {payload: batch()},
		"no JSON":                {payload: []byte("?")},
		"everything is skipped":  {payload: batch(testRecord{sequence: 1, region: "r"}), opt: func(o *relay.Options) { o.Region = "q" }},
		"route holds everything": {payload: events(1, 2), opt: func(o *relay.Options) { o.Route = func(*relay.Entry) error { return errors.New("no") } }},
	} {
		bubble(t, name, func(t *testing.T) {
			journal := &recordingJournal{}
			var m relay.Metrics
			h := newHandler(t, &scriptedBus{answer: tt.answer}, relay.Block, journal.option, tt.opt, keep(&m))
			_, _ = h.Invoke(t.Context(), tt.payload)
			require.Empty(t, journal.calls)
			require.Zero(t, m.JournalFailed)
		})
	}
}

// Whatever becomes of the journal, the answer is the same, in time, and what was
// published is not published again.
func TestTheJournalFailsNothing(t *testing.T) {
	var odd *oddError
	for _, tt := range []struct {
		name   string
		before func(context.Context) error
		log    string
		spent  time.Duration // without a deadline
	}{
		{"an error", func(context.Context) error { return errors.New(testSecret) }, `"journalError":"*errors.errorString"`, 0},
		{"an error that cannot be looked at", func(context.Context) error { return odd }, `"journalCode":"Panic"`, 0},
		{"a panic", func(context.Context) error { panic(testSecret) }, `"journalCode":"Panic"`, 0},
		{"slow", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, `"journalCode":"Timeout"`, 2 * time.Second},
		{"slow, and deaf", func(context.Context) error { <-time.After(time.Hour); return nil }, `"journalCode":"Timeout"`, 2 * time.Second},
		{"slow, and then a panic", func(context.Context) error { <-time.After(time.Hour); panic(testSecret) }, `"journalCode":"Timeout"`, 2 * time.Second},
	} {
		for _, timeout := range []time.Duration{0, 100 * time.Millisecond, 3 * time.Second, time.Hour} {
			bubble(t, fmt.Sprintf("%s, with %v", tt.name, timeout), func(t *testing.T) {
				journal, log := &recordingJournal{before: tt.before}, &logRecorder{}
				var m relay.Metrics
				bus := &scriptedBus{answer: first(1, refuse(held, "event-2"), acceptAll)}
				h := newHandler(t, bus, relay.Block, partial, journal.option, keep(&m), func(o *relay.Options) { o.Logger = log.logger() })
				begin := time.Now()
				ctx := contextOf(t, timeout)
				out, err := h.Invoke(ctx, events(1, 3))
				require.NoError(t, err)
				require.NoError(t, ctx.Err(), "there is time for the answer")
				require.Equal(t, "2", failure(out))
				require.LessOrEqual(t, time.Since(begin), 2*time.Second)
				if timeout == 0 {
					require.Equal(t, tt.spent, time.Since(begin))
				}
				require.Equal(t, 2, m.JournalFailed)
				require.Equal(t, 2, m.Published)
				require.Equal(t, 1, m.Failed)
				require.False(t, m.Error)
				require.Contains(t, log.String(), tt.log)
				require.Contains(t, log.String(), `"events":2,"eventId":"event-1"`)
				require.Equal(t, []string{"event-1", "event-3"}, journal.take(t))

				out, err = h.Invoke(contextOf(t, timeout), events(1, 3))
				require.NoError(t, err)
				require.Empty(t, failure(out))
				require.Equal(t, []string{"event-1", "event-3", "event-2"}, bus.accepted)
				require.Equal(t, []string{"event-2"}, journal.take(t))
				<-time.After(2 * time.Hour) // by then what was not waited for has ended
				require.NotContains(t, log.String(), testSecret)
			})
		}
	}
}

// The journal has until half of what is kept for the answer, so also when calls
// took all of the time.
func TestTheTimeOfTheJournal(t *testing.T) {
	for _, tt := range []struct {
		name                         string
		timeout, margin, callTimeout time.Duration
		answer                       answer
		want                         time.Duration // until it ends, from the beginning
	}{
		{"no deadline", 0, 0, 0, nil, 2 * time.Second},
		{"much time", time.Hour, 0, 0, nil, 2 * time.Second},
		{"the limit of a call", time.Hour, 0, 500 * time.Millisecond, nil, 500 * time.Millisecond},
		{"the margin", 1500 * time.Millisecond, 0, 0, nil, 1375 * time.Millisecond},
		{"less than the margin", 800 * time.Millisecond, 0, 0, nil, 700 * time.Millisecond},
		{"behind a call that is cut off", 8 * time.Second, 4 * time.Second, 15 * time.Minute,
			first(1, acceptAll, slowly(time.Hour, acceptAll)), 7500 * time.Millisecond},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			begin := time.Now()
			var end time.Time
			journal := &recordingJournal{before: func(ctx context.Context) error {
				require.NoError(t, ctx.Err())
				end, _ = ctx.Deadline()
				return nil
			}}
			var m relay.Metrics
			bus := &scriptedBus{answer: tt.answer}
			h := newHandler(t, bus, relay.Block, partial, journal.option, keep(&m), func(o *relay.Options) {
				o.Margin, o.CallTimeout = tt.margin, tt.callTimeout
			})
			_, err := h.Invoke(contextOf(t, tt.timeout), events(1, 20))
			require.NoError(t, err)
			require.Equal(t, tt.want, end.Sub(begin))
			require.Zero(t, m.JournalFailed)
		})
	}
}

// A context that has ended is no use to a journal: it is not called, and that is
// counted.
func TestTheJournalOfACancelledInvocation(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	bus := &scriptedBus{answer: func(_ context.Context, _ int, entries []relay.Entry) ([]relay.Result, error) {
		cancel()
		return accept(entries), nil
	}}
	journal := &recordingJournal{}
	var m relay.Metrics
	h := newHandler(t, bus, relay.Block, partial, journal.option, keep(&m))
	_, err := h.Invoke(ctx, events(1, 3))
	require.NoError(t, err)
	require.Equal(t, 3, m.Published)
	require.Equal(t, 3, m.JournalFailed)
	require.Empty(t, journal.calls)
}

// What is published again is told, and what only would be is not.
func TestTheJournalOfARepublish(t *testing.T) {
	journal := &recordingJournal{}
	h := newHandler(t, &scriptedBus{answer: refuse(malformed, "event-2")}, &recordingSink{}, journal.option)
	var again []relay.Again
	for n := range 3 {
		again = append(again, relay.Again{Record: []byte(testRecord{sequence: n + 1}.String())})
	}
	_, err := h.Republisher(true).Publish(t.Context(), again)
	require.NoError(t, err)
	require.Empty(t, journal.calls, "a dry run")
	_, err = h.Republisher(false).Publish(t.Context(), again)
	require.NoError(t, err)
	require.Equal(t, []string{"event-1", "event-3"}, journal.take(t))
}

// validJournal is a journal that checks itself.
type validJournal struct {
	recordingJournal
	err error
}

func (v *validJournal) Validate() error { return v.err }

func TestAJournalThatCannotBe(t *testing.T) {
	for want, journal := range map[string]relay.Journal{
		"relay: Options.Journal: a nil *relay_test.recordingJournal": (*recordingJournal)(nil),
		"no table": &validJournal{err: errors.New("no table")},
	} {
		_, err := relay.NewHandler(&scriptedBus{}, relay.Block, func(o *relay.Options) { o.Journal = journal })
		require.ErrorContains(t, err, want)
	}
	newHandler(t, &scriptedBus{}, relay.Block, func(o *relay.Options) { o.Journal = &validJournal{} })
}

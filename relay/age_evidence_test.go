package relay_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// sick always fails one event, by a fault of its own entry that nobody knows.
func sick(id string) answer { return refuse(odd, id) }

const evidenceAge = time.Hour // the MaxAge of these tests

func maxAge(o *relay.Options) { o.MaxAge = evidenceAge }

// deliverFor delivers a shard every few minutes, as Lambda does while it fails,
// until it is done or the time is over.
func deliverFor(t *testing.T, s *shard, h *relay.Handler, during time.Duration) {
	t.Helper()
	for end := time.Now().Add(during); time.Now().Before(end); <-time.After(5 * time.Minute) {
		if done, _ := s.deliver(t, h); done {
			return
		}
	}
}

// MaxAge ends an event that never comes through. What proves that the fault is
// its own is another entry that its bus has accepted since it first failed: in
// the same answer, later, or in another invocation of this process. The process
// remembers its neighbours as accepted, so from the second delivery on the event
// stands alone.
func TestMaxAgeEndsWhatNeverComesThrough(t *testing.T) {
	for _, neighbours := range []int{9, 99} {
		for name, at := range map[string]int{"first": 1, "in the middle": 5, "last": neighbours + 1} {
			bothAnswers(t, fmt.Sprintf("%d neighbours, %s", neighbours, name), func(t *testing.T, answers func(*relay.Options)) {
				bus, sink := &scriptedBus{answer: sick(eventID(at))}, &recordingSink{}
				h := newHandler(t, bus, sink, answers, maxAge)
				s := shardOf(records(1, neighbours+1)...)
				deliverFor(t, s, h, evidenceAge-time.Minute)
				require.Empty(t, sink.ids(), "it is young")
				begin := time.Now()
				deliverFor(t, s, h, 23*time.Hour)
				require.Zerof(t, len(s.open), "records that hold the shard after %v", time.Since(begin))
				require.Equal(t, []string{eventID(at)}, sink.ids())
				require.Equal(t, "Odd", sink.dead[0].Code)
				require.Equal(t, relay.DefaultMaxAttempts, sink.dead[0].Attempts)
				require.Less(t, time.Since(begin), 30*time.Minute)
				require.Len(t, bus.accepted, neighbours, "each neighbour once")
			})
		}
	}
}

// An event that has no neighbours ends as soon as its process publishes
// something else to the same bus, from another shard or from behind it.
func TestMaxAgeOfAnEventAlone(t *testing.T) {
	const lone = 1
	elsewhere := func(o *relay.Options) {
		o.Route = func(e *relay.Entry) error {
			if e.DetailType == "Elsewhere" {
				e.Bus = "another"
			}
			return nil
		}
	}
	for _, tt := range []struct {
		name string
		// of the minutes after the event came: when another shard's event comes
		others []int
		other  testRecord
		dead   bool
	}{
		{"nothing else ever", nil, testRecord{}, false},
		{"something before it first failed", []int{-30, -1}, testRecord{}, false},
		{"something while it was young", []int{30}, testRecord{}, true},
		{"something when it is old", []int{90}, testRecord{}, true},
		{"something every few minutes", []int{-30, 7, 33, 90}, testRecord{}, true},
		{"something to another bus", []int{30, 90}, testRecord{name: "Elsewhere"}, false},
	} {
		bothAnswers(t, tt.name, func(t *testing.T, answers func(*relay.Options)) {
			bus, sink := &scriptedBus{answer: sick(eventID(lone))}, &recordingSink{}
			h := newHandler(t, bus, sink, answers, maxAge, elsewhere)
			s := &shard{}
			for minute := -60; minute < 20*60; minute++ {
				if minute == 0 {
					s.put(testRecord{sequence: lone})
				}
				for i, at := range tt.others {
					if at == minute {
						other := tt.other
						other.sequence = 100 + i
						done, err := shardOf(other).deliver(t, h)
						require.NoError(t, err)
						require.True(t, done)
					}
				}
				if minute%5 == 0 {
					_, _ = s.deliver(t, h)
				}
				if minute < 60 {
					require.Empty(t, sink.ids(), "it is young")
				}
				<-time.After(time.Minute)
			}
			require.Equal(t, tt.dead, len(sink.ids()) == 1, "dead letters: %v", sink.ids())
			require.Equal(t, tt.dead, len(s.open) == 0)
		})
	}
	bubble(t, "what comes behind it on its own shard", func(t *testing.T) {
		bus, sink := &scriptedBus{answer: sick(eventID(lone))}, &recordingSink{}
		h := newHandler(t, bus, sink, partial, maxAge)
		s := shardOf(testRecord{sequence: lone})
		deliverFor(t, s, h, 2*evidenceAge)
		require.Len(t, s.open, 1)
		s.put(records(2, 3)...)
		s.again = 0 // Lambda fills the batch up
		deliverFor(t, s, h, 20*time.Minute)
		require.Equal(t, []string{eventID(lone)}, sink.ids())
		require.Empty(t, s.open)
	})
}

// An outage gives up nothing, however long it lasts, whatever came before it,
// and whatever another bus does meanwhile.
func TestAnOutageGivesNothingUp(t *testing.T) {
	for name, says := range map[string]answer{
		"every entry fails": refuseAll(odd),
		"every call fails":  fail(broken),
		"nothing can be read": func(context.Context, int, []relay.Entry) ([]relay.Result, error) {
			return nil, nil
		},
	} {
		for _, n := range []int{1, 10, 100} {
			for _, before := range []bool{false, true} {
				bothAnswers(t, fmt.Sprintf("%s, %d events, worked before: %v", name, n, before), func(t *testing.T, answers func(*relay.Options)) {
					bus, sink := &scriptedBus{}, &recordingSink{}
					h := newHandler(t, bus, sink, answers, maxAge)
					if before {
						_, err := shardOf(testRecord{sequence: 1000}).deliver(t, h)
						require.NoError(t, err)
					}
					bus.answer = says
					s := shardOf(records(1, n)...)
					deliverFor(t, s, h, 10*evidenceAge)
					require.Empty(t, sink.ids())
					require.Len(t, s.open, n)
					bus.answer = nil // it is over
					deliverFor(t, s, h, 15*time.Minute)
					require.Empty(t, s.open)
					require.Empty(t, sink.ids(), "also afterwards")
				})
			}
		}
	}
}

// A fault that says nothing of the entry proves nothing against it, whatever else
// is accepted: a call that fails as a whole, throttling, an answer that does not
// fit.
func TestMaxAgeIsForFaultsOfAnEntryAlone(t *testing.T) {
	only := func(r []relay.Result, err error) answer {
		return func(_ context.Context, _ int, entries []relay.Entry) ([]relay.Result, error) {
			if holds(entries, eventID(1)) {
				return r, err
			}
			return accept(entries), nil
		}
	}
	for name, says := range map[string]answer{
		"the call fails":    only(nil, broken),
		"throttling":        refuse(relay.Result{Class: relay.Transient, Code: "ThrottlingException"}, eventID(1)),
		"any error":         only(nil, errors.New("broken")),
		"retried already":   only(nil, &relay.CallError{Code: "Odd", Retried: true}),
		"too few results":   only(nil, nil),
		"too many results":  only(make([]relay.Result, 99), nil),
		"the configuration": refuse(held, eventID(1)),
		"a panic of the code": func(_ context.Context, _ int, entries []relay.Entry) ([]relay.Result, error) {
			if holds(entries, eventID(1)) {
				panic("the publisher")
			}
			return accept(entries), nil
		},
	} {
		bubble(t, name, func(t *testing.T) {
			bus, sink := &scriptedBus{answer: says}, &recordingSink{}
			h := newHandler(t, bus, sink, maxAge)
			s := shardOf(testRecord{sequence: 1})
			for i := range 40 { // every 5 minutes, and something else is accepted each time
				_, err := s.deliver(t, h)
				require.Error(t, err)
				_, err = shardOf(testRecord{sequence: 100 + i}).deliver(t, h)
				require.NoError(t, err)
				<-time.After(5 * time.Minute)
			}
			require.Empty(t, sink.ids())
		})
	}
}

// A new process knows nothing of what was before: it needs evidence of its own,
// and finds it where it sends a neighbour again.
func TestMaxAgeInANewProcess(t *testing.T) {
	for _, tt := range []struct {
		neighbours int
		dead       bool
	}{{0, false}, {1, true}, {9, true}, {99, true}} {
		bubble(t, fmt.Sprintf("%d neighbours", tt.neighbours), func(t *testing.T) {
			bus, sink := &scriptedBus{answer: sick(eventID(1))}, &recordingSink{}
			s := shardOf(records(1, tt.neighbours+1)...)
			<-time.After(2 * evidenceAge)
			for range 20 {
				_, _ = s.deliver(t, newHandler(t, bus, sink, maxAge))
			}
			require.Equal(t, tt.dead, len(sink.dead) == 1)
			require.Equal(t, tt.dead, len(s.open) == 0)
		})
	}
}

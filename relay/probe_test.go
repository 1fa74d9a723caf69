package relay_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// heartbeat is an entry of the operator's own, which no rule matches.
func heartbeat() *relay.Entry {
	return &relay.Entry{EventID: "probe", Source: "operations", DetailType: "Heartbeat", Detail: []byte(`{"alive":true}`)}
}

// probing gives the relay an entry to probe a bus with.
func probing(e *relay.Entry) func(*relay.Options) { return func(o *relay.Options) { o.Probe = e } }

// probed is a bus that tells probes and events apart.
type probed struct {
	scriptedBus
	probes []probe
}

type probe struct {
	at    time.Time
	entry relay.Entry
}

// newProbed is a bus that answers probes by one script and events by another.
func newProbed(probes, events answer) *probed {
	b := &probed{}
	b.answer = func(ctx context.Context, call int, entries []relay.Entry) ([]relay.Result, error) {
		if entries[0].DetailType != "Heartbeat" {
			return events(ctx, call, entries)
		}
		b.mu.Lock()
		for _, e := range entries {
			b.probes = append(b.probes, probe{time.Now(), e})
		}
		b.mu.Unlock()
		return probes(ctx, call, entries)
	}
	return b
}

// deliverEvery delivers a shard in steps of ten seconds.
func deliverEvery(t *testing.T, s *shard, h *relay.Handler, during time.Duration) {
	t.Helper()
	for end := time.Now().Add(during); time.Now().Before(end); <-time.After(10 * time.Second) {
		if done, _ := s.deliver(t, h); done {
			return
		}
	}
}

// On a quiet table nothing else proves an event guilty that its bus refuses, and
// it would hold its shard for 20 hours. A probe that the same bus accepts is the
// proof.
func TestAProbeProvesAnEventGuilty(t *testing.T) {
	for name, refusal := range map[string]answer{"the entry is refused": refuse(invalid, eventID(1)), "the call is refused": failWith(refused, eventID(1))} {
		bothAnswers(t, name, func(t *testing.T, answers func(*relay.Options)) {
			bus, sink := newProbed(acceptAll, refusal), &recordingSink{}
			var m relay.Metrics
			h := newHandler(t, bus, sink, answers, keep(&m), probing(heartbeat()))
			s := shardOf(records(1, 1)...)
			_, err := s.deliver(t, h)
			require.NoError(t, err)
			require.Empty(t, s.open, "the shard is held")
			require.Equal(t, idsOf(1), sink.ids())
			require.Len(t, bus.probes, 1)
			got := bus.probes[0].entry
			require.Equal(t, "operations", got.Source)
			require.Equal(t, `{"alive":true}`, string(got.Detail))
			require.Equal(t, 0, m.Published, "a probe is no event")
			require.Equal(t, 1, m.DeadLettered)
			require.Equal(t, 1, m.Records)
		})
	}
}

// A probe goes to the bus that refused the event, for that is the one in
// question.
func TestAProbeAsksTheBusInQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := newProbed(func(_ context.Context, _ int, entries []relay.Entry) ([]relay.Result, error) {
			if entries[0].Bus == "theirs" {
				return accept(entries), nil
			}
			return all(entries, invalid), nil
		}, refuseAll(invalid))
		sink := &recordingSink{}
		h := newHandler(t, bus, sink, probing(heartbeat()), func(o *relay.Options) {
			o.Route = func(e *relay.Entry) error {
				if e.DetailType == "Theirs" {
					e.Bus = "theirs"
				}
				return nil
			}
		})
		ours, theirs := shardOf(testRecord{sequence: 1}), shardOf(testRecord{sequence: 2, name: "Theirs"})
		for range 3 {
			_, _ = ours.deliver(t, h)
			_, _ = theirs.deliver(t, h)
		}
		require.Equal(t, idsOf(2), sink.ids())
		require.Len(t, ours.open, 1, "the own bus takes nothing, so that may be the configuration")
		require.Len(t, bus.probes, 2, "one for each bus, in five minutes")
	})
}

// Probes are entries that somebody pays for and looks at: there is one in five
// minutes at most, and none that is not needed. A bad deploy fails the probe
// too, and drains nothing.
func TestProbesAreFew(t *testing.T) {
	for name, tt := range map[string]struct{ probes, events answer }{
		"the probe is refused":             {refuseAll(invalid), refuseAll(invalid)},
		"the call of the probe is refused": {fail(refused), refuseAll(invalid)},
		"the probe is denied":              {refuseAll(held), refuseAll(invalid)},
		"the probe gets no answer":         {fail(broken), refuseAll(invalid)},
		"the probe fails for a while":      {refuseAll(unlucky), refuseAll(invalid)},
		"the publisher panics":             {panics("the probe"), refuseAll(invalid)},
	} {
		bubble(t, name, func(t *testing.T) {
			bus, sink := newProbed(tt.probes, tt.events), &recordingSink{}
			h := newHandler(t, bus, sink, probing(heartbeat()))
			s := shardOf(records(1, 1)...)
			deliverEvery(t, s, h, time.Hour)
			require.Len(t, s.open, 1)
			require.Empty(t, sink.ids())
			require.NotEmpty(t, bus.probes)
			require.LessOrEqual(t, len(bus.probes), 13)
			for i, p := range bus.probes[1:] {
				require.GreaterOrEqual(t, p.at.Sub(bus.probes[i].at), 5*time.Minute)
			}
		})
	}
	for name, tt := range map[string]struct {
		events  answer
		records []testRecord
	}{
		"all is well":                    {acceptAll, records(1, 20)},
		"another event is the proof":     {refuse(invalid, eventID(1)), records(1, 20)},
		"a fault of the configuration":   {refuseAll(held), records(1, 3)},
		"an event that explains nothing": {refuseAll(unlucky), records(1, 3)},
		"a call that fails":              {fail(broken), records(1, 3)},
	} {
		bubble(t, "none: "+name, func(t *testing.T) {
			bus := newProbed(acceptAll, tt.events)
			h := newHandler(t, bus, &recordingSink{}, probing(heartbeat()))
			deliverEvery(t, shardOf(tt.records...), h, 10*time.Minute)
			require.Empty(t, bus.probes)
		})
	}
}

// Several invocations at once ask once.
func TestOneProbeForSeveralInvocations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus, sink := newProbed(slowly(time.Second, acceptAll), slowly(time.Second, refuseAll(invalid))), &recordingSink{}
		h := newHandler(t, bus, sink, probing(heartbeat()))
		all := make([]*shard, 4)
		var wg sync.WaitGroup
		for i := range all {
			all[i] = shardOf(testRecord{sequence: i + 1})
			wg.Go(func() {
				for range 3 {
					_, _ = all[i].deliver(t, h)
				}
			})
		}
		wg.Wait()
		require.Len(t, bus.probes, 1)
		require.Len(t, sink.dead, 4)
		for _, s := range all {
			require.Empty(t, s.open)
		}
	})
}

// A probe takes no time from an invocation that has none left.
func TestAProbeIsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus, sink := newProbed(slowly(2100*time.Millisecond, acceptAll), slowly(2100*time.Millisecond, refuseAll(invalid))), &recordingSink{}
		h := newHandler(t, bus, sink, probing(heartbeat()))
		s := shardOf(records(1, 1)...)
		s.timeout = 3 * time.Second
		for range 4 {
			_, _ = s.deliver(t, h) // which checks that the answer is in time
			<-time.After(6 * time.Minute)
		}
	})
}

// The same proof serves MaxAge: on a quiet table an event that always fails is
// given up when a probe is accepted, and not before it is old.
func TestAProbeAndMaxAge(t *testing.T) {
	for _, works := range []bool{true, false} {
		bubble(t, fmt.Sprintf("the bus works: %v", works), func(t *testing.T) {
			probes := refuseAll(odd)
			if works {
				probes = acceptAll
			}
			bus, sink := newProbed(probes, refuseAll(odd)), &recordingSink{}
			h := newHandler(t, bus, sink, maxAge, probing(heartbeat()))
			s := shardOf(records(1, 1)...)
			deliverEvery(t, s, h, evidenceAge-time.Minute)
			require.Empty(t, sink.ids(), "it is young")
			deliverEvery(t, s, h, evidenceAge)
			require.Equal(t, works, len(s.open) == 0)
			require.Equal(t, works, len(sink.ids()) == 1)
		})
	}
}

// What waits behind an event that a probe has proved guilty goes on in the same
// invocation.
func TestAProbeLetsTheAggregateGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus, sink := newProbed(acceptAll, refuse(invalid, eventID(1))), &recordingSink{}
		h := newHandler(t, bus, sink, ordered, probing(heartbeat()))
		invoke(t, h, batch(testRecord{sequence: 1, aggregate: "a"}, testRecord{sequence: 2, aggregate: "a"}))
		requireDead(t, sink, "InvalidArgument", eventID(1))
		require.Contains(t, bus.accepted, eventID(2))
	})
}

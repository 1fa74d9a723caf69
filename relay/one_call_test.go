package relay_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// oneCall is a shard of a function that has time for one call in a delivery:
// Lambda's default timeout, and the bus takes 2.1 seconds.
func oneCall(records ...testRecord) *shard {
	s := shardOf(records...)
	s.timeout = 3 * time.Second
	return s
}

const slowBus = 2100 * time.Millisecond

// deliverTimes delivers a shard that often, with the pause that Lambda makes.
// It checks that each delivery makes one call.
func deliverTimes(t *testing.T, s *shard, h *relay.Handler, bus *scriptedBus, times int) {
	t.Helper()
	for range times {
		before := len(bus.calls)
		if done, _ := s.deliver(t, h); done {
			return
		}
		require.LessOrEqual(t, len(bus.calls)-before, 1, "this test is about one call a delivery")
		<-time.After(time.Minute)
	}
}

// goodOnes are the events 1 to n without the bad ones.
func goodOnes(n int, bad ...int) []string {
	var ids []string
	for i := 1; i <= n; i++ {
		if !slices.Contains(bad, i) {
			ids = append(ids, eventID(i))
		}
	}
	return ids
}

func idsOf(numbers ...int) []string {
	ids := make([]string, len(numbers))
	for i, n := range numbers {
		ids[i] = eventID(n)
	}
	return ids
}

// Where there is time for one call in a delivery, each call brings something
// nearer to done. An event that makes the bus refuse its call is suspected with
// the others of the call; it may go alone, but only in turn with them, or
// nothing is ever accepted that could prove it guilty.
func TestAPoisonousEventAndOneCallADelivery(t *testing.T) {
	for _, n := range []int{2, 3, 10, 25, 100} {
		for _, bad := range slices.Compact([]int{1, n/2 + 1, n}) {
			for name, says := range map[string]answer{
				"the call is refused":  failWith(refused, eventID(bad)),
				"the entry is refused": refuse(invalid, eventID(bad)),
			} {
				bothAnswers(t, fmt.Sprintf("%s, %d of %d", name, bad, n), func(t *testing.T, answers func(*relay.Options)) {
					bus, sink := &scriptedBus{answer: slowly(slowBus, says)}, &recordingSink{}
					h := newHandler(t, bus, sink, answers)
					s := oneCall(records(1, n)...)
					deliverTimes(t, s, h, bus, 3*n+3)
					require.ElementsMatch(t, goodOnes(n, bad), bus.accepted, "after %d deliveries", 3*n+3)
					require.Equal(t, []string{eventID(bad)}, sink.ids())
					require.Empty(t, s.open)
				})
			}
		}
	}
}

// Also where there are several of them, and where nothing is remembered of what
// was accepted.
func TestSeveralPoisonousEventsAndOneCallADelivery(t *testing.T) {
	for _, tt := range []struct {
		n   int
		bad []int
	}{
		{10, []int{1, 2}}, {10, []int{1, 10}}, {10, []int{1, 2, 3, 4, 5, 6, 7, 8, 9}}, {25, []int{1, 11, 21}}, {25, []int{5, 6, 7, 25}},
	} {
		for _, memory := range memories {
			bothAnswers(t, fmt.Sprintf("%v of %d, memory %d", tt.bad, tt.n, memory), func(t *testing.T, answers func(*relay.Options)) {
				bus, sink := &scriptedBus{answer: slowly(slowBus, failWith(refused, idsOf(tt.bad...)...))}, &recordingSink{}
				h := newHandler(t, bus, sink, answers, remembers(memory))
				s := oneCall(records(1, tt.n)...)
				deliverTimes(t, s, h, bus, 3*tt.n+3)
				require.Zero(t, len(s.open), "records that hold the shard; accepted: %v, dead letters: %v", bus.accepted, sink.ids())
				require.ElementsMatch(t, goodOnes(tt.n, tt.bad...), bus.accepted)
				require.ElementsMatch(t, idsOf(tt.bad...), sink.ids())
			})
		}
	}
}

// The order of an aggregate stays: what follows the suspect in its own aggregate
// waits for it, and what does not goes on.
func TestASuspectHoldsItsOwnAggregateAlone(t *testing.T) {
	for _, bad := range []int{1, 4} {
		bothAnswers(t, fmt.Sprint(bad), func(t *testing.T, answers func(*relay.Options)) {
			bus, sink := &scriptedBus{answer: slowly(slowBus, failWith(refused, eventID(bad)))}, &recordingSink{}
			h := newHandler(t, bus, sink, answers, ordered)
			rs := records(1, 12)
			for i := range rs {
				rs[i].aggregate = string(rune('a' + i%3))
				rs[i].id = eventID(i + 1)
				rs[i] = sequenced(rs[i], int64(i/3+1))
			}
			s := oneCall(rs...)
			deliverTimes(t, s, h, bus, 3*12+3)
			require.ElementsMatch(t, goodOnes(12, bad), bus.accepted)
			require.Equal(t, []string{eventID(bad)}, sink.ids())
			for a := range 3 {
				var last int
				for _, id := range bus.accepted {
					if n := sequenceOf(id); n%3 == a {
						require.Greater(t, n, last, "the order of an aggregate")
						last = n
					}
				}
			}
		})
	}
}

// A bad deploy looks the same at first. It ends with nothing accepted and
// nothing in the dead letters, and with the next deploy everything comes.
func TestABadDeployAndOneCallADelivery(t *testing.T) {
	for _, n := range []int{1, 2, 10, 25} {
		for name, says := range map[string]answer{"calls are refused": fail(refused), "entries are refused": refuseAll(invalid)} {
			bothAnswers(t, fmt.Sprintf("%s, %d events", name, n), func(t *testing.T, answers func(*relay.Options)) {
				bus, sink := &scriptedBus{answer: slowly(slowBus, says)}, &recordingSink{}
				h := newHandler(t, bus, sink, answers)
				s := oneCall(records(1, n)...)
				deliverTimes(t, s, h, bus, 4*n)
				require.Empty(t, bus.accepted)
				require.Empty(t, sink.ids())
				bus.answer = slowly(slowBus, acceptAll)
				deliverTimes(t, s, h, bus, n+3)
				require.Empty(t, s.open)
				require.Empty(t, sink.ids())
				require.Len(t, bus.accepted, n)
			})
		}
	}
}

package delivery_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/delivery"
)

// stream delivers the events that are not done again and again, as Lambda does,
// and keeps between deliveries what the relay keeps.
type stream struct {
	t        *testing.T
	policy   delivery.Policy
	answer   func(call []int) delivery.Answer // of events by their number
	evidence delivery.Evidence
	done     []delivery.State // by number; Ready while it is not done
	events   []delivery.Event
	calls    int // of the last delivery
	most     int // calls that there is time for in a delivery, 0 for any number
}

func newStream(t *testing.T, n int) *stream {
	s := &stream{t: t, policy: delivery.Policy{Entries: 10, Bytes: 1000, Attempts: 4}, done: make([]delivery.State, n), events: make([]delivery.Event, n)}
	for i := range s.events {
		s.events[i] = delivery.Event{Size: 1, Bus: "orders"}
	}
	return s
}

// deliver plays one delivery and returns how many events are open after it.
func (s *stream) deliver() (open int) {
	var number []int
	var events []delivery.Event
	for i, state := range s.done {
		if !state.Done() {
			number, events = append(number, i), append(events, s.events[i])
		}
	}
	var b delivery.Batch
	b.Start(events, s.policy, &s.evidence)
	bury := func() {
		for i := b.Bury(); i >= 0; i = b.Bury() {
			b.Buried(i, true)
		}
	}
	for s.calls = 0; s.most == 0 || s.calls < s.most; s.calls++ {
		call := b.Next()
		if call == nil {
			break
		}
		require.Less(s.t, s.calls, 1000)
		named := make([]int, len(call))
		for k, i := range call {
			named[k] = number[i]
		}
		b.Answered(call, s.answer(named))
		bury()
	}
	b.Close()
	bury()
	for k, i := range number {
		if b.State(k).Done() {
			s.done[i] = b.State(k)
			continue
		}
		s.events[i].Turn, s.events[i].FailedAt = b.Turn(k), b.FailedAt(k)
		open++
	}
	return open
}

// refusing answers as a bus that refuses some events, each by itself or the
// call as a whole.
func refusing(whole bool, bad func(i int) bool) func([]int) delivery.Answer {
	return func(call []int) delivery.Answer {
		a := delivery.Answer{Results: make([]delivery.Result, len(call))}
		for k, i := range call {
			a.Results[k].Class = delivery.Accepted
			if bad(i) {
				a.Results[k].Class = delivery.EventFault
				a.Whole = whole
			}
		}
		if a.Whole {
			for k := range a.Results {
				a.Results[k].Class = delivery.EventFault
			}
		}
		return a
	}
}

// One event that the bus refuses among good ones is isolated within two
// deliveries and ten calls, whatever its place and whether the bus refuses the
// entry or the call.
func TestPoisonAmongGoodEvents(t *testing.T) {
	for n := 2; n <= 10; n++ {
		for bad := range n {
			for _, whole := range []bool{false, true} {
				s := newStream(t, n)
				s.answer = refusing(whole, func(i int) bool { return i == bad })
				open, calls := n, 0
				for d := 0; d < 2 && open > 0; d++ {
					open = s.deliver()
					calls += s.calls
				}
				require.Zerof(t, open, "%d events, bad %d, whole %v", n, bad, whole)
				require.LessOrEqualf(t, calls, 10, "%d events, bad %d, whole %v", n, bad, whole)
				for i, state := range s.done {
					want := delivery.Published
					if i == bad {
						want = delivery.Buried
					}
					require.Equal(t, want, state)
				}
			}
		}
	}
}

// With time for one call a delivery, an event that makes the bus refuse its call
// does not take that call for itself: each delivery brings something nearer to
// done, and in the end it stands alone, and guilty.
func TestOneCallADelivery(t *testing.T) {
	for _, n := range []int{2, 5, 10, 25} {
		for _, bad := range []int{0, n / 2, n - 1} {
			for _, whole := range []bool{false, true} {
				s := newStream(t, n)
				s.most = 1
				s.answer = refusing(whole, func(i int) bool { return i == bad })
				open := n
				deliveries := 0
				for ; open > 0 && deliveries < 3*n+3; deliveries++ {
					open = s.deliver()
				}
				require.Zerof(t, open, "%d events, bad %d, whole %v: after %d deliveries", n, bad, whole, deliveries)
				require.Equal(t, delivery.Buried, s.done[bad])
			}
		}
	}
}

// The core costs little beside a call: one allocation for each, and none for
// an event.
func TestAllocations(t *testing.T) {
	const n = 1000
	events := make([]delivery.Event, n)
	for i := range events {
		events[i] = delivery.Event{Size: 1, Bus: "orders"}
	}
	var b delivery.Batch
	var evidence delivery.Evidence
	results := make([]delivery.Result, 10)
	for i := range results {
		results[i].Class = delivery.Accepted
	}
	play := func() {
		b.Start(events, delivery.Policy{Entries: 10, Bytes: 100, Attempts: 4}, &evidence)
		for call := b.Next(); call != nil; call = b.Next() {
			b.Answered(call, delivery.Answer{Results: results[:len(call)]})
		}
		b.Close()
	}
	play()
	require.LessOrEqual(t, testing.AllocsPerRun(10, play), float64(n/10))
	for i := range events {
		require.Equal(t, delivery.Published, b.State(i))
	}
}

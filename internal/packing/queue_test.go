package packing

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// drain accepts everything and returns the calls.
func drain(q *Queue) [][]int {
	var calls [][]int
	for {
		c := q.Next(nil)
		if len(c) == 0 {
			return calls
		}
		calls = append(calls, c)
		for _, i := range c {
			q.Done(i)
		}
	}
}

func items(sizes ...int) []Item {
	out := make([]Item, len(sizes))
	for i, s := range sizes {
		out[i].Size = s
	}
	return out
}

func TestNextTakesAsManyAsFit(t *testing.T) {
	for _, tt := range []struct {
		name  string
		items []Item
		lim   Limits
		want  [][]int
	}{
		{"nothing", nil, Limits{10, 100}, nil},
		{"one", items(5), Limits{10, 100}, [][]int{{0}}},
		{"count", items(1, 1, 1, 1, 1), Limits{2, 100}, [][]int{{0, 1}, {2, 3}, {4}}},
		{"bytes, exactly full", items(50, 50, 1), Limits{10, 100}, [][]int{{0, 1}, {2}}},
		{"bytes, one over", items(50, 51, 49), Limits{10, 100}, [][]int{{0}, {1, 2}}},
		{"order before fullness", items(60, 60, 40), Limits{10, 100}, [][]int{{0}, {1, 2}}},
		{"larger than a call comes alone", items(1, 500, 1), Limits{10, 100}, [][]int{{0}, {1}, {2}}},
		{"size zero", items(0, 0, 0), Limits{10, 0}, [][]int{{0, 1, 2}}},
		{
			"a call holds one lane", []Item{{Lane: 0}, {Lane: 1}, {Lane: 0}, {Lane: 1}},
			Limits{10, 100},
			[][]int{{0, 2}, {1, 3}},
		},
		{
			"a call holds one of a group", []Item{{Group: "a"}, {Group: "a"}, {Group: "b"}, {}, {Group: "a"}},
			Limits{10, 100},
			[][]int{{0, 2, 3}, {1}, {4}},
		},
		{
			"a group keeps its order across lanes", []Item{{Group: "a"}, {Group: "a", Lane: 1}, {Group: "a"}},
			Limits{10, 100},
			[][]int{{0}, {1}, {2}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.want, drain(NewQueue(tt.items, tt.lim, false)))
		})
	}
}

// fewest is the least number of calls that keep the order, by trying every
// place for every cut.
func fewest(sizes []int, lim Limits, memo map[int]int) int {
	if len(sizes) == 0 {
		return 0
	}
	if n, ok := memo[len(sizes)]; ok {
		return n
	}
	best, bytes := len(sizes), 0
	for n := 1; n <= len(sizes) && n <= lim.Entries; n++ {
		if bytes += sizes[n-1]; n > 1 && bytes > lim.Bytes {
			break
		}
		best = min(best, 1+fewest(sizes[n:], lim, memo))
	}
	memo[len(sizes)] = best
	return best
}

func TestCallsAreTheFewestInOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for run := range 20_000 {
		lim := Limits{Entries: 1 + rng.IntN(10), Bytes: 1 + rng.IntN(100)}
		sizes := make([]int, rng.IntN(40))
		for i := range sizes {
			sizes[i] = rng.IntN(lim.Bytes + 1)
		}
		calls := drain(NewQueue(items(sizes...), lim, false))
		if least := fewest(sizes, lim, map[int]int{}); len(calls) != least {
			t.Fatalf("run %d: %d calls instead of %d, limits %v, sizes %v", run, len(calls), least, lim, sizes)
		}
		var all []int
		for _, c := range calls {
			sum := 0
			for _, i := range c {
				sum += sizes[i]
			}
			if len(c) > lim.Entries || sum > lim.Bytes {
				t.Fatalf("run %d: call %v of %d bytes is above %v", run, c, sum, lim)
			}
			all = append(all, c...)
		}
		for i := range all {
			if all[i] != i {
				t.Fatalf("run %d: each item once, in order, got %v", run, all)
			}
		}
	}
}

func TestAnItemThatWantsToBeAlone(t *testing.T) {
	list := items(1, 1, 1, 1, 1)
	list[0].Alone, list[3].Alone = true, true
	require.Equal(t, [][]int{{0}, {1, 2}, {3}, {4}}, drain(NewQueue(list, Limits{Entries: 10, Bytes: 100}, false)))
}

func TestNothingNewWhileAnItemWaits(t *testing.T) {
	q := NewQueue(items(1, 1, 1, 1, 1, 1), Limits{2, 100}, false)
	a, b := q.Next(nil), q.Next(nil)
	require.Equal(t, []int{0, 1}, a)
	require.Equal(t, []int{2, 3}, b)
	q.Again(1)
	q.Done(0)
	q.Again(3)
	q.Again(2)
	require.ElementsMatch(t, []int{1, 2, 3}, q.Waiting())
	require.Equal(t, []int{1, 2}, q.Next(nil), "packed together, lowest first")
	require.Equal(t, []int{3}, q.Next(nil))
	require.Empty(t, q.Next(nil), "4 is not started while 1 to 3 are open")
	q.Done(1)
	q.Done(2)
	require.Empty(t, q.Next(nil))
	q.Done(3)
	require.Equal(t, []int{4, 5}, q.Next(nil))
}

func TestNothingBehindAFailure(t *testing.T) {
	q := NewQueue(items(1, 1, 1, 1, 1, 1), Limits{2, 100}, false)
	q.Next(nil)
	q.Next(nil)
	q.Again(0)
	q.Again(3)
	q.Done(1)
	q.Fail(2)
	require.Equal(t, []int{0}, q.Next(nil), "what is before it goes on, what is behind it is dropped")
	q.Done(0)
	require.Empty(t, q.Next(nil))
	require.Empty(t, q.Waiting())
}

func TestALateFailureBehindAnEarlierOne(t *testing.T) {
	q := NewQueue(items(1, 1, 1), Limits{1, 100}, false)
	q.Next(nil)
	q.Next(nil)
	q.Fail(0)
	q.Again(1)
	q.Fail(1)
	require.Empty(t, q.Next(nil))
}

// An item behind the failure that is in flight for the second time does not hold
// up what stands before it.
func TestWhatIsBehindAFailureHoldsNothingUp(t *testing.T) {
	q := NewQueue([]Item{{Group: "a"}, {Group: "a"}, {}, {}}, Limits{1, 100}, false)
	require.Equal(t, []int{0, 2, 3}, q.Next(q.Next(q.Next(nil))))
	q.Again(3)
	require.Equal(t, []int{3}, q.Next(nil))
	q.Fail(2)
	q.Done(0)
	require.Equal(t, []int{1}, q.Next(nil))
	q.Again(3)
	q.Done(1)
	require.Empty(t, q.Next(nil))
}

func TestGoOnHoldsUpTheGroupAlone(t *testing.T) {
	q := NewQueue([]Item{{Group: "a"}, {Group: "b"}, {Group: "a"}, {Group: "b"}, {}}, Limits{10, 100}, true)
	require.Equal(t, []int{0, 1, 4}, q.Next(nil))
	q.Fail(0)
	q.Done(1)
	q.Fail(4)
	require.Equal(t, []int{3}, q.Next(nil))
	q.Done(3)
	require.Empty(t, q.Next(nil))
}

// Whatever comes back, in whatever order and with however many calls in
// flight: limits hold, a group is never overtaken, nothing new is started while
// an item is open or behind one that was given up, and without a failure
// everything is done in the end.
func TestRandomFaults(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for run := range 5000 {
		lim := Limits{Entries: 1 + rng.IntN(5), Bytes: 5 + rng.IntN(20)}
		in := make([]Item, rng.IntN(60))
		for i := range in {
			in[i] = Item{Size: rng.IntN(lim.Bytes + 1), Lane: rng.IntN(3)}
			if rng.IntN(3) > 0 {
				in[i].Group = fmt.Sprint(rng.IntN(6))
			}
		}
		giveUp := rng.IntN(4) == 0
		q := NewQueue(in, lim, false)
		type state int
		const (
			idle state = iota
			flying
			open
			done
			failed
		)
		st := make([]state, len(in))
		sent := make([]bool, len(in))
		fence := len(in)
		var flight [][]int
		for {
			var c []int
			if len(flight) < 4 {
				c = q.Next(nil)
			}
			if len(c) == 0 {
				if len(flight) == 0 {
					break
				}
				k := rng.IntN(len(flight))
				back := flight[k]
				flight = slices.Delete(flight, k, k+1)
				for _, i := range back {
					switch x := rng.IntN(10); {
					case x < 7:
						st[i] = done
						q.Done(i)
					case x < 9 || !giveUp:
						st[i] = open
						if i >= fence {
							st[i] = failed
						}
						q.Again(i)
					default:
						st[i] = failed
						fence = min(fence, i)
						q.Fail(i)
					}
				}
				continue
			}
			if !slices.IsSorted(c) || len(c) > lim.Entries {
				t.Fatalf("run %d: call %v", run, c)
			}
			bytes := 0
			fresh := !sent[c[0]]
			for _, i := range c {
				bytes += in[i].Size
				if in[i].Lane != in[c[0]].Lane || sent[i] == fresh || i >= fence {
					t.Fatalf("run %d: call %v mixes lanes, or new ones and repeated ones, or goes beyond %d", run, c, fence)
				}
				for j := range i {
					if in[j].Group != "" && in[j].Group == in[i].Group && st[j] != done {
						t.Fatalf("run %d: item %d overtakes %d", run, i, j)
					}
					if fresh && st[j] == open && j < fence {
						t.Fatalf("run %d: item %d started while %d is open", run, i, j)
					}
				}
			}
			if bytes > lim.Bytes {
				t.Fatalf("run %d: call %v has %d bytes", run, c, bytes)
			}
			for _, i := range c {
				sent[i] = true
				if st[i] != open {
					st[i] = flying
				}
			}
			flight = append(flight, c)
		}
		for i := range fence {
			if st[i] != done {
				t.Fatalf("run %d: item %d before the first failure is not done", run, i)
			}
		}
	}
}

func BenchmarkQueue(b *testing.B) {
	in := items(make([]int, 1000)...)
	for i := range in {
		in[i].Size = 500
	}
	buf := make([]int, 0, 10)
	b.ReportAllocs()
	for b.Loop() {
		q := NewQueue(in, Limits{10, 1_000_000}, false)
		for {
			c := q.Next(buf[:0])
			if len(c) == 0 {
				break
			}
			for _, i := range c {
				q.Done(i)
			}
		}
	}
}

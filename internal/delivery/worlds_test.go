package delivery_test

import (
	"runtime/debug"
	"slices"
	"testing"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/delivery"
)

// world names a set of settings.
type world struct {
	name   string
	events []event
	policy delivery.Policy
	kinds  []kind
	calls  int
}

func ready(bus, group string) event {
	return event{Event: delivery.Event{Size: 1, Bus: bus, Group: group}}
}

func with(e event, f func(*event)) event {
	f(&e)
	return e
}

func worlds() []world {
	a, b := ready("a", ""), ready("b", "")
	g := ready("a", "g")
	big := with(a, func(e *event) { e.Size = 2 })
	explained := with(a, func(e *event) { e.explained = true })
	expiring := with(a, func(e *event) { e.Expiring = true })
	aged := with(a, func(e *event) { e.Aged = true })
	agedBefore := with(aged, func(e *event) { e.FailedAt = 1 })
	agedInGroup := with(g, func(e *event) { e.Aged = true })
	dead := with(a, func(e *event) { e.State = delivery.Dead })
	deadInGroup := with(g, func(e *event) { e.State = delivery.Dead })
	held := with(a, func(e *event) { e.State = delivery.Failed })
	turn := with(a, func(e *event) { e.Turn = 1 })
	turnInGroup := with(g, func(e *event) { e.Turn = 2 })
	short := []kind{eachOwn, wholeEvent, wholeSpent}
	p := delivery.Policy{Entries: 2, Bytes: 3, Attempts: 2}
	three := delivery.Policy{Entries: 3, Bytes: 9, Attempts: 1}
	one := delivery.Policy{Entries: 2, Bytes: 3, Attempts: 1}
	return []world{
		{"one", []event{a}, p, allKinds, 0},
		{"two", []event{a, a}, p, allKinds, 0},
		{"two, four attempts", []event{a, a}, delivery.Policy{Entries: 2, Bytes: 3, Attempts: 4}, []kind{eachOwn, wholeFault}, 0},
		{"three", []event{a, a, a}, one, short, 0},
		{"three, two attempts", []event{a, a, a}, p, []kind{eachOwn, wholeEvent}, 0},
		{"three in a call", []event{a, a, a}, three, allKinds, 0},
		{"big ones", []event{big, big, a}, one, short, 0},
		{"two buses", []event{a, b, a}, one, short, 0},
		{"two buses, aged", []event{aged, b, a}, one, short, 0},
		{"two buses, one of them refuses", []event{a, b, b}, one, short, 0},
		{"a group", []event{g, g}, p, allKinds, 0},
		{"a group and others", []event{g, a, g}, one, short, 0},
		{"explained", []event{explained, a}, p, allKinds, 0},
		{"explained in a group", []event{with(g, func(e *event) { e.explained = true }), g, a}, one, short, 0},
		{"expiring", []event{a, expiring}, p, allKinds, 0},
		{"aged", []event{aged, a}, p, allKinds, 0},
		{"aged, one attempt", []event{a, aged, a}, one, short, 0},
		{"aged since earlier", []event{agedBefore, a}, p, allKinds, 0},
		{"aged in a group", []event{agedInGroup, g, a}, one, short, 0},
		{"dead first", []event{dead, a, a}, one, short, 0},
		{"dead in a group", []event{deadInGroup, g, a}, one, short, 0},
		{"dead behind", []event{g, deadInGroup}, p, allKinds, 0},
		{"held first", []event{held, a}, p, allKinds, 0},
		{"held between", []event{a, held, dead}, p, allKinds, 0},
		{"turns", []event{turn, a}, p, allKinds, 0},
		{"turns of three", []event{turn, with(turn, func(e *event) { e.Turn = 2 }), a}, one, short, 0},
		{"turns in a group", []event{turnInGroup, g, a}, one, short, 0},
		{"time for one call", []event{a, aged, a}, one, short, 1},
		{"time for two calls", []event{a, expiring, a}, one, short, 2},
	}
}

// TestEveryExecution plays every execution of each world: with one call and with
// two under way at once, in a fresh process and in one whose bus has accepted an
// entry before, with and without a probe, and isolated as for a replay.
func TestEveryExecution(t *testing.T) {
	variants := 16
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		variants = 2 // it has nothing to find in one goroutine, and takes its time
	}
	total := 0
	for _, w := range worlds() {
		t.Run(w.name, func(t *testing.T) {
			played := 0
			for variant := range variants {
				s := setting{
					events: w.events, policy: w.policy, kinds: w.kinds, calls: w.calls,
					lanes: 1 + variant&1, proven: variant&2 > 0, probe: variant&4 > 0,
				}
				s.policy.Isolate = variant&8 > 0
				if s.policy.Isolate && s.probe {
					continue
				}
				tp := new(tape)
				for {
					msg := play(tp, s)
					played++
					if msg != "" {
						t.Fatalf("%s; lanes %d, proven %v, probe %v, isolated %v, choices %v of %v",
							msg, s.lanes, s.proven, s.probe, s.policy.Isolate, tp.picks[:tp.at], tp.sizes[:tp.at])
					}
					if !tp.next() {
						break
					}
				}
			}
			total += played
		})
	}
	t.Logf("%d executions", total)
}

package relay_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// A fault of the configuration is held however often it comes: a bad deploy
// must never drain the table into the dead letters.
func TestABadDeployDrainsNothing(t *testing.T) {
	for name, says := range map[string]answer{
		"every entry is invalid":       refuseAll(invalid),
		"every entry is denied":        refuseAll(relay.Result{Class: relay.ConfigFault, Code: "AccessDeniedException"}),
		"every call is denied":         fail(&relay.CallError{Class: relay.ConfigFault, Code: "AccessDeniedException"}),
		"every call has wrong content": fail(refused),
	} {
		for _, size := range []int{1, 2, 10, 11, 100} {
			t.Run(fmt.Sprintf("%s, batches of %d", name, size), func(t *testing.T) {
				bus := &scriptedBus{answer: says}
				sink := &recordingSink{}
				h := newHandler(t, bus, sink)
				for range 20 {
					before := len(bus.calls)
					_, err := h.Invoke(t.Context(), events(1, size))
					u := unpublishedIn(t, err)
					require.Equal(t, relay.ConfigFault, u.Class)
					require.Equal(t, size, u.Unpublished)
					if name != "every call has wrong content" { // that is to be split
						require.LessOrEqual(t, len(bus.calls)-before, 6)
					}
				}
				require.Empty(t, sink.dead)
			})
		}
	}
}

// An entry that waits for the next call to be judged does not keep that call
// from being made.
func TestAProbeAfterATransientFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &scriptedBus{limits: relay.Limits{Entries: 1, Bytes: 1_000_000}}
		bus.answer = func(_ context.Context, call int, entries []relay.Entry) ([]relay.Result, error) {
			switch {
			case entries[0].EventID != "event-1":
				return accept(entries), nil
			case call == 0:
				return []relay.Result{{Class: relay.Transient, Code: "InternalFailure"}}, nil
			}
			return []relay.Result{{Class: relay.EventFault, Code: "InvalidArgument"}}, nil
		}
		sink := &recordingSink{}
		h := newHandler(t, bus, sink, partial)
		require.Empty(t, invoke(t, h, events(1, 3)))
		require.Equal(t, []string{"event-1"}, sink.ids())
		require.Equal(t, []string{"event-2", "event-3"}, bus.accepted)
	})
}

// Whose fault it is that a bus refuses an event as invalid: the event's, which
// goes to the dead letters, or the configuration's, which holds it.
func TestWhoseFaultARefusalIs(t *testing.T) {
	const (
		ten   = "IIIIIIIIII"
		dead  = true
		young = 0
		old   = 20 * time.Hour // the stream is about to forget it
	)
	for _, tt := range []struct {
		name string
		// what the bus says of each event of a batch: A accepted, I invalid, T try again,
		// L accepted later, in the second call
		says string
		// what comes, in this order: b the batch, o other events that the same bus accepts,
		// x events that another bus accepts
		comes string
		age   time.Duration
		dead  bool
	}{
		{"one among accepted ones", "IAAAAAAAAA", "b", young, dead},
		{"nine beside one that is accepted", "IIIIIIIIIA", "b", young, dead},
		{"every one of a call", ten, "b", young, !dead},
		{"every one, of a process that works", ten, "ob", young, !dead},
		{"every one, again", ten, "bb", young, !dead},
		{"every one, again, after the bus has accepted others", ten, "bob", young, dead},
		{"every one, again, of a process that worked before", ten, "obb", young, dead},
		{"every one, again, after another bus has accepted others", ten, "bxb", young, !dead},
		{"every one, and the stream forgets them", ten, "b", old, dead},
		{"every one, and the stream nearly forgets them", ten, "b", old - time.Second, !dead},
		{"beside others that are accepted later", "ILLLLLLLLL", "b", young, dead},
		{"beside others that are to be tried again", "ITTTTTTTTT", "b", young, !dead},
		{"beside others that are to be tried again, of a process that works", "ITTTTTTTTT", "ob", young, dead},
		{"alone", "I", "b", young, !dead},
		{"alone, again", "I", "bb", young, !dead},
		{"alone, of a process that works", "I", "ob", young, dead},
		{"alone, and only another bus works", "I", "xb", young, !dead},
		{"alone, again, after the bus has accepted others", "I", "bob", young, dead},
		{"alone, and the stream forgets it", "I", "b", old, dead},
		{"alone, and the stream nearly forgets it", "I", "b", old - time.Second, !dead},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			bus := &scriptedBus{answer: func(_ context.Context, call int, entries []relay.Entry) ([]relay.Result, error) {
				out := accept(entries)
				for i, e := range entries {
					n := sequenceOf(e.EventID) - 1
					switch {
					case n >= len(tt.says):
					case tt.says[n] == 'I':
						out[i] = invalid
					case tt.says[n] == 'T', tt.says[n] == 'L' && call == 0:
						out[i] = unlucky
					}
				}
				return out, nil
			}}
			sink := &recordingSink{}
			h := newHandler(t, bus, sink, func(o *relay.Options) {
				o.Route = func(e *relay.Entry) error {
					if e.DetailType == "Elsewhere" {
						e.Bus = "another"
					}
					return nil
				}
			})
			records := make([]testRecord, len(tt.says))
			for i := range records {
				records[i] = testRecord{sequence: i + 1, age: tt.age}
			}
			var err error
			for i, what := range tt.comes {
				other := testRecord{sequence: 100 + i}
				switch what {
				case 'b':
					_, err = h.Invoke(t.Context(), batch(records...))
				case 'x':
					other.name = "Elsewhere"
					fallthrough
				case 'o':
					invoke(t, h, batch(other))
				}
			}
			if !tt.dead {
				require.Empty(t, sink.dead)
				require.Equal(t, relay.ConfigFault, unpublishedIn(t, err).Class)
				return
			}
			var want []string
			for i, c := range tt.says {
				if c == 'I' {
					want = append(want, eventID(i+1))
				}
			}
			require.Equal(t, want, sink.ids())
			require.Equal(t, "InvalidArgument", sink.dead[0].Code)
			require.Equal(t, 1, sink.dead[0].Attempts)
		})
	}
}

// The data of an event, as it was committed, explain why EventBridge refuses it:
// then it goes to the dead letters at once, also alone and in a new process.
// What does not explain it holds the event.
func TestWhatExplainsARefusal(t *testing.T) {
	text := func(json string) string { return fmt.Sprintf(`{"S":%q}`, json) }
	arrays := func(n int) string { return text(strings.Repeat("[", n) + strings.Repeat("]", n)) }
	for _, tt := range []struct {
		name string
		with testRecord
		dead bool
	}{
		{"nothing", testRecord{}, false},
		{"numbers that fit", testRecord{payload: text(`[1,-1.5e300,9223372036854775807,-9223372036854775808]`)}, false},
		{"a detail-type of 128 characters", testRecord{name: strings.Repeat("ö", 128)}, false},
		{"a detail-type of 129 characters", testRecord{name: strings.Repeat("d", 129)}, true},
		{"AWS's own source", testRecord{source: "aws.events"}, true},
		{"a source like AWS's own", testRecord{source: "awsome"}, false},
		{"its size", testRecord{payload: text(`"` + strings.Repeat("x", 1_000_000) + `"`)}, true},
		{"an integer above 64 bits", testRecord{payload: text(`{"a":9223372036854775808}`)}, true},
		{"an integer below 64 bits", testRecord{payload: `{"L":[{"N":"-9223372036854775809"}]}`}, true},
		{"1000 levels", testRecord{payload: arrays(999)}, false},
		{"1001 levels", testRecord{payload: arrays(1000)}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newWireBus(t)
			b.answer = func(int, wireRequest) wireAnswer { return wireAnswer{codes: map[int]string{0: "InvalidArgument"}} }
			sink := &recordingSink{}
			h := newHandler(t, relay.NewEventBridge(b.client(), "orders", func(o *relay.EventBridgeOptions) { o.MaxCallBytes = 1 << 20 }), sink)
			tt.with.sequence = 1
			_, err := h.Invoke(t.Context(), batch(tt.with))
			require.Len(t, b.requests, 1, "it is not judged before the bus has refused it")
			if !tt.dead {
				require.Equal(t, relay.ConfigFault, unpublishedIn(t, err).Class)
				require.Empty(t, sink.dead)
				return
			}
			require.NoError(t, err)
			requireDead(t, sink, "InvalidArgument", "event-1")
		})
	}
}

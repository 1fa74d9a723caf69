package relay

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
)

// Whatever bytes come, nothing panics, each record is counted once, what is
// published is JSON, and success is said only when everything is done.
func FuzzInvoke(f *testing.F) {
	f.Add([]byte(`{"Records":[]}`), uint8(0))
	f.Add(events(1, 3), uint8(1))
	for _, row := range hostileRows() {
		record := row.record
		if record == "" {
			record = testRecord{sequence: 2}.template()
			for i := 0; i < len(row.replace); i += 2 {
				record = strings.ReplaceAll(record, row.replace[i], row.replace[i+1])
			}
		}
		if len(record) < 10_000 {
			f.Add(batch(testRecord{sequence: 1}, testRecord{raw: record}, testRecord{sequence: 3}), uint8(len(record)))
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte, faults uint8) {
		before := string(payload)
		bus := &scriptBus{answer: func(_ context.Context, _ int, entries []Entry) ([]Result, error) {
			out := accept(entries)
			for i, e := range entries {
				if !json.Valid(e.Detail) {
					t.Errorf("published what is no JSON: %q", e.Detail)
				}
				if e.EventID == "" || e.Source == "" || e.DetailType == "" || e.Time.IsZero() {
					t.Errorf("incomplete entry %+v", e)
				}
				if faults>>(i%8)&1 == 1 {
					out[i] = Result{Class: Class(1 + i%4), Code: "Code"}
				}
			}
			return out, nil
		}}
		sink := &graveyard{}
		var m Metrics
		h, err := NewHandler(bus, sink, partial, func(o *Options) {
			o.MaxAttempts = 1
			o.Metrics = func(_ context.Context, got Metrics) { m = got }
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := h.Invoke(t.Context(), payload)
		if string(payload) != before {
			t.Error("the payload was changed")
		}
		if sum := m.Published + m.Suppressed + m.DeadLettered + m.Failed + skippedIn(m); sum != m.Records {
			t.Errorf("%d of %d records counted: %+v", sum, m.Records, m)
		}
		if len(sink.dead) != m.DeadLettered || len(bus.accepted) != m.Published {
			t.Errorf("%d dead letters and %d accepted: %+v", len(sink.dead), len(bus.accepted), m)
		}
		switch {
		case err != nil && m.Records > 0 && m.Failed == 0:
			t.Errorf("an error without a failure: %v", err)
		case err == nil && !json.Valid(out):
			t.Errorf("answer %q", out)
		case err == nil && (failure(out) == "" && !strings.Contains(string(out), "itemIdentifier")) != (m.Failed == 0):
			t.Errorf("%d failed and the answer is %s", m.Failed, out)
		}
	})
}

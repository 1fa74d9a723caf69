package relay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// pagesOf is a source whose pages are at hand. Its cursor is how many are behind
// it.
type pagesOf struct {
	question string
	pages    [][]testRecord
	change   func(n int, p *relay.Page)
	err      error // behind the last page
}

func (s pagesOf) Question() string { return s.question }

func (s pagesOf) Pages(_ context.Context, cursor json.RawMessage) iter.Seq2[relay.Page, error] {
	return func(yield func(relay.Page, error) bool) {
		at := 0
		if cursor != nil {
			if err := json.Unmarshal(cursor, &at); err != nil {
				yield(relay.Page{}, err)
				return
			}
		}
		for n := at; n < len(s.pages); n++ {
			page := relay.Page{Cursor: json.RawMessage(fmt.Sprint(n + 1)), ReadUnits: 1.5}
			for _, r := range s.pages[n] {
				page.Records = append(page.Records, relay.Again{Record: []byte(r.String())})
			}
			if s.change != nil {
				s.change(n, &page)
			}
			if !yield(page, nil) {
				return
			}
		}
		if s.err != nil {
			yield(relay.Page{}, s.err)
		}
	}
}

// inPages divides records into pages of n.
func inPages(n int, rs []testRecord) [][]testRecord {
	var pages [][]testRecord
	for len(rs) > n {
		pages, rs = append(pages, rs[:n]), rs[n:]
	}
	return append(pages, rs)
}

func toSameBus(o *relay.ReplayOptions) { o.To = relay.ToSameBus() }

// replayed is the report of a replay that ends without an error, to the same bus
// unless an option says otherwise.
func replayed(t *testing.T, src relay.Source, h *relay.Handler, optFns ...func(*relay.ReplayOptions)) relay.ReplayReport {
	t.Helper()
	report, err := relay.Replay(t.Context(), src, h, append([]func(*relay.ReplayOptions){toSameBus}, optFns...)...)
	require.NoError(t, err)
	return report
}

func TestReplayPublishesAll(t *testing.T) {
	bus := &scriptedBus{}
	h := newHandler(t, bus, &recordingSink{})
	src := pagesOf{question: "all", pages: inPages(10, records(1, 25))}
	var seen []int
	report := replayed(t, src, h, func(o *relay.ReplayOptions) {
		o.Progress = func(p relay.ReplayProgress) error {
			seen = append(seen, p.Read)
			require.Len(t, p.Page, p.Read-10*(len(seen)-1))
			require.True(t, json.Valid(p.Cursor))
			return nil
		}
	})
	require.Len(t, bus.accepted, 25)
	require.Equal(t, []int{10, 20, 25}, seen)
	require.True(t, report.Done)
	require.Equal(t, 25, report.Published)
	require.InDelta(t, 4.5, report.ReadUnits, 0.01)
	require.Positive(t, report.Bytes)
	require.False(t, report.Oldest.IsZero())
	require.False(t, report.Newest.Before(report.Oldest))

	again := replayed(t, src, h)
	require.Equal(t, 25, again.Published, "the memory of the process does not count")
	rest := replayed(t, src, h, func(o *relay.ReplayOptions) { o.Cursor = report.Cursor })
	require.True(t, rest.Done)
	require.Zero(t, rest.Read, "the cursor of the end is the end")
	require.Equal(t, string(report.Cursor), string(rest.Cursor))
}

func TestReplayNeedsADestination(t *testing.T) {
	bus := &scriptedBus{}
	h := newHandler(t, bus, &recordingSink{})
	src := pagesOf{question: "all", pages: inPages(10, records(1, 1))}
	for _, to := range []relay.Destination{{}, relay.ToBus("")} {
		_, err := relay.Replay(t.Context(), src, h, func(o *relay.ReplayOptions) { o.To = to })
		require.ErrorContains(t, err, "ReplayOptions.To is required")
	}
	_, err := relay.Replay(t.Context(), nil, nil, toSameBus, func(o *relay.ReplayOptions) { o.Rate = -1 })
	require.ErrorContains(t, err, "handler is nil")
	require.ErrorContains(t, err, "source is nil")
	require.ErrorContains(t, err, "Rate")
	require.Empty(t, bus.calls)
}

// The destination is the last word, whatever Route says.
func TestReplayGoesWhereItIsTold(t *testing.T) {
	var buses []string
	bus := &scriptedBus{answer: func(_ context.Context, _ int, entries []relay.Entry) ([]relay.Result, error) {
		for _, e := range entries {
			buses = append(buses, e.Bus)
		}
		return accept(entries), nil
	}}
	h := newHandler(t, bus, &recordingSink{}, func(o *relay.Options) {
		o.Route = func(e *relay.Entry) error { e.Bus = "routed"; return nil }
	})
	src := pagesOf{question: "all", pages: inPages(10, records(1, 1))}
	for _, to := range []relay.Destination{relay.ToSameBus(), relay.ToBus("other")} {
		_, err := relay.Replay(t.Context(), src, h, func(o *relay.ReplayOptions) { o.To = to })
		require.NoError(t, err)
	}
	require.Equal(t, []string{"routed", "other"}, buses)
}

func TestReplayFilters(t *testing.T) {
	rs := records(1, 6)
	rs[1].name, rs[2].source, rs[3].aggregate = "User.Deleted", "otherService", "a"
	rs[4].raw = `{"eventName":"MODIFY","eventSource":"aws:dynamodb","dynamodb":{"SequenceNumber":"5"}}`
	rs[5].raw = `{"eventName":"INSERT"}`
	for name, c := range map[string]struct {
		filter func(*relay.ReplayOptions)
		want   []string
	}{
		"names":      {func(o *relay.ReplayOptions) { o.Names = []string{"User.Deleted", "x"} }, []string{"event-2"}},
		"sources":    {func(o *relay.ReplayOptions) { o.Sources = []string{"otherService"} }, []string{"event-3"}},
		"aggregates": {func(o *relay.ReplayOptions) { o.Aggregates = []string{"a"} }, []string{"event-4"}},
		"all":        {func(o *relay.ReplayOptions) { o.Names, o.Aggregates = []string{"User.Deleted"}, []string{"a"} }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			bus := &scriptedBus{}
			h := newHandler(t, bus, &recordingSink{})
			report := replayed(t, pagesOf{question: "q", pages: inPages(6, rs)}, h, c.filter)
			require.Equal(t, c.want, bus.accepted)
			require.Equal(t, relay.ReplayReport{
				Read: 6, Skipped: 1, Filtered: 4 - len(c.want), Published: len(c.want), Failed: 1,
			}, counts(report), "what cannot be read may be what is asked for")
		})
	}
}

// counts leaves the numbers of a report.
func counts(r relay.ReplayReport) relay.ReplayReport {
	return relay.ReplayReport{
		Read: r.Read, Skipped: r.Skipped, Filtered: r.Filtered, Published: r.Published, Failed: r.Failed, Held: r.Held,
	}
}

// What fails goes to no dead letters, and the cursor stays before its page.
func TestReplayCursorStaysBeforeWhatFailed(t *testing.T) {
	bus := &scriptedBus{answer: refuse(malformed, "event-25")}
	dead := &recordingSink{}
	h := newHandler(t, bus, dead)
	src := pagesOf{question: "all", pages: inPages(10, records(1, 50))}
	var cursors []string
	report := replayed(t, src, h, func(o *relay.ReplayOptions) {
		o.Progress = func(p relay.ReplayProgress) error { cursors = append(cursors, string(p.Cursor)); return nil }
	})
	require.Equal(t, relay.ReplayReport{Read: 50, Published: 49, Failed: 1}, counts(report))
	require.Len(t, report.Failures, 1)
	require.Equal(t, relay.Republished{Class: relay.EventFault, Code: "MalformedDetail", EventID: "event-25"}, report.Failures[0])
	require.Empty(t, dead.ids())
	require.Equal(t, []string{cursors[0], cursors[1], cursors[1], cursors[1], cursors[1]}, cursors)
	require.NotEqual(t, cursors[0], cursors[1])

	bus.answer, bus.accepted = nil, nil
	replayed(t, src, h, func(o *relay.ReplayOptions) { o.Cursor = report.Cursor })
	require.Len(t, bus.accepted, 30, "from the page of the one that failed")
}

// An aggregate whose event has failed is held to the end of the replay, over all
// pages; the others go on.
func TestReplayHoldsAnAggregateToItsEnd(t *testing.T) {
	bus := &scriptedBus{answer: refuse(malformed, "a1/1")}
	rs := aggregates("a1 b1 a2 b2 b3 a3 _- a4")
	h := newHandler(t, bus, &recordingSink{}, func(o *relay.Options) { o.Layout = envelope.AggregateLayout() })
	report := replayed(t, pagesOf{question: "q", pages: inPages(2, rs)}, h)
	require.Equal(t, []string{"b1/2", "b2/4", "b3/5", "_-/7"}, bus.accepted)
	require.Equal(t, relay.ReplayReport{Read: 8, Published: 4, Failed: 1, Held: 3}, counts(report))

	bus = &scriptedBus{answer: refuse(malformed, "a1/1")}
	report = replayed(t, pagesOf{question: "q", pages: inPages(2, rs)}, newHandler(t, bus, &recordingSink{}))
	require.Equal(t, relay.ReplayReport{Read: 8, Published: 7, Failed: 1}, counts(report), "without order nothing is held")
}

func TestReplayDryRun(t *testing.T) {
	bus := &explaining{explain: breaks("event-2")}
	h := newHandler(t, bus, &recordingSink{})
	src := pagesOf{question: "all", pages: inPages(2, records(1, 4))}
	report := replayed(t, src, h, func(o *relay.ReplayOptions) { o.DryRun, o.Rate = true, 0.001 })
	require.Equal(t, relay.ReplayReport{Read: 4, Published: 3, Failed: 1}, counts(report), "what the bus is known to refuse is not said to be published")
	require.Nil(t, report.Cursor, "it never passes what would fail")
	require.Empty(t, bus.calls)
	bus.explain = breaks()
	report = replayed(t, src, h, func(o *relay.ReplayOptions) { o.DryRun = true })
	_, err := relay.Replay(t.Context(), src, h, toSameBus, func(o *relay.ReplayOptions) { o.Cursor = report.Cursor })
	require.ErrorIs(t, err, relay.ErrCursor, "the cursor of a dry run has published nothing")
}

func TestReplayRefusesAForeignCursor(t *testing.T) {
	bus := &scriptedBus{}
	h := newHandler(t, bus, &recordingSink{})
	pages := inPages(2, records(1, 4))
	base := func(o *relay.ReplayOptions) {
		o.To, o.Names, o.Mark = relay.ToBus("b"), []string{"User.Created", "x"}, "m"
	}
	report, err := relay.Replay(t.Context(), pagesOf{question: "q", pages: pages}, h, base)
	require.NoError(t, err)
	bus.calls = nil
	ask := func(question string, cursor []byte, change func(*relay.ReplayOptions)) error {
		_, err := relay.Replay(t.Context(), pagesOf{question: question, pages: pages}, h, base, change, func(o *relay.ReplayOptions) { o.Cursor = cursor })
		return err
	}
	require.NoError(t, ask("q", report.Cursor, nil))
	require.NoError(t, ask("q", report.Cursor, func(o *relay.ReplayOptions) { o.Names, o.Rate = []string{"x", "User.Created", "x"}, 5 }))
	for name, err := range map[string]error{
		"other question":   ask("p", report.Cursor, nil),
		"other bus":        ask("q", report.Cursor, func(o *relay.ReplayOptions) { o.To = relay.ToBus("c") }),
		"same bus":         ask("q", report.Cursor, toSameBus),
		"other names":      ask("q", report.Cursor, func(o *relay.ReplayOptions) { o.Names = nil }),
		"other sources":    ask("q", report.Cursor, func(o *relay.ReplayOptions) { o.Sources = []string{"s"} }),
		"other aggregates": ask("q", report.Cursor, func(o *relay.ReplayOptions) { o.Aggregates = []string{"a"} }),
		"other mark":       ask("q", report.Cursor, func(o *relay.ReplayOptions) { o.Mark = "n" }),
		"damaged":          ask("q", report.Cursor[:len(report.Cursor)-1], nil),
		"no object":        ask("q", []byte(`7`), nil),
		"empty object":     ask("q", []byte(`{}`), nil),
		"other version":    ask("q", append([]byte(`{"version":2,`), report.Cursor[len(`{"version":1,`):]...), nil),
	} {
		require.ErrorIs(t, err, relay.ErrCursor, name)
	}
	require.ErrorContains(t, ask("p", report.Cursor, nil), `it belongs to another question: to "q", and this is "p"`)
	require.Empty(t, bus.calls, "nothing is published")
}

func TestReplayOfAnAbsentBus(t *testing.T) {
	client := onlyBuses("orders")
	h := newHandler(t, relay.NewEventBridge(client, "orders"), &recordingSink{})
	for _, dry := range []bool{true, false} {
		_, err := relay.Replay(t.Context(), pagesOf{question: "q", pages: inPages(10, records(1, 1))}, h, func(o *relay.ReplayOptions) {
			o.To, o.DryRun = relay.ToBus("orders-2"), dry
		})
		require.ErrorIs(t, err, relay.ErrNoSuchBus)
		require.ErrorContains(t, err, "orders-2")
	}
	require.Empty(t, client.Calls())
}

func TestRecords(t *testing.T) {
	var again []relay.Again
	for _, r := range records(1, 250) {
		again = append(again, relay.Again{Record: []byte(r.String())})
	}
	bus := &scriptedBus{}
	h := newHandler(t, bus, &recordingSink{})
	stop := errors.New("stop")
	report, err := relay.Replay(t.Context(), relay.Records("x", again...), h, toSameBus, func(o *relay.ReplayOptions) {
		o.Progress = func(relay.ReplayProgress) error { return stop }
	})
	require.ErrorIs(t, err, stop)
	rest := replayed(t, relay.Records("x", again...), h, func(o *relay.ReplayOptions) { o.Cursor = report.Cursor })
	require.Equal(t, 250, report.Published+rest.Published)
	_, err = relay.Replay(t.Context(), relay.Records("x", again[:5]...), h, toSameBus, func(o *relay.ReplayOptions) { o.Cursor = report.Cursor })
	require.ErrorIs(t, err, relay.ErrCursor)
}

// Where the id of an event cannot be read, the failure says which item it is.
func TestReplayNamesAnItemWithoutAnID(t *testing.T) {
	rs := []testRecord{
		{raw: `{"eventName":"INSERT","dynamodb":{"NewImage":{"sk":{"N":"1"},"event":{"M":{}},"pk":{"S":"k"}}}}`},
		{raw: `{"eventName":"INSERT","dynamodb":{"Keys":{"pk":{"S":"x"}},"NewImage":{"pk":{"S":"k"}}}}`},
		{raw: `{"eventName":"INSERT"}`},
		{raw: `nothing`},
	}
	report := replayed(t, pagesOf{question: "q", pages: inPages(9, rs)}, newHandler(t, &scriptedBus{}, &recordingSink{}))
	var items []string
	for _, f := range report.Failures {
		items = append(items, f.Item)
	}
	require.Equal(t, []string{`{"sk":{"N":"1"},"pk":{"S":"k"}}`, `{"pk":{"S":"x"}}`, "", ""}, items)
}

// A text that is not one record is none, whatever stands beside it.
func TestReplayOfTextsThatAreNoRecords(t *testing.T) {
	a, b := testRecord{sequence: 1}.String(), testRecord{sequence: 2}.String()
	cut := strings.Index(b, `,"eventVersion"`)
	for name, texts := range map[string][]string{
		"none":                     {""},
		"none beside one":          {"", a},
		"two":                      {a + "," + b},
		"two halves":               {b[:cut], b[cut+1:]},
		"one and a half":           {a + "," + b[:cut], b[cut+1:]},
		"the end of the batch":     {a + `],"x":[` + b},
		"nothing but white space ": {" \n"},
	} {
		t.Run(name, func(t *testing.T) {
			var again []relay.Again
			want := 0
			for _, text := range texts {
				again = append(again, relay.Again{Record: []byte(text)})
				if text == a {
					want++
				}
			}
			bus := &scriptedBus{}
			report := replayed(t, relay.Records("x", again...), newHandler(t, bus, &recordingSink{}))
			require.Equal(t, relay.ReplayReport{Read: len(texts), Published: want, Failed: len(texts) - want}, counts(report))
			require.Len(t, bus.accepted, want)
		})
	}
}

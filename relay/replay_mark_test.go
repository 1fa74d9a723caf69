package relay_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// detailOf publishes one record again, with a mark, and returns what the bus got.
func detailOf(t *testing.T, r testRecord, mark string) string {
	t.Helper()
	bus := &scriptedBus{}
	report := replayed(t, pagesOf{question: "q", pages: inPages(1, []testRecord{r})}, newHandler(t, bus, &recordingSink{}),
		func(o *relay.ReplayOptions) { o.Mark = mark })
	require.Equal(t, 1, report.Published)
	require.Len(t, bus.details, 1)
	for _, d := range bus.details {
		return d
	}
	return ""
}

// The mark is in the headers, and everything else is as it was committed.
func TestReplayMarks(t *testing.T) {
	plain := testRecord{sequence: 1}
	for name, r := range map[string]testRecord{
		"an event":                      plain,
		"one with the header":           plain.withHeader(`"replay":{"S":"earlier"}`),
		"one with an object for it":     plain.withHeader(`"replay":{"M":{"replay":{"L":[{"S":"}"},{"N":"1"}]}}}`),
		"one that has it twice":         plain.withHeader(`"replay":{"S":"a"},"x":{"S":"y"},"replay":{"S":"b"}`),
		"one that has it with escapes":  plain.withHeader(`"repl\u0061y":{"S":"a"}`),
		"one with a similar header":     plain.withHeader(`"replays":{"S":"\"replay\":"},"Replay":{"S":"x"}`),
		"a payload with such names":     {sequence: 1, payload: `{"M":{"headers":{"M":{"replay":{"S":"mine"}}},"replay":{"S":"mine"}}}`},
		"a payload before the headers":  {sequence: 1, raw: payloadFirst(plain)},
		"a payload that is a text":      {sequence: 1, payload: `{"S":"{\"headers\":{\"replay\":1}}"}`},
		"a payload that is only a word": {sequence: 1, payload: `{"NULL":true}`},
	} {
		t.Run(name, func(t *testing.T) {
			r.raw = r.String() // both have one time
			for _, mark := range []string{"2026-11-26 outage", `a"b\c` + "\n\u2028<é>"} {
				before, after := detailOf(t, r, ""), detailOf(t, r, mark)
				var was, is map[string]map[string]any
				if json.Unmarshal([]byte(before), &was) != nil { // a payload that is no object
					var w, i map[string]any
					require.NoError(t, json.Unmarshal([]byte(before), &w))
					require.NoError(t, json.Unmarshal([]byte(after), &i))
					require.Equal(t, w["payload"], i["payload"])
					require.Equal(t, mark, i["headers"].(map[string]any)["replay"])
					continue
				}
				require.NoError(t, json.Unmarshal([]byte(after), &is))
				require.Equal(t, mark, is["headers"]["replay"])
				require.Equal(t, 1, timesIn(t, after, "replay"))
				delete(is["headers"], "replay")
				delete(was["headers"], "replay")
				require.Equal(t, was, is)
			}
		})
	}
}

// timesIn is how often a header stands in a Detail.
func timesIn(t *testing.T, detail, name string) int {
	t.Helper()
	var d struct{ Headers json.RawMessage }
	require.NoError(t, json.Unmarshal([]byte(detail), &d))
	dec, n := json.NewDecoder(bytes.NewReader(d.Headers)), 0
	_, err := dec.Token()
	require.NoError(t, err)
	for dec.More() {
		key, err := dec.Token()
		require.NoError(t, err)
		if key == name {
			n++
		}
		var value json.RawMessage
		require.NoError(t, dec.Decode(&value))
	}
	return n
}

// payloadFirst is a record whose event has its payload before its headers.
func payloadFirst(r testRecord) string {
	text := r.template()
	from := strings.Index(text, `"headers":{"M":`)
	to := strings.Index(text, `,"payload":`)
	end := strings.Index(text, `}}},"SequenceNumber"`) - len(`}`) + 1
	return text[:from] + text[to+1:end] + "," + text[from:to] + text[end:]
}

// The mark counts for the size: an event that fills the bus does not fit with it,
// and says so.
func TestReplayMarkCountsForTheSize(t *testing.T) {
	bus := &scriptedBus{}
	h := newHandler(t, bus, &recordingSink{})
	src := pagesOf{question: "q", pages: inPages(1, records(1, 1))}
	report := replayed(t, src, h)
	bus.limits = relay.Limits{Entries: 10, Bytes: int(report.Bytes) + 5}
	h = newHandler(t, bus, &recordingSink{})
	report = replayed(t, src, h, func(o *relay.ReplayOptions) { o.Mark = "outage" })
	require.Equal(t, relay.ReplayReport{Read: 1, Failed: 1}, counts(report))
	require.Equal(t, "TooLarge", report.Failures[0].Code)
}

func TestReplayRefusesABadMark(t *testing.T) {
	for _, mark := range []string{"\xff", strings.Repeat("é", 129)} {
		_, err := relay.Replay(t.Context(), pagesOf{question: "q"}, newHandler(t, &scriptedBus{}, &recordingSink{}), toSameBus,
			func(o *relay.ReplayOptions) { o.Mark = mark })
		require.ErrorContains(t, err, "Mark")
	}
	require.Contains(t, detailOf(t, testRecord{sequence: 1}, strings.Repeat("é", 128)), "é")
}

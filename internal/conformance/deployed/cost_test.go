package deployed

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

const costPage = "../../../docs/cost.md"

// table reads a table of a Markdown page: the one under a heading, its rows by
// their first cell.
func table(t *testing.T, page, heading string) map[string][]string {
	t.Helper()
	_, rest, ok := strings.Cut(page, "\n## "+heading+"\n")
	require.True(t, ok, "no heading %q", heading)
	rest, _, _ = strings.Cut(rest, "\n## ")
	rows := map[string][]string{}
	for line := range strings.Lines(rest) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "| ---") {
			continue
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		require.NotContains(t, rows, cells[0])
		rows[cells[0]] = cells[1:]
	}
	require.NotEmpty(t, rows, heading)
	return rows
}

// book is the page's prices and assumptions by name. Reading one that is not
// there fails the test, and so does one that nobody reads.
type book struct {
	t      *testing.T
	values map[string]float64
	read   map[string]bool
}

func newBook(t *testing.T, rows map[string][]string) book {
	t.Helper()
	b := book{t: t, values: map[string]float64{}, read: map[string]bool{}}
	for name, cells := range rows {
		if v, err := strconv.ParseFloat(cells[0], 64); err == nil {
			b.values[name] = v
		}
	}
	return b
}

func (b book) get(name string) float64 {
	b.t.Helper()
	v, ok := b.values[name]
	require.True(b.t, ok, "the page has no %q", name)
	b.read[name] = true
	return v
}

// compute is the arithmetic of the page: a month at a rate, by the lines of the page.
func compute(prices, given book, rate float64) map[string]string {
	const million = 1e6
	p := func(name string) float64 { return prices.get(name) / million }
	seconds := given.get("seconds in a month")
	events := rate * seconds
	perSecond := max(rate/given.get("batch size"), min(rate, given.get("shards of the stream")/given.get("window in seconds")))
	invocations := perSecond * seconds
	calls := math.Ceil(rate / perSecond / given.get("events in a PutEvents call"))
	milliseconds := given.get("milliseconds of the relay beside its calls") + calls*given.get("milliseconds of a PutEvents call")

	stored := prices.get("table storage") + prices.get("point-in-time recovery")
	units := given.get("write units of the journal for an invocation of up to 25 events")
	if rate/perSecond > 25 {
		units = given.get("write units of the journal for an invocation of 100 events")
	}
	journal := 86400 * given.get("days the journal is kept") / 1e9 *
		(rate*given.get("bytes stored in the journal for each event") + perSecond*given.get("bytes stored in the journal for each invocation"))
	batch := given.get("messages in a batch of the consumer at 1 event/s")
	if rate >= 100 {
		batch = given.get("messages in a batch of the consumer at 100 events/s and more")
	}

	usd := map[string]float64{
		"event item, written in a transaction": events * given.get("write units for an event item") * p("write request unit"),
		"business item, now in a transaction": events * given.get("write units for the business item beyond the one it costs anyway") *
			p("write request unit"),
		"storage of events and its recovery": rate * 86400 * given.get("days an event is kept") * given.get("bytes stored for each event") / 1e9 *
			stored,
		"journal: writes, storage and its recovery": invocations*units*p("write request unit") + journal*stored,
		"stream reads by Lambda":                    0,
		"relay: requests":                           invocations * p("Lambda request"),
		"relay: duration":                           invocations * milliseconds / 1000 * given.get("GB of the relay") * prices.get("Lambda duration, arm64"),
		"relay: metric lines in the log":            invocations * given.get("bytes of the relay's metric line") / 1e9 * prices.get("log ingestion"),
		"PutEvents":                                 events * p("custom event, each 64 KB"),
		"SQS: send, receive, delete":                (events*(1+2/batch) + given.get("empty receives a second")*seconds) * p("SQS request, each 64 KB"),
		"consumer: requests and duration": events/batch*p("Lambda request") +
			events*given.get("milliseconds of a message in the consumer")/1000*given.get("GB of the consumer")*prices.get("Lambda duration, arm64"),
		"metrics, alarms, dashboard": given.get("metrics of the relay")*prices.get("custom metric") +
			given.get("metrics in alarms")*prices.get("alarm, each metric in it") + prices.get("dashboard"),
	}
	sum := 0.0
	for _, line := range slices.Sorted(maps.Keys(usd)) { // always in one order, for the rounding
		sum += usd[line]
	}
	usd["**sum**"], usd["sum for a million events"] = sum, sum/events*million
	usd["relay: requests, duration, metric lines"] = usd["relay: requests"] + usd["relay: duration"] + usd["relay: metric lines in the log"]
	usd["pipe, if a batch of ten is a request"] = events / given.get("events in a PutEvents call") * p("Pipes request, each 64 KB")
	usd["pipe, if each event is a request"] = events * p("Pipes request, each 64 KB")

	lines := map[string]string{
		"events": grouped(events), "invocations of the relay": grouped(invocations), "milliseconds of an invocation": grouped(milliseconds),
	}
	for line, v := range usd {
		lines[line] = dollars(v)
	}
	return lines
}

// replayed is what it takes to publish so many events again: read units, dollars,
// hours.
func replayed(prices, given book, events float64) map[string][]string {
	row := func(units, usd, hours float64) []string {
		return []string{grouped(units), dollars(usd), strconv.FormatFloat(hours, 'f', 1, 64)}
	}
	kilobytes := events * given.get("KB of an event in a large table")
	scan := func(units float64) []string {
		return row(units, units*prices.get("read request unit")/1e6, units/given.get("read units a second of a table")/3600)
	}
	return map[string][]string{
		"scan, consistent":                        scan(kilobytes / 4),
		"scan, eventually consistent":             scan(kilobytes / 8),
		"query of an aggregate with 1,000 events": scan(1000 * kilobytes / events / 4),
		"export to S3 instead of a scan":          {"0", dollars(kilobytes * 1024 / 1e9 * prices.get("export to S3")), "unconfirmed"},
		"PutEvents":                               row(0, events*prices.get("custom event, each 64 KB")/1e6, events/given.get("events a second of PutEvents")/3600),
	}
}

// TestCostPage recomputes every number of the result tables.
func TestCostPage(t *testing.T) {
	text, err := os.ReadFile(costPage)
	require.NoError(t, err)
	page := string(text)
	prices, given := newBook(t, table(t, page, "Prices")), newBook(t, table(t, page, "Assumptions"))
	rows := table(t, page, "Cost a month")
	maps.Copy(rows, table(t, page, "EventBridge Pipes instead of the relay"))
	want := map[string][]string{"line": rows["line"], "a month": rows["a month"]} // the headings
	for _, rate := range []float64{1, 100, 1000} {
		for line, v := range compute(prices, given, rate) {
			want[line] = append(want[line], v)
		}
	}
	require.Equal(t, want, rows, "what the arithmetic says (first), and what the page has")
	again := table(t, page, "A billion events, published again")
	want = replayed(prices, given, 1e9)
	want["step"] = again["step"]
	require.Equal(t, want, again)
	for _, b := range []book{prices, given} {
		for name := range b.values {
			require.True(t, b.read[name], "%q is not used", name)
		}
	}
	for name, cells := range table(t, page, "Assumptions") {
		require.Regexp(t, `^(measured|counted|template|AWS|chosen|\*\*assumed\*\*)|^what it is$`, cells[1], "%s: the page does not say what this number is", name)
	}
	for name, cells := range table(t, page, "Prices") {
		require.True(t, name == "price" || strings.Contains(cells[2], "20") || strings.Contains(cells[2], "unconfirmed"), "%s has no source with a date", name)
	}
}

// grouped writes a whole number with commas.
func grouped(v float64) string {
	s := strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func dollars(v float64) string {
	cents := math.Round(v * 100)
	return grouped(math.Floor(cents/100)) + fmt.Sprintf(".%02d", int(cents)%100)
}

// TestCostAssumptionsThatCanBeMeasured measures them.
func TestCostAssumptionsThatCanBeMeasured(t *testing.T) {
	text, err := os.ReadFile(costPage)
	require.NoError(t, err)
	given := newBook(t, table(t, string(text), "Assumptions"))

	w, err := outbox.NewWriter("events", func(o *outbox.Options) { o.Source, o.Region, o.TTL = "userService", "eu-west-1", 30*24*time.Hour })
	require.NoError(t, err)
	ev, err := envelope.New(t.Context(), "User.Created", map[string]string{
		"userId": "01JD5X8Q4T5Z6Y7W8V9U0T1S2R", "email": "ada.lovelace@example.com", "name": "Ada Lovelace",
	}, func(h *envelope.Headers) {
		h.AggregateID, h.Sequence, h.TraceParent = "01JD5X8Q4T5Z6Y7W8V9U0T1S2R", 1, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	})
	require.NoError(t, err)
	in := &dynamodb.TransactWriteItemsInput{}
	require.NoError(t, w.Append(in, ev))
	size, err := itemsize.Check(in.TransactItems[0].Put.Item)
	require.NoError(t, err)
	require.LessOrEqual(t, size, 1024, "one write unit, twice")
	require.EqualValues(t, 2, given.get("write units for an event item"))
	require.InDelta(t, size+100, given.get("bytes stored for each event"), 100, "an item of %d bytes", size)

	for n, row := range map[int]string{1: "of up to 25 events", 25: "of up to 25 events", 100: "of 100 events"} {
		size := journalItem(t, n)
		require.EqualValues(t, (size+1023)/1024, given.get("write units of the journal for an invocation "+row), "an item of %d bytes", size)
		stored := float64(n)*given.get("bytes stored in the journal for each event") + given.get("bytes stored in the journal for each invocation")
		require.InDelta(t, size+100, stored, 10+float64(n)/2, "an item of %d bytes", size)
	}

	var line bytes.Buffer
	relay.EMF(&line, func(o *relay.EMFOptions) { o.Namespace = "outbox/Relay" })(t.Context(), relay.Metrics{
		Records: 100, Published: 100, Calls: 10, Bytes: 60000, Oldest: time.Second, Newest: 100 * time.Millisecond, Duration: 155 * time.Millisecond, Remaining: 59 * time.Second,
	})
	require.InDelta(t, line.Len(), given.get("bytes of the relay's metric line"), 100)
	names, _ := emitted(t, namespace)
	require.EqualValues(t, len(names), given.get("metrics of the relay"))

}

// costs compares what is deployed with the assumptions of the page.
func costs(t *testing.T, d description) {
	t.Helper()
	text, err := os.ReadFile(costPage)
	require.NoError(t, err)
	given := newBook(t, table(t, string(text), "Assumptions"))
	metrics := stalledMetrics
	for name := range d.Alarms {
		if name != stalledAlarm {
			metrics++
		}
	}
	require.EqualValues(t, metrics, given.get("metrics in alarms"))
	relay, messaging := d.Functions[relayFunction], d.Functions[messagingFunction]
	require.Equal(t, relay.Mappings[0].BatchSize, given.get("batch size"))
	require.Equal(t, relay.Mappings[0].MaximumBatchingWindowInSeconds, given.get("window in seconds"))
	require.Equal(t, relay.MemorySize/1024, given.get("GB of the relay"))
	require.Equal(t, messaging.MemorySize/1024, given.get("GB of the consumer"))
	require.Equal(t, messaging.Mappings[0].BatchSize, given.get("messages in a batch of the consumer at 100 events/s and more"))
}

package recovery_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/recovery"
)

// A source whose context ends is not at its end: which of two channels is ready
// first must not decide it.
func TestACancelledScanIsNoEnd(t *testing.T) {
	for range 50 {
		inTime(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			db := &fakeTable{events: 6, fault: func(scan int) error {
				if scan >= 2 {
					cancel()
				}
				return nil
			}}
			f := &fakeStream{trimmed: 7, shards: []fakeShard{{id: "a", numbers: []int{1, 2, 3, 4, 5, 6, 7}}}}
			source := recovery.OnFailure(f, db, "event-store", envelope.Layout{}, []byte(leftBehind(2, 6, time.Now())),
				func(o *recovery.OnFailureOptions) { o.Segments = 1 })
			ended := false
			for page, err := range source.Pages(ctx, nil) {
				require.NotContains(t, string(page.Cursor), `{"lost":true,"store":true,"at":[{"after":{"sk":{"N":"0"}}}],"done":true}`)
				require.Empty(t, page.Missing)
				ended = ended || err != nil
			}
			require.True(t, ended, "without an error the source has ended")
		})
	}
}

// A table whose answers do not move on is an error, and no replay without end.
func TestATableThatDoesNotMoveOn(t *testing.T) {
	f := &fakeTable{events: 1, of: map[string][]int{"a": {1}, eventID(1): {1}}, stuck: true}
	for name, source := range map[string]relay.Source{
		"scan": storeOf(f), "aggregate": recovery.Aggregate(f, "t", envelope.AggregateLayout(), "a"),
		"ids": recovery.IDs(f, "t", envelope.Layout{}, eventID(1)), "scanned ids": recovery.IDs(f, "t", envelope.AggregateLayout(), eventID(1)),
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, _, err := replayWithin(ctx, t, source)
			require.ErrorContains(t, err, "does not move on")
		})
	}
}

// An answer may be compressed, where the client asks for that.
func TestCompressedAnswers(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write([]byte(`{"Items":[` + wireItem("a", `{"NULL":true}`) + `],"Count":1}`))
	require.NoError(t, errors.Join(err, w.Close()))
	for _, text := range []string{packed.String(), packed.String()[:packed.Len()-12]} {
		options := answering(200, http.Header{"Content-Encoding": {"gzip"}}, text).Options()
		options.EnableAcceptEncodingGzip = true
		got, _, err := replay(t, storeOf(dynamodb.New(options), oneSegment))
		if text == packed.String() {
			require.NoError(t, err)
			require.Equal(t, []string{"a"}, got)
			continue
		}
		require.ErrorContains(t, err, "unexpected EOF", "it is cut off")
		require.Empty(t, got)
	}
}

// Read units that cannot be are none.
func TestReadUnitsThatCannotBe(t *testing.T) {
	for _, units := range []float64{math.NaN(), -5} {
		_, report, err := replay(t, storeOf(&fakeTable{events: 5, units: units}, func(o *recovery.ScanOptions) { o.ReadUnits = 1 }))
		require.NoError(t, err)
		require.Zero(t, report.ReadUnits)
	}
}

// Times from before 2001 or after 2286 have other numbers of digits.
func TestTheTimesOfTextsAreCompared(t *testing.T) {
	year := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	at := "1764140400000"
	for _, c := range []struct {
		from, to time.Time
		in       bool
	}{
		{year(2000), year(2100), true}, {year(1970), year(2100), true}, {year(1960), year(2100), true}, {year(2020), year(2500), true}, {year(2020), year(9999), true},
		{year(1980), year(1990), false}, {year(2400), year(2500), false}, {year(2020), year(2021), false},
	} {
		f := &fakeTable{events: 1}
		_, _, err := replay(t, recovery.EventStore(f, "t", envelope.Layout{}, c.from, c.to, func(o *recovery.ScanOptions) { o.Segments = 1 }))
		require.NoError(t, err)
		values := f.scans[1].ExpressionAttributeValues
		if values[":fromS"] == nil {
			require.False(t, c.in, "%v to %v", c.from, c.to)
			continue
		}
		first, last := values[":fromS"].(*types.AttributeValueMemberS).Value, values[":toS"].(*types.AttributeValueMemberS).Value
		require.LessOrEqual(t, first, last, "BETWEEN refuses it")
		require.Equal(t, c.in, first <= at && at <= last, "%v to %v", c.from, c.to)
	}
}

// A sort key that is a number without leading zeros, as a text, has 10 before 9: the
// table's order is not that of the aggregate.
func TestAnOrderedLayoutWhoseSortKeyHasNoOrder(t *testing.T) {
	layout := func(format string) envelope.Layout {
		return envelope.Layout{Ordered: true, Keys: func(ev envelope.CustomEvent) (string, string) {
			return ev.Headers.AggregateID, fmt.Sprintf(format, ev.Headers.Sequence)
		}}
	}
	sources := func(l envelope.Layout) []relay.Source {
		return []relay.Source{
			recovery.EventStore(&fakeTable{}, "t", l, envelope.MinTimestamp, envelope.MaxTimestamp),
			recovery.Aggregate(&fakeTable{}, "t", l, "a"),
			recovery.IDs(&fakeTable{}, "t", l, "a"),
		}
	}
	for _, s := range sources(layout("%d")) {
		require.ErrorContains(t, s.(relay.Validator).Validate(), "sort key")
	}
	numeric, unordered := layout("%d"), layout("%d")
	numeric.NumericSK, unordered.Ordered = true, false
	panics := envelope.Layout{Ordered: true, Keys: func(ev envelope.CustomEvent) (string, string) { return "k", string(ev.Payload[0]) }}
	for _, l := range []envelope.Layout{layout("%020d"), layout("e#%09d"), numeric, unordered, envelope.AggregateLayout()} {
		for _, s := range sources(l) {
			require.NoError(t, s.(relay.Validator).Validate())
		}
	}
	require.NoError(t, sources(panics)[0].(relay.Validator).Validate(), "what it does is not known")
}

package recovery_test

import (
	"context"
	"errors"
	"math"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/recovery"
)

// fakeTable is a table whose event n is in segment n modulo the segments, as far
// as its scans are concerned. It has one more, an empty page in front of each.
type fakeTable struct {
	events int
	units  float64 // of each page
	err    error   // of the call with that number
	errAt  int
	first  []map[string]types.AttributeValue // what the first look sees, in the place of the events

	mu    sync.Mutex // guards what follows
	scans []*dynamodb.ScanInput
	times []time.Time
}

func storedItem(n int) map[string]types.AttributeValue {
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	m := func(v map[string]types.AttributeValue) types.AttributeValue {
		return &types.AttributeValueMemberM{Value: v}
	}
	return map[string]types.AttributeValue{"pk": text(eventID(n)), "sk": &types.AttributeValueMemberN{Value: strconv.Itoa(n)}, "event": m(map[string]types.AttributeValue{
		"headers": m(map[string]types.AttributeValue{
			"eventId": text(eventID(n)), "eventName": text("User.Created"), "source": text("s"),
			"timestamp": &types.AttributeValueMemberN{Value: strconv.FormatInt(envelope.MinTimestamp.UnixMilli()+int64(n), 10)},
		}),
		"payload": text(`{"n":1}`),
	})}
}

func (f *fakeTable) Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return nil, errors.New("fake: no query")
}

// Scan has one event a page.
func (f *fakeTable) Scan(_ context.Context, in *dynamodb.ScanInput, _ ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scans, f.times = append(f.scans, in), append(f.times, time.Now())
	if f.err != nil && len(f.scans) > f.errAt {
		return nil, f.err
	}
	out := &dynamodb.ScanOutput{ConsumedCapacity: &types.ConsumedCapacity{CapacityUnits: aws.Float64(f.units)}}
	if in.FilterExpression == nil && f.first != nil {
		out.Items = f.first
		return out, nil
	}
	if in.FilterExpression == nil { // the first look
		for n := range min(f.events, int(*in.Limit)) {
			out.Items = append(out.Items, storedItem(n))
		}
		return out, nil
	}
	total := max(int(aws.ToInt32(in.TotalSegments)), 1)
	n := int(aws.ToInt32(in.Segment)) - total
	if in.ExclusiveStartKey != nil {
		n, _ = strconv.Atoi(in.ExclusiveStartKey["sk"].(*types.AttributeValueMemberN).Value)
		n += total
	}
	if n >= 0 && n < f.events {
		out.Items = append(out.Items, storedItem(n))
	}
	if n+total < f.events {
		out.LastEvaluatedKey = map[string]types.AttributeValue{"sk": &types.AttributeValueMemberN{Value: strconv.Itoa(n)}}
	}
	return out, nil
}

func storeOf(f *fakeTable, optFns ...func(*recovery.ScanOptions)) relay.Source {
	return recovery.EventStore(f, "event-store", envelope.Layout{}, envelope.MinTimestamp, envelope.MinTimestamp.Add(time.Hour), optFns...)
}

func TestEventStoreReadsAllSegments(t *testing.T) {
	for _, segments := range []int{0, 1, 2, 7} {
		f := &fakeTable{events: 20, units: 2}
		got, report, err := replay(t, storeOf(f, func(o *recovery.ScanOptions) { o.Segments = segments }))
		require.NoError(t, err)
		require.ElementsMatch(t, eventIDs(numbers(0, 20)...), got)
		require.InDelta(t, float64(2*len(f.scans)), report.ReadUnits, 0.01)
		for _, in := range f.scans {
			require.True(t, in.FilterExpression == nil || *in.ConsistentRead)
		}
	}
}

func numbers(from, to int) []int {
	var all []int
	for n := from; n < to; n++ {
		all = append(all, n)
	}
	return all
}

// However often it is stopped, each event comes, and those of the pages that were
// behind the cursor do not come again.
func TestEventStoreGoesOnFromEachCursor(t *testing.T) {
	stop := errors.New("stop")
	f := &fakeTable{events: 30}
	source := storeOf(f, func(o *recovery.ScanOptions) { o.Segments = 3 })
	var all []string
	var cursor []byte
	for runs := 0; ; runs++ {
		require.Less(t, runs, 40)
		got, report, err := replay(t, source, func(o *relay.ReplayOptions) {
			o.Cursor = cursor
			o.Progress = func(relay.ReplayProgress) error { return stop }
		})
		all = append(all, got...)
		if cursor = report.Cursor; report.Done {
			break
		}
		require.ErrorIs(t, err, stop)
	}
	require.ElementsMatch(t, eventIDs(numbers(0, 30)...), all, "each once")
}

func TestEventStoreRefusesAnotherCursor(t *testing.T) {
	_, report, err := replay(t, storeOf(&fakeTable{events: 5}))
	require.NoError(t, err)
	f := &fakeTable{events: 5}
	for _, source := range []relay.Source{
		storeOf(f, func(o *recovery.ScanOptions) { o.Segments = 2 }),
		recovery.EventStore(f, "another", envelope.Layout{}, envelope.MinTimestamp, envelope.MinTimestamp.Add(time.Hour)),
		recovery.EventStore(f, "event-store", envelope.Layout{}, envelope.MinTimestamp, envelope.MinTimestamp.Add(2*time.Hour)),
		recovery.EventStore(f, "event-store", envelope.Layout{Marker: "m"}, envelope.MinTimestamp, envelope.MinTimestamp.Add(time.Hour)),
	} {
		_, _, err := replay(t, source, func(o *relay.ReplayOptions) { o.Cursor = report.Cursor })
		require.ErrorIs(t, err, relay.ErrCursor)
	}
	require.Empty(t, f.scans)
}

// A source's own part of a cursor that was changed by hand is refused as well.
func TestSourcesRefuseADamagedCursor(t *testing.T) {
	for _, source := range []relay.Source{
		storeOf(&fakeTable{events: 5}),
		recovery.Aggregate(&fakeTable{}, "t", envelope.AggregateLayout(), "a"),
		recovery.IDs(&fakeTable{}, "t", envelope.Layout{}, "a"),
		recovery.IDs(&fakeTable{}, "t", envelope.AggregateLayout(), "a"),
		recovery.StreamFrom(&fakeStream{}, streamARN, time.Now()),
		recovery.StreamRange(&fakeStream{}, streamARN, "a", "1", "2"),
	} {
		for _, cursor := range []string{`"x"`, `{"id":-1}`, `[{"after":5}]`, `[{"after":{"x":5}},{},{},{}]`, `{"id":0,"after":{"x":{}}}`, `{"after":{"x":5}}`, `{"after":9}`} {
			for page, err := range source.Pages(t.Context(), []byte(cursor)) {
				require.Empty(t, page.Records)
				if err != nil {
					require.ErrorIs(t, err, relay.ErrCursor, "%s: %s", source.Question(), cursor)
				}
				break
			}
		}
	}
}

func TestEventStoreEndsAtAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which sees goroutines that stay
		for _, at := range []int{0, 1, 5} {
			broken := errors.New("broken")
			_, _, err := replay(t, storeOf(&fakeTable{events: 50, err: broken, errAt: at}))
			require.ErrorIs(t, err, broken)
			require.ErrorContains(t, err, "scan table event-store")
		}
	})
}

// ReadUnits are kept over all segments.
func TestEventStoreKeepsToItsReadUnits(t *testing.T) {
	inTime(t, func(t *testing.T) {
		f := &fakeTable{events: 100, units: 128}
		began := time.Now()
		_, report, err := replay(t, storeOf(f, func(o *recovery.ScanOptions) { o.ReadUnits = 64 }))
		require.NoError(t, err)
		took := time.Since(began).Seconds()
		require.InDelta(t, report.ReadUnits/64, took, 10, "but for the last page of each segment")
	})
	inTime(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		h, err := relay.NewHandler(&ledger{}, relay.Block)
		require.NoError(t, err)
		_, err = relay.Replay(ctx, storeOf(&fakeTable{events: 100, units: 128}, func(o *recovery.ScanOptions) { o.ReadUnits = 1 }), h, toSameBus)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestSourcesValidate(t *testing.T) {
	now, layout := time.Now(), envelope.Layout{}
	f := &fakeTable{}
	perEvent := envelope.Layout{Keys: func(ev envelope.CustomEvent) (string, string) { return ev.Headers.EventID, "" }}
	panics := envelope.Layout{Keys: func(ev envelope.CustomEvent) (string, string) { return string(ev.Payload[0]), "" }}
	for name, c := range map[string]struct {
		source  relay.Source
		problem string
	}{
		"no client":         {recovery.EventStore(nil, "t", layout, now, now.Add(1)), "client is nil"},
		"a nil client":      {recovery.EventStore((*dynamodb.Client)(nil), "t", layout, now, now.Add(1)), "client is nil"},
		"no table":          {recovery.EventStore(f, "", layout, now, now.Add(1)), "table name is empty"},
		"layout":            {recovery.EventStore(f, "t", envelope.Layout{PK: "sk"}, now, now.Add(1)), "share"},
		"reversed times":    {recovery.EventStore(f, "t", layout, now, now.Add(-1)), "reversed"},
		"equal times":       {recovery.EventStore(f, "t", layout, now, now), "reversed"},
		"no times":          {recovery.EventStore(f, "t", layout, time.Time{}, now), "required"},
		"segments":          {storeOf(f, func(o *recovery.ScanOptions) { o.Segments = 1001 }), "Segments"},
		"negative segments": {storeOf(f, func(o *recovery.ScanOptions) { o.Segments = -1 }), "Segments"},
		"read units":        {storeOf(f, func(o *recovery.ScanOptions) { o.ReadUnits = -1 }), "ReadUnits"},
		"read units, NaN":   {storeOf(f, func(o *recovery.ScanOptions) { o.ReadUnits = math.NaN() }), "ReadUnits"},
		"page size":         {storeOf(f, func(o *recovery.ScanOptions) { o.PageSize = -1 }), "PageSize"},
		"no aggregate":      {recovery.Aggregate(f, "t", envelope.AggregateLayout()), "at least one aggregateId"},
		"empty aggregate":   {recovery.Aggregate(f, "t", envelope.AggregateLayout(), "a", ""), "none may be empty"},
		"zero layout":       {recovery.Aggregate(f, "t", layout, "a"), "use EventStore"},
		"key per event":     {recovery.Aggregate(f, "t", perEvent, "a"), "use EventStore"},
		"key that panics":   {recovery.Aggregate(f, "t", panics, "a"), "panics"},
		"no id":             {recovery.IDs(f, "t", layout), "at least one eventId"},
		"many ids":          {recovery.IDs(f, "t", envelope.AggregateLayout(), make([]string, 101)...), "at most 100"},
		"on failure":        {recovery.OnFailure(nil, nil, "t", layout, []byte(`{`)), "no JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := replay(t, c.source)
			require.ErrorContains(t, err, c.problem)
			require.Empty(t, got)
		})
	}
	require.Empty(t, f.scans)
}

// Two questions are one only if they ask for the same.
func TestQuestionsDiffer(t *testing.T) {
	now, layout, f := time.Now(), envelope.AggregateLayout(), &fakeTable{}
	seen := map[string]bool{}
	for _, s := range []relay.Source{
		recovery.EventStore(f, "a", layout, now, now.Add(1)), recovery.EventStore(f, "b", layout, now, now.Add(1)),
		recovery.EventStore(f, "a", layout, now.Add(1), now.Add(2)), recovery.EventStore(f, "a", layout, now, now.Add(2)),
		recovery.Aggregate(f, "a", layout, "x", "y"), recovery.Aggregate(f, "a", layout, "x,y"), recovery.Aggregate(f, "a", layout, "x"),
		recovery.IDs(f, "a", layout, "x"), recovery.IDs(f, "a", layout, "y"),
		recovery.StreamFrom(&fakeStream{}, streamARN, now), recovery.StreamFrom(&fakeStream{}, streamARN, now.Add(1)),
		recovery.StreamRange(&fakeStream{}, streamARN, "a", "1", "2"), recovery.StreamRange(&fakeStream{}, streamARN, "a", "1", "3"),
	} {
		require.False(t, seen[s.Question()], s.Question())
		seen[s.Question()] = true
	}
	require.Len(t, seen, 13)
}

// The first millisecond belongs to the time that is asked for, the last one does
// not, and parts of one count as the next. Other writers have the time as a text.
func TestEventStoreAsksForItsTimes(t *testing.T) {
	f := &fakeTable{events: 1}
	from, to := envelope.MinTimestamp.Add(1500*time.Microsecond), envelope.MinTimestamp.Add(time.Second)
	_, _, err := replay(t, recovery.EventStore(f, "event-store", envelope.Layout{Marker: "m"}, from, to))
	require.NoError(t, err)
	in := f.scans[len(f.scans)-1]
	begin := envelope.MinTimestamp.UnixMilli()
	first, last := strconv.FormatInt(begin+2, 10), strconv.FormatInt(begin+999, 10)
	require.Equal(t, map[string]types.AttributeValue{
		":from": &types.AttributeValueMemberN{Value: first}, ":to": &types.AttributeValueMemberN{Value: last},
		":fromS": &types.AttributeValueMemberS{Value: first}, ":toS": &types.AttributeValueMemberS{Value: last},
	}, in.ExpressionAttributeValues)
	require.Equal(t, map[string]string{"#e": "event", "#h": "headers", "#t": "timestamp", "#m": "m"}, in.ExpressionAttributeNames)
	require.Equal(t, "attribute_exists(#m) AND (#e.#h.#t BETWEEN :from AND :to OR #e.#h.#t BETWEEN :fromS AND :toS)", *in.FilterExpression)
}

// A table of other items, or another layout, is an error that says what the items
// look like, without their values. An empty table is not.
func TestEventStoreLooksAtTheTableFirst(t *testing.T) {
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	foreign := map[string]types.AttributeValue{"pk": text("secret"), "name": text("secret")}
	for name, c := range map[string]struct {
		first   []map[string]types.AttributeValue
		layout  envelope.Layout
		problem string
	}{
		"an event store":              {nil, envelope.Layout{}, ""},
		"another key":                 {[]map[string]types.AttributeValue{{"id": text("secret")}}, envelope.Layout{}, `no attribute "pk", but "id"`},
		"no event":                    {[]map[string]types.AttributeValue{foreign, foreign}, envelope.Layout{}, `none of its first 2 items has an event in the attribute "event"; the first has "name", "pk"`},
		"an event among others":       {[]map[string]types.AttributeValue{foreign, storedItem(1)}, envelope.Layout{}, ""},
		"a marker, others come first": {[]map[string]types.AttributeValue{foreign}, envelope.Layout{Marker: "m"}, ""},
		"a marker, another key":       {[]map[string]types.AttributeValue{{"id": text("secret")}}, envelope.Layout{Marker: "m"}, `no attribute "pk"`},
		"an empty table":              {[]map[string]types.AttributeValue{}, envelope.Layout{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, source := range []func(*fakeTable) relay.Source{
				func(f *fakeTable) relay.Source {
					return recovery.EventStore(f, "event-store", c.layout, envelope.MinTimestamp, envelope.MinTimestamp.Add(time.Hour))
				},
				func(f *fakeTable) relay.Source {
					layout := c.layout
					layout.Keys = envelope.AggregateLayout().Keys
					return recovery.IDs(f, "event-store", layout, eventIDs(0, 1, 2)...)
				},
			} {
				got, _, err := replay(t, source(&fakeTable{events: 3, first: c.first}))
				if c.problem == "" {
					require.NoError(t, err)
					require.Len(t, got, 3)
					continue
				}
				require.ErrorContains(t, err, c.problem)
				require.NotContains(t, err.Error(), "secret")
				require.Empty(t, got)
			}
		})
	}
}

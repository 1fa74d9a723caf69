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
// as its scans are concerned. For its queries, the partition keys are those of of. A
// page has one event, and an empty one comes before the first.
type fakeTable struct {
	events int
	of     map[string][]int
	units  float64                           // of each page of a scan
	fault  func(scan int) error              // scans are counted from 0
	first  []map[string]types.AttributeValue // what the first look sees, in the place of the events
	stuck  bool                              // each page is the first one

	mu      sync.Mutex // guards what follows
	scans   []*dynamodb.ScanInput
	queries []*dynamodb.QueryInput
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

// onward is the number behind a start key, and -1 at the beginning.
func onward(start map[string]types.AttributeValue) int {
	if start == nil {
		return -1
	}
	n, _ := strconv.Atoi(start["sk"].(*types.AttributeValueMemberN).Value) // it panics at a key that it has not given
	return n
}

func lastKey(n int) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"sk": &types.AttributeValueMemberN{Value: strconv.Itoa(n)}}
}

func (f *fakeTable) Query(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	f.queries = append(f.queries, in)
	out := &dynamodb.QueryOutput{ConsumedCapacity: &types.ConsumedCapacity{CapacityUnits: aws.Float64(1)}}
	numbers := f.of[in.ExpressionAttributeValues[":pk"].(*types.AttributeValueMemberS).Value]
	at := onward(in.ExclusiveStartKey)
	if at >= 0 {
		out.Items = append(out.Items, storedItem(numbers[at]))
	}
	if f.stuck {
		out.LastEvaluatedKey = lastKey(0)
	} else if at+1 < len(numbers) {
		out.LastEvaluatedKey = lastKey(at + 1)
	}
	return out, nil
}

func (f *fakeTable) Scan(ctx context.Context, in *dynamodb.ScanInput, _ ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scans = append(f.scans, in)
	if f.fault != nil {
		if err := f.fault(len(f.scans) - 1); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out := &dynamodb.ScanOutput{ConsumedCapacity: &types.ConsumedCapacity{CapacityUnits: aws.Float64(f.units)}}
	if in.FilterExpression == nil { // the first look
		for n := range min(f.events, int(*in.Limit)) {
			out.Items = append(out.Items, storedItem(n))
		}
		if f.first != nil {
			out.Items = f.first
		}
		return out, nil
	}
	total := max(int(aws.ToInt32(in.TotalSegments)), 1)
	n := int(aws.ToInt32(in.Segment)) - total
	if in.ExclusiveStartKey != nil {
		n = onward(in.ExclusiveStartKey) + total
	}
	if n >= 0 && n < f.events {
		out.Items = append(out.Items, storedItem(n))
	}
	if f.stuck {
		out.LastEvaluatedKey = lastKey(0)
	} else if n+total < f.events {
		out.LastEvaluatedKey = lastKey(n)
	}
	return out, nil
}

// storeOf is the source of all events of a table.
func storeOf(c recovery.TableAPIClient, optFns ...func(*recovery.ScanOptions)) relay.Source {
	return recovery.EventStore(c, "event-store", envelope.Layout{}, envelope.MinTimestamp, envelope.MinTimestamp.Add(time.Hour), optFns...)
}

func oneSegment(o *recovery.ScanOptions) { o.Segments = 1 }

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
	all, _ := pageByPage(t, storeOf(&fakeTable{events: 30}, func(o *recovery.ScanOptions) { o.Segments = 3 }))
	require.ElementsMatch(t, eventIDs(numbers(0, 30)...), all, "each once")
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
			_, _, err := replay(t, storeOf(&fakeTable{events: 50, fault: func(scan int) error {
				if scan < at {
					return nil
				}
				return broken
			}}))
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
		_, _, err := replayWithin(ctx, t, storeOf(&fakeTable{events: 100, units: 128}, func(o *recovery.ScanOptions) { o.ReadUnits = 1 }))
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
		"no client":          {recovery.EventStore(nil, "t", layout, now, now.Add(1)), "client is nil"},
		"a nil client":       {recovery.EventStore((*dynamodb.Client)(nil), "t", layout, now, now.Add(1)), "client is nil"},
		"no table":           {recovery.EventStore(f, "", layout, now, now.Add(1)), "table name is empty"},
		"layout":             {recovery.EventStore(f, "t", envelope.Layout{PK: "sk"}, now, now.Add(1)), "share"},
		"reversed times":     {recovery.EventStore(f, "t", layout, now, now.Add(-1)), "reversed"},
		"equal times":        {recovery.EventStore(f, "t", layout, now, now), "reversed"},
		"no times":           {recovery.EventStore(f, "t", layout, time.Time{}, now), "required"},
		"segments":           {storeOf(f, func(o *recovery.ScanOptions) { o.Segments = 1001 }), "Segments"},
		"negative segments":  {storeOf(f, func(o *recovery.ScanOptions) { o.Segments = -1 }), "Segments"},
		"read units":         {storeOf(f, func(o *recovery.ScanOptions) { o.ReadUnits = -1 }), "ReadUnits"},
		"read units, NaN":    {storeOf(f, func(o *recovery.ScanOptions) { o.ReadUnits = math.NaN() }), "ReadUnits"},
		"page size":          {storeOf(f, func(o *recovery.ScanOptions) { o.PageSize = -1 }), "PageSize"},
		"no aggregate":       {recovery.Aggregate(f, "t", envelope.AggregateLayout()), "at least one aggregateId"},
		"empty aggregate":    {recovery.Aggregate(f, "t", envelope.AggregateLayout(), "a", ""), "none may be empty"},
		"zero layout":        {recovery.Aggregate(f, "t", layout, "a"), "use EventStore"},
		"key per event":      {recovery.Aggregate(f, "t", perEvent, "a"), "use EventStore"},
		"key that panics":    {recovery.Aggregate(f, "t", panics, "a"), "panics"},
		"no id":              {recovery.IDs(f, "t", layout), "at least one eventId"},
		"many ids":           {recovery.IDs(f, "t", envelope.AggregateLayout(), make([]string, 101)...), "at most 100"},
		"no stream client":   {recovery.StreamFrom(nil, streamARN, now), "client is nil"},
		"no stream":          {recovery.StreamFrom(&fakeStream{}, "event-store", now), "not the ARN of a stream"},
		"the ARN of a table": {recovery.StreamRange(&fakeStream{}, "arn:aws:dynamodb:eu-west-1:1:table/x", "a", "1", "2"), "not the ARN of a stream"},
		"in the future":      {recovery.StreamFrom(&fakeStream{}, streamARN, now.Add(time.Hour)), "may not be in the future"},
		"from no time":       {recovery.StreamFrom(&fakeStream{}, streamARN, time.Time{}), "is required"},
		"no range client":    {recovery.StreamRange(nil, streamARN, "a", "1", "2"), "client is nil"},
		"no shard":           {recovery.StreamRange(&fakeStream{}, streamARN, "", "1", "2"), "shard id is empty"},
		"no first number":    {recovery.StreamRange(&fakeStream{}, streamARN, "a", "", "2"), "both sequence numbers"},
		"reversed numbers":   {recovery.StreamRange(&fakeStream{}, streamARN, "a", "10", "9"), "reversed"},
		"on failure":         {recovery.OnFailure(nil, nil, "t", layout, []byte(`{`)), "no JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := replay(t, c.source)
			require.ErrorContains(t, err, c.problem)
			require.Empty(t, got)
		})
	}
	require.Empty(t, f.scans)
}

// Two questions are one only if they ask for the same. A cursor is bound to its
// question: another layout finds other items in the pages that are behind it.
func TestQuestionsDiffer(t *testing.T) {
	now, layout, f := time.Now(), envelope.AggregateLayout(), &fakeTable{}
	all := []relay.Source{
		recovery.EventStore(f, "a", layout, now, now.Add(1)), recovery.EventStore(f, "b", layout, now, now.Add(1)),
		recovery.EventStore(f, "a", layout, now.Add(1), now.Add(2)), recovery.EventStore(f, "a", layout, now, now.Add(2)),
		recovery.EventStore(f, "a", layout, now, now.Add(1), func(o *recovery.ScanOptions) { o.Segments = 2 }),
		recovery.Aggregate(f, "a", layout, "x", "y"), recovery.Aggregate(f, "a", layout, "x,y"), recovery.Aggregate(f, "a", layout, "x"),
		recovery.IDs(f, "a", layout, "x"), recovery.IDs(f, "a", layout, "y"),
		recovery.StreamFrom(&fakeStream{}, streamARN, now), recovery.StreamFrom(&fakeStream{}, streamARN, now.Add(1)),
		recovery.StreamRange(&fakeStream{}, streamARN, "a", "1", "2"), recovery.StreamRange(&fakeStream{}, streamARN, "a", "1", "3"),
	}
	for _, l := range []envelope.Layout{{PK: "p"}, {SK: "s"}, {Event: "e"}, {Marker: "m"}, {PK: "p", Marker: "m"}} {
		all = append(all, recovery.EventStore(f, "a", l, now, now.Add(1)))
	}
	seen := map[string]bool{}
	for _, s := range all {
		require.False(t, seen[s.Question()], s.Question())
		seen[s.Question()] = true
	}
	require.True(t, seen[recovery.EventStore(f, "a", envelope.Layout{}, now, now.Add(1)).Question()], "the aggregate layout has the same names")
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

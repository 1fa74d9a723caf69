package relay

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// putLetters puts a dead letter of each record, in that order.
func putLetters(t *testing.T, sink *DynamoDBDeadLetters, records ...testRecord) {
	t.Helper()
	for i, rec := range records {
		require.NoError(t, sink.Put(t.Context(), DeadRecord{
			EventID: eventID(i + 1), Record: []byte(rec.String()), Code: "MalformedDetail",
			Headers:   fmt.Appendf(nil, `{"eventId":%q,"aggregateId":%q,"aggregateid":"another","AggregateID":5}`, eventID(i+1), rec.aggregate),
			Keys:      fmt.Appendf(nil, `{"pk":{"S":%q},"sk":{"N":"1"}}`, eventID(i+1)),
			StreamARN: testARN, SequenceNumber: fmt.Sprint(i + 1), Time: time.Now(),
		}))
	}
}

// A letter that stays holds up the later ones of its aggregate, whatever keeps
// it, and no other.
func TestRedriveKeepsTheOrder(t *testing.T) {
	a, b := testRecord{sequence: 2, aggregate: "a"}, testRecord{sequence: 3, aggregate: "b"}
	for _, tt := range []struct {
		name  string
		first testRecord
	}{
		{"its record is cut off, and its item is gone", testRecord{sequence: 1, aggregate: "a", payload: `{"M":{"x":{"S":"` + strings.Repeat("x", 500_000) + `"}}}`}},
		{"its record cannot be read", testRecord{sequence: 1, aggregate: "a", payload: `{"??":1}`}},
		{"its record spoils a page", testRecord{raw: `{"eventName":"INSERT","dynamodb":{"StreamViewType":"KEYS_ONLY","SequenceNumber":"1"}}`, aggregate: "a"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db := &fakeTable{}
			sink := NewDynamoDBDeadLetters(db, "dead")
			putLetters(t, sink, tt.first, a, b)
			bus := &scriptBus{}
			sum, err := sink.Redrive(t.Context(), db, newTestHandler(t, bus, sink, ordered))
			require.NoError(t, err)
			require.Equal(t, RedriveReport{Read: 3, Published: 1, Failed: 2}, sum)
			require.Equal(t, []string{"event-3"}, bus.accepted)
			require.Len(t, db.items("dead"), 2)
		})
	}
	t.Run("another one spoils the page", func(t *testing.T) {
		db := &fakeTable{}
		sink := NewDynamoDBDeadLetters(db, "dead")
		putLetters(t, sink, testRecord{sequence: 1, aggregate: "a"}, a, testRecord{raw: `{"eventName":"INSERT","dynamodb":{"StreamViewType":"KEYS_ONLY"}}`})
		bus := &scriptBus{answer: refuse(Result{Class: EventFault, Code: "InvalidArgument"}, "event-1")}
		sum, err := sink.Redrive(t.Context(), db, newTestHandler(t, bus, sink, ordered))
		require.NoError(t, err)
		require.Equal(t, RedriveReport{Read: 3, Failed: 3}, sum)
		require.Empty(t, bus.accepted)
	})
}

// The item under a letter's key can be another event by now. That one is not
// published in its place, and the letter stays.
func TestRedriveOfAKeyThatIsTakenAnew(t *testing.T) {
	db := &fakeTable{}
	sink := NewDynamoDBDeadLetters(db, "dead")
	require.NoError(t, sink.Put(t.Context(), DeadRecord{
		EventID: "event-1", Record: []byte("damaged"), Keys: []byte(`{"pk":{"S":"a"},"sk":{"N":"1"}}`),
		Headers: []byte(`{"aggregateId":"a"}`), StreamARN: testARN, SequenceNumber: "1", Time: time.Now(),
	}))
	require.NoError(t, sink.Put(t.Context(), DeadRecord{
		EventID: "event-3", Record: []byte(testRecord{sequence: 3, aggregate: "a"}.String()),
		StreamARN: testARN, SequenceNumber: "3", Time: time.Now(),
	}))
	_, after, _ := strings.Cut(testRecord{sequence: 2, region: "us-east-1"}.template(), `"NewImage":`)
	image, _, _ := strings.Cut(after, `,"SequenceNumber"`)
	db.put("event-store", stamp(strings.Replace(image, `"pk":{"S":"event-2"},"sk":{"N":"$ms"}`, `"pk":{"S":"a"},"sk":{"N":"1"}`, 1), time.Now()))
	bus := &scriptBus{}
	var letters []RedriveLetter
	h := newTestHandler(t, bus, sink, ordered, func(o *Options) { o.Region = "eu-west-1" })
	sum, err := sink.Redrive(t.Context(), db, h, func(o *RedriveOptions) {
		o.Progress = func(page []RedriveLetter, _ RedriveReport) { letters = append(letters, page...) }
	})
	require.NoError(t, err)
	require.Equal(t, RedriveReport{Read: 2, Failed: 2}, sum)
	require.Equal(t, "Unresolved", letters[0].Code)
	require.Empty(t, bus.accepted, "what is behind it in its aggregate waits")
	require.Len(t, db.items("dead"), 2)
}

// Next does not pass letters that there was no time for, and the end of the
// table is not reached while there are.
func TestRedriveGoesOnWhereItWasCutOff(t *testing.T) {
	for _, tt := range []struct {
		name string
		size int
		end  func(context.Context) (context.Context, context.CancelFunc)
		want error
	}{
		{"time is over, pages of 100", 100, func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 5*time.Second)
		}, context.DeadlineExceeded},
		{"time is over, one page", 1000, func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 5*time.Second)
		}, context.DeadlineExceeded},
		{"cancelled, one page", 1000, func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(3500*time.Millisecond, cancel)
			return ctx, cancel
		}, context.Canceled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db, sink := buried(t, 250)
				bus := slowBus(time.Second)
				h := newTestHandler(t, bus, sink)
				runs, next := 0, ""
				for ; ; runs++ {
					ctx, cancel := tt.end(t.Context())
					sum, err := sink.Redrive(ctx, db, h, func(o *RedriveOptions) { o.PageSize, o.Start = tt.size, next })
					cancel()
					next = sum.Next
					if err == nil {
						break
					}
					require.ErrorIs(t, err, tt.want)
					require.Less(t, runs, 20)
				}
				require.Positive(t, runs)
				require.Empty(t, next)
				require.Empty(t, db.items("dead"), "every letter was tried")
				require.Len(t, unique(bus.accepted), 250)
			})
		})
	}
}

func unique(ids []string) map[string]bool {
	set := make(map[string]bool)
	for _, id := range ids {
		set[id] = true
	}
	return set
}

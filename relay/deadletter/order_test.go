package deadletter_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/deadletter"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

func inOrder(o *relay.Options) { o.Layout = envelope.AggregateLayout() }

// A letter that stays holds up the later ones of its aggregate, whatever keeps
// it, and no other.
func TestRedriveKeepsTheOrder(t *testing.T) {
	a, b := storedEvent{n: 2, aggregate: "a"}, storedEvent{n: 3, aggregate: "b"}
	for _, tt := range []struct {
		name  string
		first storedEvent
		route func(*relay.Entry) error
	}{
		{"its record is cut off, and its item is gone", storedEvent{n: 1, aggregate: "a", payload: `{"M":{"x":{"S":"` + strings.Repeat("x", 500_000) + `"}}}`}, nil},
		{"its record cannot be read", storedEvent{n: 1, aggregate: "a", payload: `{"??":1}`}, nil},
		{"its record spoils a page", storedEvent{n: 1, aggregate: "a", record: `{"eventName":"INSERT","dynamodb":{"StreamViewType":"KEYS_ONLY","SequenceNumber":"1"}}`}, nil},
		{"it is not routed", storedEvent{n: 1, aggregate: "a"}, func(e *relay.Entry) error {
			if e.EventID == "event-1" {
				return errors.New("no route")
			}
			return nil
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db, sink := lettersOf(t, tt.first, a, b)
			bus := &relaytest.Bus{}
			h := letterHandler(t, bus, sink, inOrder, func(o *relay.Options) { o.Route = tt.route })
			sum, err := sink.Redrive(t.Context(), db, h)
			require.NoError(t, err)
			require.Equal(t, deadletter.Report{Read: 3, Published: 1, Failed: 2}, sum)
			require.Equal(t, []string{"event-3"}, accepted(bus))
			require.Len(t, db.Items("dead"), 2)
		})
	}
	t.Run("another one spoils the page", func(t *testing.T) {
		db, sink := lettersOf(t, storedEvent{n: 1, aggregate: "a"}, a,
			storedEvent{n: 3, record: `{"eventName":"INSERT","dynamodb":{"StreamViewType":"KEYS_ONLY"}}`})
		bus := refusing("event-1")
		sum, err := sink.Redrive(t.Context(), db, letterHandler(t, bus, sink, inOrder))
		require.NoError(t, err)
		require.Equal(t, deadletter.Report{Read: 3, Failed: 3}, sum)
		require.Empty(t, accepted(bus))
	})
}

// The item under a letter's key can be another event by now. That one is not
// published in its place, and the letter stays.
func TestRedriveOfAKeyThatIsTakenAnew(t *testing.T) {
	first := storedEvent{n: 1, aggregate: "a", withoutWhole: true}
	db, sink := lettersOf(t, first, storedEvent{n: 3, aggregate: "a"})
	putItem(t, db, replaceKey(storedEvent{n: 2, region: "us-east-1"}, first))
	bus := &relaytest.Bus{}
	var letters []deadletter.Letter
	h := letterHandler(t, bus, sink, inOrder, func(o *relay.Options) { o.Region = "eu-west-1" })
	sum, err := sink.Redrive(t.Context(), db, h, func(o *deadletter.RedriveOptions) {
		o.Progress = func(page []deadletter.Letter, _ deadletter.Report) { letters = append(letters, page...) }
	})
	require.NoError(t, err)
	require.Equal(t, deadletter.Report{Read: 2, Failed: 2}, sum)
	require.Equal(t, "Unresolved", letters[0].Code)
	require.Empty(t, accepted(bus), "what is behind it in its aggregate waits")
	require.Len(t, db.Items("dead"), 2)
}

// Next does not pass letters that there was no time for, and the end of the
// table is not reached while there are.
func TestRedriveGoesOnWhereItWasCutOff(t *testing.T) {
	over := func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, 5*time.Second)
	}
	for _, tt := range []struct {
		name string
		size int
		end  func(context.Context) (context.Context, context.CancelFunc)
		want error
	}{
		{"time is over, pages of 100", 100, over, context.DeadlineExceeded},
		{"time is over, one page", 1000, over, context.DeadlineExceeded},
		{"cancelled, one page", 1000, func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(3500*time.Millisecond, cancel)
			return ctx, cancel
		}, context.Canceled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db, sink := lettersOf(t, storedEvents(250)...)
				bus := &relaytest.Bus{Script: func(int, []relaytest.Entry) relaytest.Answer { return relaytest.Answer{Delay: time.Second} }}
				h := letterHandler(t, bus, sink)
				runs, next := 0, ""
				for ; ; runs++ {
					ctx, cancel := tt.end(t.Context())
					sum, err := sink.Redrive(ctx, db, h, func(o *deadletter.RedriveOptions) { o.PageSize, o.Start = tt.size, next })
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
				require.Empty(t, db.Items("dead"), "every letter was tried")
				require.Len(t, details(bus), 250)
			})
		})
	}
}

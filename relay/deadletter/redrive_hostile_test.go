package deadletter_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/faketable"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/deadletter"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// A page in which the time was over comes again: Next does not pass letters that
// were not tried.
func TestRedriveThatIsCutOffWhileItReads(t *testing.T) {
	for at := 1; at <= 4; at++ {
		db, sink := lettersOf(t, storedEvents(4)...)
		for _, e := range storedEvents(4) {
			putItem(t, db, e.image())
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		bus := &relaytest.Bus{}
		h := letterHandler(t, bus, sink)
		size := func(o *deadletter.RedriveOptions) { o.PageSize = 2 }
		reads := 0
		db.Fault = func(_ context.Context, operation string) error {
			if operation == "GetItem" {
				if reads++; reads == at {
					cancel()
				}
			}
			return nil
		}
		sum, err := sink.Redrive(ctx, db, h, size)
		require.ErrorIs(t, err, context.Canceled)
		_, err = sink.Redrive(t.Context(), db, h, size, func(o *deadletter.RedriveOptions) { o.Start = sum.Next })
		require.NoError(t, err)
		require.Empty(t, db.Items("dead"), "cut off at read %d", at)
	}
}

// What the bus has accepted by the end of the time is deleted, and nothing else; a
// table that does not answer is not waited for without end.
func TestRedriveDeletesAfterItsEnd(t *testing.T) {
	for _, hangs := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			db, sink := lettersOf(t, storedEvents(3)...)
			ctx, cancel := context.WithCancel(t.Context())
			bus := &relaytest.Bus{Script: func(call int, entries []relaytest.Entry) relaytest.Answer {
				cancel()
				return relaytest.RefuseEvents("InvalidArgument", "event-2")(call, entries)
			}}
			db.Fault = func(ctx context.Context, operation string) error {
				if hangs && operation == "DeleteItem" {
					<-ctx.Done()
				}
				return nil
			}
			begin := time.Now()
			sum, err := sink.Redrive(ctx, db, letterHandler(t, bus, sink))
			require.Equal(t, []string{"event-1", "event-3"}, accepted(bus))
			if hangs {
				require.ErrorIs(t, err, context.Canceled)
				require.ErrorContains(t, err, `event "event-1" is published, delete its dead letter from table dead`)
				require.Equal(t, 5*time.Second, time.Since(begin))
				return
			}
			require.NoError(t, err, "each letter was tried")
			require.Equal(t, deadletter.Report{Read: 3, Published: 2, Failed: 1}, sum)
			require.Len(t, db.Items("dead"), 1)
			require.Equal(t, "event-2", faketable.Text(db.Items("dead")[0]["eventId"]))
		})
	}
}

// A letter whose time cannot be read stays, too, if it was put again meanwhile.
func TestRedriveOfALetterWithoutATime(t *testing.T) {
	for _, again := range []bool{false, true} {
		db, sink := lettersOf(t, storedEvents(1)...)
		timeless := db.Items("dead")[0]
		delete(timeless, "deadAt")
		_, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("dead"), Item: timeless})
		require.NoError(t, err)
		bus := &relaytest.Bus{Script: func(int, []relaytest.Entry) relaytest.Answer {
			if again {
				require.NoError(t, sink.Put(t.Context(), storedEvent{n: 1}.letter()))
			}
			return relaytest.Answer{}
		}}
		sum, err := sink.Redrive(t.Context(), db, letterHandler(t, bus, sink))
		require.NoError(t, err)
		require.Equal(t, 1, sum.Published)
		require.Equal(t, again, len(db.Items("dead")) == 1)
	}
}

// An event id that is too long for a letter is not whole there, so the item of the
// event store cannot be held against it. What the letter kept is published.
func TestRedriveOfAnEventWithALongID(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for _, whole := range []bool{true, false} {
		e := storedEvent{n: 1}
		letter := e.letter()
		letter.EventID, letter.Record = long, []byte(strings.ReplaceAll(string(letter.Record), `"eventId":{"S":"event-1"}`, `"eventId":{"S":"`+long+`"}`))
		require.Contains(t, string(letter.Record), long)
		if !whole {
			letter.Record = letter.Record[:6000]
		}
		db, sink := lettersOf(t)
		require.NoError(t, sink.Put(t.Context(), letter))
		putItem(t, db, e.image()) // of another event
		bus := &relaytest.Bus{}
		sum, err := sink.Redrive(t.Context(), db, letterHandler(t, bus, sink))
		require.NoError(t, err)
		require.NotContains(t, details(bus), "event-1")
		if whole {
			require.Equal(t, deadletter.Report{Read: 1, Published: 1}, sum)
			require.Contains(t, details(bus), long)
		} else {
			require.Equal(t, deadletter.Report{Read: 1, Failed: 1}, sum)
			require.Len(t, db.Items("dead"), 1)
		}
	}
}

// A table whose answers do not move on is an error, and no redrive without end.
func TestATableOfLettersThatDoesNotMoveOn(t *testing.T) {
	db, sink := lettersOf(t, storedEvents(1)...)
	db.Stuck = true
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := sink.Redrive(ctx, db, letterHandler(t, refusing("event-1"), sink))
	require.ErrorContains(t, err, "does not move on")
	n := 0
	for _, err = range sink.Letters(ctx, db) {
		if n++; n > 10 {
			break
		}
	}
	require.ErrorContains(t, err, "does not move on")
}

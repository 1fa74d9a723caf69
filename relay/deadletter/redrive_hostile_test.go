package deadletter_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// cancelling is an event store that ends the context with a read.
type cancelling struct {
	*fakeTable
	at     int // the read, counted from 1
	cancel context.CancelFunc
}

func (c *cancelling) GetItem(ctx context.Context, in *dynamodb.GetItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	if c.at--; c.at <= 0 {
		c.cancel()
		return nil, ctx.Err()
	}
	return c.fakeTable.GetItem(ctx, in, optFns...)
}

// A page in which the time was over comes again: Next does not pass letters that
// were not tried.
func TestRedriveThatIsCutOffWhileItReads(t *testing.T) {
	for at := 1; at <= 4; at++ {
		db, sink := lettersOf(t, storedEvents(4)...)
		for _, e := range storedEvents(4) {
			db.put("event-store", e.image())
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		bus := &letterBus{}
		h := letterHandler(t, bus, sink)
		size := func(o *redriveOptions) { o.PageSize = 2 }
		sum, err := sink.Redrive(ctx, &cancelling{db, at, cancel}, h, size)
		require.ErrorIs(t, err, context.Canceled)
		_, err = sink.Redrive(t.Context(), db, h, size, func(o *redriveOptions) { o.Start = sum.Next })
		require.NoError(t, err)
		require.Empty(t, db.items("dead"), "cut off at read %d", at)
	}
}

// A letter whose time cannot be read stays, too, if it was put again meanwhile.
func TestRedriveOfALetterWithoutATime(t *testing.T) {
	for _, again := range []bool{false, true} {
		db, sink := lettersOf(t, storedEvents(1)...)
		delete(db.items("dead")[0], "deadAt")
		bus := &letterBus{says: func(relay.Entry) relay.Result {
			if again {
				require.NoError(t, sink.Put(t.Context(), storedEvent{n: 1}.letter()))
			}
			return relay.Result{Class: relay.Accepted}
		}}
		sum, err := sink.Redrive(t.Context(), db, letterHandler(t, bus, sink))
		require.NoError(t, err)
		require.Equal(t, 1, sum.Published)
		require.Equal(t, again, len(db.items("dead")) == 1)
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
		db.put("event-store", e.image()) // of another event
		bus := &letterBus{}
		sum, err := sink.Redrive(t.Context(), db, letterHandler(t, bus, sink))
		require.NoError(t, err)
		require.NotContains(t, bus.details, "event-1")
		if whole {
			require.Equal(t, redriveReport{Read: 1, Published: 1}, sum)
			require.Contains(t, bus.details, long)
		} else {
			require.Equal(t, redriveReport{Read: 1, Failed: 1}, sum)
			require.Len(t, db.items("dead"), 1)
		}
	}
}

// repeating is a table that gives one page again and again.
type repeating struct{ *fakeTable }

func (r repeating) Scan(ctx context.Context, in *dynamodb.ScanInput, optFns ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	again := *in
	again.ExclusiveStartKey = nil
	out, err := r.fakeTable.Scan(ctx, &again, optFns...)
	if err == nil {
		out.LastEvaluatedKey = map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "a"}, "sk": &types.AttributeValueMemberS{Value: "b"}}
	}
	return out, err
}

// A table whose answers do not move on is an error, and no redrive without end.
func TestATableOfLettersThatDoesNotMoveOn(t *testing.T) {
	db, sink := lettersOf(t, storedEvents(1)...)
	bus := &letterBus{says: always(invalidLetter)}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := sink.Redrive(ctx, repeating{db}, letterHandler(t, bus, sink))
	require.ErrorContains(t, err, "does not move on")
	n := 0
	for _, err = range sink.Letters(ctx, repeating{db}) {
		if n++; n > 10 {
			break
		}
	}
	require.ErrorContains(t, err, "does not move on")
}

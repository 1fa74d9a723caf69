package commit_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/wirefault"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// consumer is a service that counts the users of each domain, keeps receipts
// and announces each count: consumed, changed and announced in one transaction.
type consumer struct {
	*world
	ddb      *dynamodb.Client
	receipts enginetest.Table
	inbox    *outbox.Inbox
	name     string
}

func newConsumer(t testing.TB, wd *world, receipts enginetest.Table, name string, optFns ...func(*outbox.InboxOptions)) *consumer {
	t.Helper()
	inbox, err := outbox.NewInbox(receipts.Name, name, optFns...)
	require.NoError(t, err)
	return &consumer{world: wd, ddb: wd.ddb, receipts: receipts, inbox: inbox, name: name}
}

// receiptTable has the keys of an Inbox without options.
func receiptTable(t testing.TB, db *engine.Engine) enginetest.Table {
	t.Helper()
	return enginetest.BusinessTable(t, db, func(o *enginetest.TableOptions) { o.SK, o.SKType = "sk", types.ScalarAttributeTypeS })
}

// transaction is the consumer's work on an event.
func (c *consumer) transaction(received envelope.CustomEvent) (*dynamodb.TransactWriteItemsInput, error) {
	counted, err := envelope.New(envelope.Continue(context.Background(), received), "User.Counted", map[string]string{"by": c.name})
	if err != nil {
		return nil, err
	}
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Update: &types.Update{
		TableName: &c.users.Name, Key: item{"pk": s("count by " + c.name)},
		UpdateExpression:          aws.String("ADD worked :one"),
		ExpressionAttributeValues: item{":one": n("1")},
	}}}}
	if err := c.inbox.Append(in, received); err != nil {
		return nil, err
	}
	return in, c.w.Append(in, counted)
}

// handle is what the consumer does with a message.
func (c *consumer) handle(ctx context.Context, received envelope.CustomEvent) error {
	in, err := c.transaction(received)
	if err != nil {
		return err
	}
	_, err = c.ddb.TransactWriteItems(ctx, in)
	return c.Explain(in, err)
}

// Explain asks the inbox first, then the writer.
func (c *consumer) Explain(in *dynamodb.TransactWriteItemsInput, err error) error {
	return c.w.Explain(in, c.inbox.Explain(in, err))
}

// done asserts how often the consumer has worked in all.
func (c *consumer) done(t *testing.T, times int) {
	t.Helper()
	count := c.get(t, c.users, item{"pk": s("count by " + c.name)})
	require.Equal(t, n(strconv.Itoa(times)), count["worked"])
	receipts, announced := 0, 0
	for _, receipt := range c.receipts.Items(t, c.db) {
		if consumer, ok := receipt["consumer"].(*types.AttributeValueMemberS); ok && consumer.Value == c.name {
			receipts++
		}
	}
	for _, it := range c.store.Items(t, c.db) {
		payload := it["event"].(*types.AttributeValueMemberM).Value["payload"].(*types.AttributeValueMemberM).Value
		if payload["by"].(*types.AttributeValueMemberS).Value == c.name {
			announced++
		}
	}
	require.Equal(t, times, receipts, "receipts")
	require.Equal(t, times, announced, "events that follow")
}

// The receipts have a table of their own, or lie in one without a sort key beside
// the rest.
func TestInboxDuplicates(t *testing.T) {
	beside := func(o *outbox.InboxOptions) {
		o.Keys = func(consumer, eventID string) (string, string) {
			return fmt.Sprintf("RECEIPT#%s#%s", consumer, eventID), ""
		}
	}
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		for name, options := range map[string]func(*outbox.InboxOptions){"own table": nil, "single table": beside} {
			t.Run(name, func(t *testing.T) {
				wd := newWorld(t, db)
				receipts := wd.users
				if options == nil {
					receipts = receiptTable(t, db)
				}
				a, b := newConsumer(t, wd, receipts, "a", options), newConsumer(t, wd, receipts, "b", options)
				first, second := newEvent(t, "User.Created", 1), newEvent(t, "User.Created", 2)

				require.NoError(t, a.handle(t.Context(), first))
				a.done(t, 1)
				err := a.handle(t.Context(), first)
				require.ErrorIs(t, err, outbox.ErrDuplicate)
				e := refused[cancelled](t, err)
				require.Equal(t, outbox.NotCommitted, e.Outcome)
				require.False(t, e.Retryable)
				require.Equal(t, first.Headers.EventID, e.Reasons[0].EventID)
				require.Equal(t, receipts.Name, e.Reasons[0].Table)
				a.done(t, 1)
				require.NoError(t, a.handle(t.Context(), second))
				require.NoError(t, b.handle(t.Context(), first), "another consumer of the same event")
				a.done(t, 2)
				b.done(t, 1)

				for _, it := range wd.store.Items(t, db) {
					headers := it["event"].(*types.AttributeValueMemberM).Value["headers"].(*types.AttributeValueMemberM).Value
					cause := headers["causationId"].(*types.AttributeValueMemberS).Value
					require.Contains(t, []string{first.Headers.EventID, second.Headers.EventID}, cause)
				}
			})
		}
	})
}

// Of many deliveries at once, exactly one does the work, whatever the wire loses.
func TestInboxRace(t *testing.T) {
	const deliveries = 16
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		wd, receipts := newWorld(t, db), receiptTable(t, db)
		wire := wirefault.NewTransport(nil, wirefault.On(wirefault.TransactWriteItems, func(c wirefault.Call) wirefault.Fault {
			return []wirefault.Fault{wirefault.LostAnswer(), wirefault.None(), wirefault.LostRequest(), wirefault.None()}[c.N%4]
		}))
		lossy := client(db, func(o *dynamodb.Options) { o.HTTPClient = wire.Client() })
		event := newEvent(t, "User.Created", 1)

		var worked, duplicates atomic.Int64
		var racing sync.WaitGroup
		for range deliveries {
			racing.Go(func() {
				c := newConsumer(t, wd, receipts, "a")
				c.ddb = lossy
				in, err := c.transaction(event)
				if err != nil {
					t.Error(err)
					return
				}
				switch err := commit(t.Context(), c.ddb, c, in); {
				case err == nil:
					worked.Add(1)
				case errors.Is(err, outbox.ErrDuplicate):
					duplicates.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		racing.Wait()
		require.EqualValues(t, 1, worked.Load(), "one delivery is told that it has worked")
		require.EqualValues(t, deliveries-1, duplicates.Load())
		newConsumer(t, wd, receipts, "a").done(t, 1)
	})
}

// A consumer that died after the commit gets the message again and makes
// another event to announce: it finds that the first one has been done.
func TestInboxAfterALostAnswer(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		wd, receipts := newWorld(t, db), receiptTable(t, db)
		c := newConsumer(t, wd, receipts, "a")
		c.ddb, _ = broken(db, wirefault.TransactWriteItems, []wirefault.Fault{wirefault.LostAnswer()})
		event := newEvent(t, "User.Created", 1)
		in, err := c.transaction(event)
		require.NoError(t, err)

		_, err = c.ddb.TransactWriteItems(t.Context(), in)
		var e *outbox.CommitError
		require.ErrorAs(t, c.Explain(in, err), &e)
		require.Equal(t, outbox.Unknown, e.Outcome)
		require.True(t, e.Retryable)
		require.NotErrorIs(t, e, outbox.ErrDuplicate)

		_, err = c.ddb.TransactWriteItems(t.Context(), in)
		require.NoError(t, err, "the same token")
		in.ClientRequestToken = nil
		_, err = c.ddb.TransactWriteItems(t.Context(), in)
		require.ErrorIs(t, c.Explain(in, err), outbox.ErrDuplicate, "without the token: done before, by this very transaction")
		require.ErrorIs(t, c.handle(t.Context(), event), outbox.ErrDuplicate, "the message again")
		c.done(t, 1)
	})
}

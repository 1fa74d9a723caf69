package outbox_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

func newInbox(t testing.TB, optFns ...func(*outbox.InboxOptions)) *outbox.Inbox {
	t.Helper()
	inbox, err := outbox.NewInbox("receipts", "messaging", optFns...)
	require.NoError(t, err)
	return inbox
}

func TestInboxAppend(t *testing.T) {
	in := signup("u1")
	require.NoError(t, newInbox(t, nil).Append(in, event(t, "e1", 1)))
	put := in.TransactItems[1].Put
	require.Equal(t, "receipts", *put.TableName)
	require.Equal(t, "attribute_not_exists(pk)", *put.ConditionExpression)
	require.Equal(t, map[string]types.AttributeValue{
		"pk": s("e1"), "sk": s("messaging"), "consumer": s("messaging"), "eventId": s("e1"), "eventName": s("User.Created"),
	}, put.Item)
}

func TestInboxKeysAndLifetime(t *testing.T) {
	inbox := newInbox(t, func(o *outbox.InboxOptions) {
		o.PK, o.TTL, o.Lifetime = "PK", "expires", 24*time.Hour
		o.Keys = func(consumer, eventID string) (string, string) { return "RECEIPT#" + consumer + "#" + eventID, "" }
	})
	in := signup("u1")
	soonest := time.Now().Add(24 * time.Hour)
	require.NoError(t, inbox.Append(in, event(t, "e1", 1)))
	put := in.TransactItems[1].Put
	require.Equal(t, s("RECEIPT#messaging#e1"), put.Item["PK"])
	require.NotContains(t, put.Item, "sk")
	expires, err := strconv.ParseInt(put.Item["expires"].(*types.AttributeValueMemberN).Value, 10, 64)
	require.NoError(t, err)
	require.False(t, time.Unix(expires, 0).Before(soonest), "not a second too early")
	require.Less(t, time.Unix(expires, 0).Sub(time.Now().Add(24*time.Hour)), 2*time.Second)

	err = inbox.Explain(in, cancelled(reason("None"), old("ConditionalCheckFailed", put.Item)))
	require.ErrorIs(t, err, outbox.ErrDuplicate)
}

func TestInboxExplain(t *testing.T) {
	w, inbox := newWriter(t), newInbox(t)
	cause := event(t, "cause", 1)
	in := signup("u1")
	require.NoError(t, inbox.Append(in, cause))
	emitted, err := envelope.New(envelope.Continue(t.Context(), cause), "Email.Sent", nil)
	require.NoError(t, err)
	require.NoError(t, w.Append(in, emitted))
	receipt, email := in.TransactItems[1].Put, in.TransactItems[2].Put

	cases := map[string]struct {
		reasons   []types.CancellationReason
		duplicate bool
		outcome   outbox.Outcome
		retryable bool
	}{
		"done before":                        {[]types.CancellationReason{reason(none), old(cond, receipt.Item), reason(none)}, true, outbox.NotCommitted, false},
		"done before, by this very attempt":  {[]types.CancellationReason{reason(cond), old(cond, receipt.Item), old(cond, email.Item)}, true, outbox.NotCommitted, false},
		"done before, and a conflict beside": {[]types.CancellationReason{reason(conflict), old(cond, receipt.Item), reason(none)}, true, outbox.NotCommitted, false},
		"old item not returned":              {[]types.CancellationReason{reason(none), reason(cond), reason(none)}, false, outbox.Unknown, false},
		"caller refused":                     {[]types.CancellationReason{reason(cond), reason(none), reason(none)}, false, outbox.NotCommitted, false},
		"receipt in conflict":                {[]types.CancellationReason{reason(none), reason(conflict), reason(none)}, false, outbox.Unknown, true},
		"receipt throttled":                  {[]types.CancellationReason{reason(none), reason("ThrottlingError"), reason(none)}, false, outbox.Unknown, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := inbox.Explain(in, cancelled(c.reasons...))
			both := w.Explain(in, err)
			for _, err := range []error{err, both} {
				var e *outbox.CommitError
				require.ErrorAs(t, err, &e)
				require.Equal(t, c.duplicate, isDuplicate(err))
				require.Equal(t, c.outcome, e.Outcome)
				require.Equal(t, c.retryable, e.Retryable)
			}
		})
	}
	require.NoError(t, inbox.Explain(in, nil))

	var e *outbox.CommitError
	require.ErrorAs(t, inbox.Explain(in, cancelled(reason(none), old(cond, receipt.Item), reason(none))), &e)
	require.Equal(t, "cause", e.Reasons[0].EventID)
}

// Two messages in one transaction: it is a duplicate only if both have been done.
func TestInboxExplainOfTwoReceipts(t *testing.T) {
	w, inbox := newWriter(t), newInbox(t)
	in := signup("u1")
	require.NoError(t, inbox.Append(in, event(t, "m1", 1)))
	require.NoError(t, inbox.Append(in, event(t, "m2", 2)))
	require.NoError(t, w.Append(in, event(t, "e1", 3)))
	there1, there2 := old(cond, in.TransactItems[1].Put.Item), old(cond, in.TransactItems[2].Put.Item)
	stranger := old(cond, item{"pk": s("m2"), "sk": s("messaging"), "total": n("7")})
	cases := map[string]struct {
		reasons   []types.CancellationReason
		duplicate bool
		done      []string // the messages whose reasons say that they have been done
		outcome   outbox.Outcome
		retryable bool
	}{
		"both done":                           {[]types.CancellationReason{reason(none), there1, there2, reason(none)}, true, []string{"m1", "m2"}, outbox.NotCommitted, false},
		"both done, caller refused":           {[]types.CancellationReason{reason(cond), there1, there2, reason(none)}, true, []string{"m1", "m2"}, outbox.NotCommitted, false},
		"the first done":                      {[]types.CancellationReason{reason(none), there1, reason(none), reason(none)}, false, []string{"m1"}, outbox.NotCommitted, false},
		"the second done":                     {[]types.CancellationReason{reason(none), reason(none), there2, reason(none)}, false, []string{"m2"}, outbox.NotCommitted, false},
		"the first done, the other unseen":    {[]types.CancellationReason{reason(none), there1, reason(conflict), reason(none)}, false, []string{"m1"}, outbox.Unknown, false},
		"the first done, the other not shown": {[]types.CancellationReason{reason(none), there1, reason(cond), reason(none)}, false, []string{"m1"}, outbox.Unknown, false},
		"the first done, the other taken":     {[]types.CancellationReason{reason(none), there1, stranger, reason(none)}, false, []string{"m1"}, outbox.NotCommitted, false},
		"the first done, caller in conflict":  {[]types.CancellationReason{reason(conflict), there1, reason(none), reason(none)}, false, []string{"m1"}, outbox.NotCommitted, false},
		"neither done, caller throttled":      {[]types.CancellationReason{reason("ThrottlingError"), reason(none), reason(none), reason(none)}, false, nil, outbox.NotCommitted, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := inbox.Explain(in, cancelled(c.reasons...))
			require.Equal(t, c.duplicate, isDuplicate(inbox.Explain(in, w.Explain(in, cancelled(c.reasons...)))), "asked in the other order")
			for _, err := range []error{err, w.Explain(in, err)} {
				var e *outbox.CommitError
				require.ErrorAs(t, err, &e)
				require.Equal(t, c.duplicate, isDuplicate(err), err)
				require.Equal(t, c.outcome, e.Outcome, err)
				require.Equal(t, c.retryable, e.Retryable, err)
				var done []string
				for _, r := range e.Reasons {
					if errors.Is(r.Err, outbox.ErrDuplicate) {
						done = append(done, r.EventID)
					}
				}
				require.Equal(t, c.done, done)
			}
		})
	}
}

// A receipt's key that is taken by something else must not pass for work done.
func TestInboxKeyTakenByAnotherItem(t *testing.T) {
	inbox := newInbox(t)
	in := signup("u1")
	require.NoError(t, inbox.Append(in, event(t, "e1", 1)))
	for name, there := range map[string]map[string]types.AttributeValue{
		"no receipt":                     {"pk": s("e1"), "sk": s("messaging"), "total": n("7")},
		"receipt of another event":       {"pk": s("e1"), "sk": s("messaging"), "consumer": s("messaging"), "eventId": s("e2")},
		"receipt of another consumer":    {"pk": s("e1"), "sk": s("messaging"), "consumer": s("billing"), "eventId": s("e1")},
		"receipt with a typed nil value": {"pk": s("e1"), "consumer": (*types.AttributeValueMemberS)(nil), "eventId": s("e1")},
	} {
		t.Run(name, func(t *testing.T) {
			err := inbox.Explain(in, cancelled(reason("None"), old("ConditionalCheckFailed", there)))
			require.NotErrorIs(t, err, outbox.ErrDuplicate)
			require.ErrorIs(t, err, outbox.ErrEventExists)
			var e *outbox.CommitError
			require.ErrorAs(t, err, &e)
			require.Equal(t, outbox.NotCommitted, e.Outcome)
			require.False(t, e.Retryable)
			require.Equal(t, "e1", e.Reasons[0].EventID)
		})
	}
}

// The keys of a receipt are known, so they are checked before the commit.
func TestInboxKeySizes(t *testing.T) {
	keys := func(pk, sk string) func(*outbox.InboxOptions) {
		return func(o *outbox.InboxOptions) { o.Keys = func(string, string) (string, string) { return pk, sk } }
	}
	long := strings.Repeat("k", 2049)
	cases := map[string]struct {
		set  func(*outbox.InboxOptions)
		path string // "" means accepted
	}{
		"partition key of 2048": {keys(long[:2048], "sk"), ""},
		"partition key of 2049": {keys(long, "sk"), "pk"},
		"sort key of 1024":      {keys("pk", long[:1024]), ""},
		"sort key of 1025":      {keys("pk", long[:1025]), "sk"},
		"no partition key":      {keys("", "sk"), "pk"},
		"no sort key":           {keys("pk", ""), ""},
		"not UTF-8":             {keys("pk\xff", "sk"), "pk"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			in := signup("u1")
			err := newInbox(t, c.set).Append(in, event(t, "e1", 1))
			if c.path == "" {
				require.NoError(t, err)
				require.Len(t, in.TransactItems, 2)
				return
			}
			var e *outbox.PreflightError
			require.ErrorAs(t, err, &e)
			require.Equal(t, "e1", e.EventID)
			require.Equal(t, c.path, e.Path)
			require.Len(t, in.TransactItems, 1)
		})
	}

	in := signup("u1")
	for _, ev := range []envelope.CustomEvent{
		{Headers: envelope.Headers{EventID: long}}, // the default keys
		{Headers: envelope.Headers{EventID: "e\xff"}},
		{Headers: envelope.Headers{EventID: "e1", EventName: "n\xff"}},
	} {
		var e *outbox.PreflightError
		require.ErrorAs(t, newInbox(t).Append(in, ev), &e)
		require.Len(t, in.TransactItems, 1)
	}
	_, err := outbox.NewInbox("receipts", "m\xff")
	require.ErrorContains(t, err, "consumer")
	_, err = outbox.NewInbox("receipts", strings.Repeat("c", 1025))
	require.ErrorContains(t, err, "1024")
}

func TestInboxTellsConsumersApart(t *testing.T) {
	other, err := outbox.NewInbox("receipts", "billing")
	require.NoError(t, err)
	in := &dynamodb.TransactWriteItemsInput{}
	require.NoError(t, newInbox(t).Append(in, event(t, "e1", 1)))
	require.NoError(t, other.Append(in, event(t, "e1", 1)), "two consumers of one event have receipts of their own")
	err = other.Explain(in, cancelled(old("ConditionalCheckFailed", nil), reason("None")))
	require.NotErrorIs(t, err, outbox.ErrDuplicate)

	before := len(in.TransactItems)
	var e *outbox.PreflightError
	require.ErrorAs(t, other.Append(in, event(t, "e1", 2)), &e)
	require.Equal(t, outbox.RuleSameItem, e.Rule)
	require.Equal(t, "e1", e.EventID)
	require.Len(t, in.TransactItems, before)
}

func TestInboxRefuses(t *testing.T) {
	_, err := outbox.NewInbox("receipts", "")
	require.ErrorContains(t, err, "consumer")
	_, err = outbox.NewInbox("", "messaging")
	require.ErrorContains(t, err, "table")
	_, err = outbox.NewInbox("receipts", "messaging", func(o *outbox.InboxOptions) { o.Lifetime = time.Hour })
	require.ErrorContains(t, err, "Lifetime")
	_, err = outbox.NewInbox("receipts", "messaging", func(o *outbox.InboxOptions) { o.PK = "eventId" })
	require.ErrorContains(t, err, "eventId")

	in := signup("u1")
	err = newInbox(t).Append(in, envelope.CustomEvent{})
	require.ErrorContains(t, err, "eventId")
	require.Len(t, in.TransactItems, 1)
	require.Error(t, newInbox(t).Append(nil, event(t, "e1", 1)))
}

func isDuplicate(err error) bool { return errors.Is(err, outbox.ErrDuplicate) }
func itoa(i int64) string        { return strconv.FormatInt(i, 10) }

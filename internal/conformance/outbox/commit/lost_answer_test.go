package commit_test

import (
	"net"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/wirefault"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// broken is a client whose calls meet the faults, in order.
func broken(db *engine.Engine, operation string, faults []wirefault.Fault, optFns ...func(*dynamodb.Options)) (*dynamodb.Client, *wirefault.Transport) {
	wire := wirefault.NewTransport(nil, wirefault.Calls(operation, faults...))
	return client(db, append([]func(*dynamodb.Options){func(o *dynamodb.Options) { o.HTTPClient = wire.Client() }}, optFns...)...), wire
}

// The transaction commits and its answer is lost: whoever sends it again, under
// the same token or when that is forgotten, is told of success, and it is there
// once.
func TestCommitWhoseAnswerIsLost(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		wd := newWorld(t, db)
		ddb, wire := broken(db, wirefault.TransactWriteItems, []wirefault.Fault{wirefault.LostAnswer()})
		ev := newEvent(t, "User.Created", map[string]string{"userId": "u1"})
		in := wd.transaction(t, wd.signup("u1"), ev)
		once := func() {
			t.Helper()
			require.Len(t, wd.users.Items(t, db), 1)
			require.Len(t, wd.store.Items(t, db), 1)
		}

		_, err := ddb.TransactWriteItems(t.Context(), in)
		e := refused[*net.OpError](t, wd.w.Explain(in, err))
		require.Equal(t, outbox.Unknown, e.Outcome)
		require.True(t, e.Retryable)
		once()

		again := wd.transaction(t, wd.signup("u1"), ev)
		again.ClientRequestToken = in.ClientRequestToken
		_, err = ddb.TransactWriteItems(t.Context(), again)
		require.NoError(t, err, "the same token: the engine remembers, and it is the same built anew")
		require.NoError(t, wd.w.Explain(in, err))
		once()

		in.ClientRequestToken = nil // as ten minutes later
		_, err = ddb.TransactWriteItems(t.Context(), in)
		var sdk cancelled
		require.ErrorAs(t, err, &sdk, "no token: the engine sees another transaction")
		require.NoError(t, wd.w.Explain(in, err))
		once()
		require.Equal(t, 3, wire.Count(wirefault.TransactWriteItems))

		require.NoError(t, outbox.Commit(t.Context(), ddb, wd.transaction(t, wd.signup("u1"), ev), wd.w), "in another process")
		once()
	})
}

// outbox.Commit, left alone with one fault after the other.
func TestCommitWithFaults(t *testing.T) {
	cases := map[string][]wirefault.Fault{
		"answer lost":                      {wirefault.LostAnswer()},
		"request lost":                     {wirefault.LostRequest()},
		"both, twice":                      {wirefault.LostRequest(), wirefault.LostAnswer(), wirefault.LostAnswer(), wirefault.LostRequest()},
		"HTTP 500":                         {wirefault.InternalFailure()},
		"answer lost, then HTTP 500":       {wirefault.LostAnswer(), wirefault.InternalFailure()},
		"throttled":                        {wirefault.Throttled()},
		"answer lost, then throttled":      {wirefault.LostAnswer(), wirefault.Throttled()},
		"HTTP 503 of a proxy, empty":       {{Status: 503}},
		"in progress":                      {{Status: 400, Code: "TransactionInProgressException"}},
		"answer lost, then in progress":    {wirefault.LostAnswer(), {Status: 400, Code: "TransactionInProgressException"}},
		"conflict, as a request may be":    {{Status: 400, Code: "TransactionConflictException"}},
		"conflict with another region":     {{Status: 400, Code: "ReplicatedWriteConflictException"}},
		"answer lost, then another region": {wirefault.LostAnswer(), {Status: 400, Code: "ReplicatedWriteConflictException"}},
	}
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		wd := newWorld(t, db)
		for name, faults := range cases {
			t.Run(name, func(t *testing.T) {
				users, events := len(wd.users.Items(t, db)), len(wd.store.Items(t, db))
				ddb, wire := broken(db, wirefault.TransactWriteItems, faults)
				ev := newEvent(t, "User.Created", 1)
				require.NoError(t, outbox.Commit(t.Context(), ddb, wd.transaction(t, wd.signup(ev.Headers.EventID), ev), wd.w))
				require.Equal(t, len(faults)+1, wire.Count(wirefault.TransactWriteItems))
				require.Len(t, wd.users.Items(t, db), users+1)
				require.Len(t, wd.store.Items(t, db), events+1)
			})
		}
	})
}

// A call that is refused as a whole says nothing of the call before.
func TestCommitRemembersItsDoubt(t *testing.T) {
	cases := map[string]struct {
		faults  []wirefault.Fault
		taken   bool // the user exists, so the engine refuses the transaction itself
		outcome outbox.Outcome
	}{
		"denied":                          {[]wirefault.Fault{wirefault.Denied()}, false, outbox.NotCommitted},
		"answer lost, then denied":        {[]wirefault.Fault{wirefault.LostAnswer(), wirefault.Denied()}, false, outbox.Unknown},
		"request lost, then user exists":  {[]wirefault.Fault{wirefault.LostRequest(), wirefault.None()}, true, outbox.NotCommitted},
		"throttled, then the user exists": {[]wirefault.Fault{wirefault.Throttled(), wirefault.None()}, true, outbox.NotCommitted},
	}
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		wd := newWorld(t, db)
		require.NoError(t, wd.send(t, wd.transaction(t, wd.signup("taken"), newEvent(t, "User.Created", 1))))
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				ddb, wire := broken(db, wirefault.TransactWriteItems, c.faults)
				ev := newEvent(t, "User.Created", 1)
				id := ev.Headers.EventID
				if c.taken {
					id = "taken"
				}
				err := outbox.Commit(t.Context(), ddb, wd.transaction(t, wd.signup(id), ev), wd.w)
				var e *outbox.CommitError
				require.ErrorAs(t, err, &e)
				require.Equal(t, c.outcome, e.Outcome)
				require.Equal(t, len(c.faults), wire.Count(wirefault.TransactWriteItems))
			})
		}
	})
}

// A put has no token: the SDK's second attempt meets the event of the first.
func TestPutWhoseAnswerIsLost(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		wd := newWorld(t, db)
		ddb, wire := broken(db, "PutItem", []wirefault.Fault{wirefault.LostAnswer()}, func(o *dynamodb.Options) {
			o.Retryer = retry.NewStandard()
		})
		put, err := wd.w.PutItem(newEvent(t, "User.Created", 1))
		require.NoError(t, err)
		_, err = ddb.PutItem(t.Context(), put)
		var sdk *types.ConditionalCheckFailedException
		require.ErrorAs(t, err, &sdk)
		require.NoError(t, wd.w.ExplainPut(put, err))
		require.Equal(t, 2, wire.Count("PutItem"))
		require.Len(t, wd.store.Items(t, db), 1)
	})
}

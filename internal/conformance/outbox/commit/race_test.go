package commit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
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

const (
	racers   = 32
	accounts = 3
	deposits = 3 // of each racer
)

// conflicts answers one transaction in five as DynamoDB does when another one is
// under way on the item of its first action. Neither engine ever does: they work
// on one transaction after the other.
type conflicts struct {
	next        http.RoundTripper
	seen, given atomic.Int64
}

func (c *conflicts) RoundTrip(req *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(req.Header.Get("X-Amz-Target"), ".TransactWriteItems") || c.seen.Add(1)%5 != 0 {
		return c.next.RoundTrip(req)
	}
	c.given.Add(1)
	defer req.Body.Close()
	const body = `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"Transaction cancelled",` +
		`"CancellationReasons":[{"Code":"TransactionConflict","Message":"injected"},{"Code":"None"}]}`
	return &http.Response{
		StatusCode: http.StatusBadRequest, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body:   io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}, nil
}

// deposited is the payload of a racer's event.
type deposited struct {
	Account string `json:"account"`
	Version int64  `json:"version"`
	Racer   int    `json:"racer"`
}

// racer deposits into accounts that all racers share, by the optimistic way: it
// reads an account's version and asks for it in the transaction.
type racer struct {
	*world
	ddb  *dynamodb.Client // its wire loses answers
	n    int
	lost *atomic.Int64 // races for a version
}

// deposit makes one deposit and returns the event that was committed.
func (r *racer) deposit(ctx context.Context, account string) (envelope.CustomEvent, error) {
	for {
		version, err := r.version(ctx, account)
		if err != nil {
			return envelope.CustomEvent{}, err
		}
		ev, err := envelope.New(ctx, "Account.Deposited", deposited{account, version + 1, r.n}, func(h *envelope.Headers) {
			h.AggregateID, h.Sequence = account, version+1
		})
		if err != nil {
			return envelope.CustomEvent{}, err
		}
		in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Update: &types.Update{
			TableName: &r.users.Name, Key: item{"pk": s(account)},
			UpdateExpression:          aws.String("SET version = :next ADD balance :one, " + fmt.Sprintf("racer%d :one", r.n)),
			ConditionExpression:       aws.String("version = :read"),
			ExpressionAttributeValues: item{":read": number(version), ":next": number(version + 1), ":one": n("1")},
		}}}}
		if err := r.w.Append(in, ev); err != nil {
			return envelope.CustomEvent{}, err
		}
		err = commit(ctx, r.ddb, r.w, in)
		var refused *outbox.CommitError
		switch {
		case err == nil:
			return ev, nil
		case errors.As(err, &refused) && refused.Outcome == outbox.NotCommitted && len(refused.Reasons) > 0:
			r.lost.Add(1) // another was faster: read again, and it is another event
		default:
			return envelope.CustomEvent{}, err
		}
	}
}

func (r *racer) version(ctx context.Context, account string) (int64, error) {
	out, err := r.ddb.GetItem(ctx, &dynamodb.GetItemInput{TableName: &r.users.Name, Key: item{"pk": s(account)}, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(out.Item["version"].(*types.AttributeValueMemberN).Value, 10, 64)
}

func number(i int64) types.AttributeValue { return n(strconv.FormatInt(i, 10)) }

func TestRace(t *testing.T) {
	layouts := map[string]envelope.Layout{"default layout": {}, "aggregate layout": envelope.AggregateLayout()}
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		for name, layout := range layouts {
			t.Run(name, func(t *testing.T) {
				wd := newWorld(t, db, func(o *outbox.Options) { o.Layout = layout })
				race(t, wd)
			})
		}
	})
}

func race(t *testing.T, wd *world) {
	for i := range accounts {
		_, err := wd.ddb.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &wd.users.Name, Item: item{
			"pk": s(accountName(i)), "version": n("0"), "balance": n("0"),
		}})
		require.NoError(t, err)
	}
	// One answer in seven is lost after the commit, one request in eleven before,
	// and one transaction in five meets a conflict.
	wire := wirefault.NewTransport(nil, wirefault.On(wirefault.TransactWriteItems, func(c wirefault.Call) wirefault.Fault {
		switch {
		case c.N%7 == 0:
			return wirefault.LostAnswer()
		case c.N%11 == 0:
			return wirefault.LostRequest()
		}
		return wirefault.None()
	}))
	conflicting := &conflicts{next: wire}
	ddb := client(wd.db, func(o *dynamodb.Options) { o.HTTPClient = &http.Client{Transport: conflicting} })

	var lost atomic.Int64
	var mu sync.Mutex // guards reported
	var reported []envelope.CustomEvent
	var racing sync.WaitGroup
	for i := range racers {
		racing.Go(func() {
			r := &racer{world: wd, ddb: ddb, n: i, lost: &lost}
			for k := range deposits {
				ev, err := r.deposit(t.Context(), accountName((i+k)%accounts))
				if err != nil {
					t.Errorf("racer %d: %v", i, err)
					return
				}
				mu.Lock()
				reported = append(reported, ev)
				mu.Unlock()
			}
		})
	}
	racing.Wait()
	t.Logf("%d transactions sent for %d commits: %d conflicts, %d races for a version lost",
		conflicting.seen.Load(), len(reported), conflicting.given.Load(), lost.Load())
	require.Len(t, reported, racers*deposits)
	require.NotZero(t, lost.Load(), "nobody raced")

	// what was reported, what the accounts say and what events there are: the same
	committed := eventsOf(t, wd)
	require.Len(t, committed, racers*deposits)
	byID := map[string]deposited{}
	for _, ev := range reported {
		payload, err := envelope.Payload[deposited](ev)
		require.NoError(t, err)
		byID[ev.Headers.EventID] = payload
	}
	require.Len(t, byID, racers*deposits, "eventIds are unique")
	require.Equal(t, byID, committed)

	versions := map[deposited]bool{}
	for _, d := range committed {
		versions[deposited{Account: d.Account, Version: d.Version}] = true
	}
	require.Len(t, versions, racers*deposits, "each version of an account has one event")
	for _, account := range wd.users.Items(t, wd.db) {
		name := account["pk"].(*types.AttributeValueMemberS).Value
		of := map[string]types.AttributeValue{"pk": account["pk"]}
		perRacer := map[int]int64{}
		var last int64
		for _, d := range committed {
			if d.Account == name {
				perRacer[d.Racer]++
				last++
				require.True(t, versions[deposited{Account: name, Version: last}], "version %d of %s has an event", last, name)
			}
		}
		of["version"], of["balance"] = number(last), number(last)
		for i, count := range perRacer {
			of[fmt.Sprintf("racer%d", i)] = number(count)
		}
		require.Equal(t, of, account, "every change has its event, and no other was made")
	}
}

func accountName(i int) string { return fmt.Sprintf("account-%d", i) }

// eventsOf reads the event store: eventId to payload.
func eventsOf(t *testing.T, wd *world) map[string]deposited {
	t.Helper()
	events := map[string]deposited{}
	for _, it := range wd.store.Items(t, wd.db) {
		event := it["event"].(*types.AttributeValueMemberM).Value
		headers := event["headers"].(*types.AttributeValueMemberM).Value
		payload := event["payload"].(*types.AttributeValueMemberM).Value
		id := headers["eventId"].(*types.AttributeValueMemberS).Value
		require.NotContains(t, events, id)
		version, err := strconv.ParseInt(payload["version"].(*types.AttributeValueMemberN).Value, 10, 64)
		require.NoError(t, err)
		by, err := strconv.Atoi(payload["racer"].(*types.AttributeValueMemberN).Value)
		require.NoError(t, err)
		events[id] = deposited{Account: payload["account"].(*types.AttributeValueMemberS).Value, Version: version, Racer: by}
		require.Equal(t, number(version), headers["sequence"])
	}
	return events
}

package wirefault_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/wirefault"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

// entries are for the events e0, e1, …
func entries(bus string, n int) *eventbridge.PutEventsInput {
	in := &eventbridge.PutEventsInput{}
	for i := range n {
		in.Entries = append(in.Entries, types.PutEventsRequestEntry{
			EventBusName: &bus, Source: aws.String("users"), DetailType: aws.String("User.Created"),
			Detail: aws.String(fmt.Sprintf(`{"headers":{"eventId":"e%d"},"payload":{"html":"<&>"}}`, i)),
		})
	}
	return in
}

// results writes each result as the first letter of what it is: Ok, a code, or a
// dot for neither.
func results(out *eventbridge.PutEventsOutput) string {
	var b strings.Builder
	for _, r := range out.Entries {
		switch {
		case r.ErrorCode != nil:
			b.WriteString((*r.ErrorCode)[:1])
		case r.EventId != nil:
			b.WriteByte('o')
		default:
			b.WriteByte('.')
		}
	}
	return b.String()
}

// wires runs the test over both kinds of wire, with an SDK client that does not
// retry.
func wires(t *testing.T, test func(t *testing.T, moto *engine.Engine, wire func(wirefault.Script) (*eventbridge.Client, *wirefault.Ledger))) {
	moto := enginetest.Moto(t)
	t.Run("transport", func(t *testing.T) {
		t.Parallel()
		test(t, moto, func(s wirefault.Script) (*eventbridge.Client, *wirefault.Ledger) {
			tr := wirefault.NewTransport(nil, s)
			return moto.EventBridge(func(o *eventbridge.Options) { o.HTTPClient, o.Retryer = tr.Client(), aws.NopRetryer{} }), &tr.Ledger
		})
	})
	t.Run("proxy", func(t *testing.T) {
		t.Parallel()
		test(t, moto, func(s wirefault.Script) (*eventbridge.Client, *wirefault.Ledger) {
			p, err := wirefault.NewProxy(moto.URL, s, nil)
			require.NoError(t, err)
			t.Cleanup(p.Close)
			return moto.EventBridge(func(o *eventbridge.Options) { o.BaseEndpoint, o.Retryer = &p.URL, aws.NopRetryer{} }), &p.Ledger
		})
	})
}

func TestFaultsOfEntries(t *testing.T) {
	wires(t, func(t *testing.T, moto *engine.Engine, wire func(wirefault.Script) (*eventbridge.Client, *wirefault.Ledger)) {
		for _, tt := range []struct {
			name   string
			fault  wirefault.Fault
			n      int
			want   string // results
			failed int32
			queued []string
		}{
			{"none", wirefault.None(), 3, "ooo", 0, []string{"e0", "e1", "e2"}},
			{"first, middle and last", wirefault.FailEntries("InternalFailure", 0, 4, 9), 10, "IoooIooooI", 3, []string{"e1", "e2", "e3", "e5", "e6", "e7", "e8"}},
			{"all", wirefault.FailEntries("ThrottlingException", 0, 1), 2, "TT", 2, nil},
			{"beyond the call", wirefault.FailEntries("InternalFailure", 7), 1, "o", 0, []string{"e0"}},
			{"neither id nor code", wirefault.BlankEntries(1), 3, "o.o", 0, []string{"e0", "e2"}},
			{"too few results", wirefault.Fault{Results: -2}, 3, "o", 0, []string{"e0", "e1", "e2"}},
			{"too many results", wirefault.Fault{Results: 1}, 2, "ooo", 0, []string{"e0", "e1"}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				bus := enginetest.NewBus(t, moto)
				client, ledger := wire(wirefault.Calls(wirefault.PutEvents, tt.fault))
				out, err := client.PutEvents(t.Context(), entries(bus.Name, tt.n))
				require.NoError(t, err)
				require.Equal(t, tt.want, results(out))
				require.Equal(t, tt.failed, out.FailedEntryCount)
				require.ElementsMatch(t, tt.queued, enginetest.EventIDs(t, bus.Queue.Drain(t)), "what the real server delivered")
				var inLedger []string
				for _, a := range ledger.Accepted() {
					require.Equal(t, fmt.Sprintf("e%d", a.Index), a.EventID)
					require.Equal(t, bus.Name, a.Bus)
					require.NotEmpty(t, a.ServerID)
					inLedger = append(inLedger, a.EventID)
				}
				require.Equal(t, tt.queued, inLedger, "ledger")
			})
		}
	})
}

func TestServersOwnRefusalsKeepTheirIndex(t *testing.T) {
	wires(t, func(t *testing.T, moto *engine.Engine, wire func(wirefault.Script) (*eventbridge.Client, *wirefault.Ledger)) {
		bus := enginetest.NewBus(t, moto)
		in := entries(bus.Name, 4)
		in.Entries[2].Detail = aws.String("no JSON")
		client, ledger := wire(wirefault.Calls(wirefault.PutEvents, wirefault.FailEntries("ThrottlingException", 0)))
		out, err := client.PutEvents(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, "ToMo", results(out))
		require.EqualValues(t, 2, out.FailedEntryCount)
		require.Equal(t, map[string]int{"e1": 1, "e3": 1}, ledger.EventIDs())
	})
}

func TestFaultsOfCalls(t *testing.T) {
	wires(t, func(t *testing.T, moto *engine.Engine, wire func(wirefault.Script) (*eventbridge.Client, *wirefault.Ledger)) {
		for _, tt := range []struct {
			name   string
			fault  wirefault.Fault
			code   string // of the API error, "" for none
			status int    // of the HTTP answer, 0 for none
			queued int
		}{
			{"500", wirefault.InternalFailure(), "InternalFailure", 500, 0},
			{"413 with an empty body", wirefault.TooLarge(), "", 413, 0},
			{"validation", wirefault.Invalid("too many"), "ValidationException", 400, 0},
			{"throttled", wirefault.Throttled(), "ThrottlingException", 400, 0},
			{"denied", wirefault.Denied(), "AccessDeniedException", 400, 0},
			{"request lost", wirefault.LostRequest(), "", 0, 0},
			{"answer lost", wirefault.LostAnswer(), "", 0, 2},
		} {
			t.Run(tt.name, func(t *testing.T) {
				bus := enginetest.NewBus(t, moto)
				client, ledger := wire(wirefault.Calls(wirefault.PutEvents, tt.fault))
				_, err := client.PutEvents(t.Context(), entries(bus.Name, 2))
				require.Error(t, err)
				if tt.code != "" {
					var api smithy.APIError
					require.ErrorAs(t, err, &api)
					require.Equal(t, tt.code, api.ErrorCode())
				}
				require.Equal(t, tt.status, status(err))
				require.Len(t, bus.Queue.Drain(t), tt.queued)
				require.Len(t, ledger.Accepted(), tt.queued)
				require.Equal(t, tt.queued > 0, ledger.Requests()[0].Forwarded)

				// The fault was for the first call.
				out, err := client.PutEvents(t.Context(), entries(bus.Name, 1))
				require.NoError(t, err)
				require.Equal(t, "o", results(out))
				require.Equal(t, 2, ledger.Count(wirefault.PutEvents))
			})
		}
	})
}

// status is the HTTP status in an SDK error, 0 if there was no answer.
func status(err error) int {
	var answer interface{ HTTPStatusCode() int }
	if errors.As(err, &answer) {
		return answer.HTTPStatusCode()
	}
	return 0
}

func TestSDKRetriesTheConnection(t *testing.T) {
	moto := enginetest.Moto(t)
	bus := enginetest.NewBus(t, moto)
	tr := wirefault.NewTransport(nil, wirefault.Calls(wirefault.PutEvents, wirefault.LostRequest(), wirefault.LostAnswer()))
	client := moto.EventBridge(func(o *eventbridge.Options) { o.HTTPClient = tr.Client() })
	_, err := client.PutEvents(t.Context(), entries(bus.Name, 1))
	require.NoError(t, err)
	require.Equal(t, 3, tr.Count(wirefault.PutEvents), "the SDK takes both faults for those of a connection")
	require.Equal(t, map[string]int{"e0": 2}, tr.EventIDs(), "a lost answer makes a duplicate with the same eventId")
}

func TestPoisonFollowsTheEvent(t *testing.T) {
	moto := enginetest.Moto(t)
	bus := enginetest.NewBus(t, moto)
	tr := wirefault.NewTransport(nil, wirefault.Poison("MalformedDetail", "e1"))
	client := moto.EventBridge(func(o *eventbridge.Options) { o.HTTPClient = tr.Client() })
	for _, n := range []int{2, 3} {
		out, err := client.PutEvents(t.Context(), entries(bus.Name, n))
		require.NoError(t, err)
		require.Equal(t, "oMo"[:n], results(out))
	}
	require.Equal(t, [][]string{{"e0", "e1"}, {"e0", "e1", "e2"}}, [][]string{tr.Requests()[0].Call.EventIDs, tr.Requests()[1].Call.EventIDs})
}

func TestDynamoDBAnswerLost(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		table := enginetest.BusinessTable(t, db)
		tr := wirefault.NewTransport(nil, wirefault.Calls(wirefault.TransactWriteItems, wirefault.LostRequest(), wirefault.LostAnswer(), wirefault.InternalFailure()))
		client := db.DynamoDB(func(o *dynamodb.Options) { o.HTTPClient, o.Retryer = tr.Client(), aws.NopRetryer{} })
		in := &dynamodb.TransactWriteItemsInput{TransactItems: []ddbtypes.TransactWriteItem{{Put: &ddbtypes.Put{
			TableName: &table.Name, Item: map[string]ddbtypes.AttributeValue{"pk": &ddbtypes.AttributeValueMemberS{Value: "u1"}},
		}}}}
		for i, items := range []int{0, 1, 1} {
			_, err := client.TransactWriteItems(t.Context(), in)
			require.Error(t, err)
			require.Len(t, table.Items(t, db), items, "after call %d", i+1)
		}
		_, err := client.TransactWriteItems(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, 4, tr.Count(wirefault.TransactWriteItems))
		require.Equal(t, []bool{false, true, false, true}, []bool{
			tr.Requests()[0].Forwarded, tr.Requests()[1].Forwarded, tr.Requests()[2].Forwarded, tr.Requests()[3].Forwarded,
		})
	})
}

func TestDelayEndsWithTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := wirefault.NewTransport(nil, wirefault.Always(wirefault.PutEvents, wirefault.Slow(time.Hour)))
		client := eventbridge.NewFromConfig((&engine.Engine{URL: "http://127.0.0.1:1"}).Config(), func(o *eventbridge.Options) {
			o.HTTPClient, o.Retryer = tr.Client(), aws.NopRetryer{}
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := client.PutEvents(ctx, entries("b", 1))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))
		require.False(t, tr.Requests()[0].Forwarded)
	})
}

func TestScripts(t *testing.T) {
	c := func(operation string, n int) wirefault.Call { return wirefault.Call{Operation: operation, N: n} }
	s := wirefault.Calls("A", wirefault.None(), wirefault.TooLarge())
	require.Zero(t, s(c("A", 1)).Status)
	require.Equal(t, http.StatusRequestEntityTooLarge, s(c("A", 2)).Status)
	require.Zero(t, s(c("A", 3)).Status)
	require.Zero(t, s(c("B", 2)).Status)
	require.Equal(t, wirefault.DropAfter, wirefault.Always("B", wirefault.LostAnswer())(c("B", 9)).Drop)
}

func TestNewProxyRefuses(t *testing.T) {
	for _, target := range []string{"", "127.0.0.1", "http://"} {
		_, err := wirefault.NewProxy(target, nil, nil)
		require.ErrorContains(t, err, "no URL of a server", target)
	}
}

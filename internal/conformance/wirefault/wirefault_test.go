package wirefault_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
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

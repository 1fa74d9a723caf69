// Package busrules judges buses by the rules of PutEvents that AWS documents: the
// engines, and the Bus of package relaytest, which must do what it says.
package busrules

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

type entry = types.PutEventsRequestEntry

// of is an entry that no rule refuses, but for what the functions change.
func of(fns ...func(*entry)) entry {
	e := entry{Source: aws.String("orders"), DetailType: aws.String("Order.Placed"), Detail: aws.String(`{"headers":{"eventId":"event-1"}}`)}
	for _, fn := range fns {
		fn(&e)
	}
	return e
}

func detail(text string) func(*entry)     { return func(e *entry) { e.Detail = &text } }
func source(text string) func(*entry)     { return func(e *entry) { e.Source = &text } }
func detailType(text string) func(*entry) { return func(e *entry) { e.DetailType = &text } }

// sized is an entry of that size, without a time.
func sized(bytes int) entry {
	return of(detail(`{"` + strings.Repeat("x", bytes-len("orders")-len("Order.Placed")-len(`{"":1}`)) + `":1}`))
}

func times(n int, e entry) []entry {
	out := make([]entry, n)
	for i := range out {
		out[i] = e
	}
	return out
}

// what a bus does with a call: the error code of the call, or of each entry with
// "ok" for one that is accepted.
func what(t *testing.T, c relay.PutEventsAPIClient, entries []entry) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	out, err := c.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entries})
	if err != nil {
		var api smithy.APIError
		require.True(t, errors.As(err, &api), "%v", err)
		return "call: " + api.ErrorCode()
	}
	require.Len(t, out.Entries, len(entries))
	var codes []string
	failed := 0
	for _, r := range out.Entries {
		code := aws.ToString(r.ErrorCode)
		require.Equal(t, code == "", aws.ToString(r.EventId) != "", "an id or a code")
		if code == "" {
			code = "ok"
		} else {
			failed++
		}
		codes = append(codes, code)
	}
	require.EqualValues(t, failed, out.FailedEntryCount)
	return strings.Join(codes, " ")
}

var rules = []struct {
	name    string
	entries []entry
	want    string
	others  map[engine.Name]string // what an engine does instead, in the version that is installed
}{
	{"one entry", times(1, of()), "ok", nil},
	{"10 entries", times(10, of()), strings.TrimSpace(strings.Repeat("ok ", 10)), nil},
	{"11 entries", times(11, of()), "call: ValidationException", nil},
	{"1,000,000 bytes", []entry{sized(500_000), sized(500_000)}, "ok ok", nil},
	{"more than 1 MiB", []entry{sized(600_000), sized(600_000)}, "call: ValidationException",
		map[engine.Name]string{engine.Moto: "ok ok", engine.MiniStack: "ok ok"}},
	{"no source", []entry{of(), of(source("")), of()}, "ok InvalidArgument ok",
		map[engine.Name]string{engine.MiniStack: "ok ok ok"}},
	{"no detail-type", []entry{of(), of(detailType("")), of()}, "ok InvalidArgument ok",
		map[engine.Name]string{engine.MiniStack: "ok ok ok"}},
	{"no detail", []entry{of(), of(detail("")), of()}, "ok InvalidArgument ok",
		map[engine.Name]string{engine.MiniStack: "ok ok ok"}},
	{"a detail that is no object", []entry{of(), of(detail("[]")), of()}, "ok MalformedDetail ok",
		map[engine.Name]string{engine.Moto: "ok ok ok", engine.MiniStack: "ok ok ok"}},
	{"a detail that is no JSON", []entry{of(), of(detail("{")), of()}, "ok MalformedDetail ok",
		map[engine.Name]string{engine.MiniStack: "ok ok ok"}},
	{"a detail-type of 129 characters", []entry{of(), of(detailType(strings.Repeat("x", 129))), of()}, "ok InvalidArgument ok",
		map[engine.Name]string{engine.Moto: "ok ok ok", engine.MiniStack: "ok ok ok"}},
	{"a source of AWS", []entry{of(), of(source("aws.orders")), of()}, "ok NotAuthorizedForSourceException ok",
		map[engine.Name]string{engine.Moto: "ok ok ok"}},
	{"no entry with all three", []entry{of(source("")), of(detailType(""))}, "call: ValidationException",
		map[engine.Name]string{engine.Moto: "InvalidArgument InvalidArgument", engine.MiniStack: "ok ok"}},
	{"an absent bus", []entry{of(func(e *entry) { e.EventBusName = aws.String("nowhere") })}, "call: ResourceNotFoundException",
		map[engine.Name]string{engine.MiniStack: "ok"}},
}

func TestRules(t *testing.T) {
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			t.Run("relaytest", func(t *testing.T) {
				require.Equal(t, rule.want, what(t, &relaytest.Bus{Buses: []string{"default"}}, rule.entries))
			})
			for _, name := range []engine.Name{engine.Moto, engine.MiniStack} {
				t.Run(string(name), func(t *testing.T) {
					e := enginetest.Start(t, name)
					c := e.EventBridge(func(o *eventbridge.Options) { o.Retryer = retry.AddWithMaxAttempts(retry.NewStandard(), 1) })
					want := rule.want
					if other, ok := rule.others[name]; ok {
						want = other
					}
					require.Equal(t, want, what(t, c, rule.entries))
				})
			}
		})
	}
}

// The relay finds an absent bus before anything is sent to it.
func TestAbsentBusOnMoto(t *testing.T) {
	moto := enginetest.Moto(t)
	h, err := relay.NewHandler(relay.NewEventBridge(moto.EventBridge(), enginetest.Unique(t)), relay.Block)
	require.NoError(t, err)
	ev, err := envelope.New(t.Context(), "Order.Placed", 1, func(h *envelope.Headers) { h.Source = "orders" })
	require.NoError(t, err)
	_, err = h.Invoke(t.Context(), relaytest.StreamEvent(new(relaytest.Stream).Insert(ev)...))
	require.ErrorIs(t, err, relay.ErrNoSuchBus)
}

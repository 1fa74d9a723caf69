package envelope_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

type userCreated struct {
	UserID string `json:"userId"`
	Email  string `json:"email"`
}

const traceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestNewFreezesEverything(t *testing.T) {
	ctx := envelope.WithCorrelationID(t.Context(), "corr")
	ctx = envelope.WithCausationID(ctx, "cause")
	ctx = envelope.WithActor(ctx, "alice")
	ctx = envelope.WithTraceParent(ctx, traceParent)
	before := time.Now().Truncate(time.Millisecond)

	ev, err := envelope.New(ctx, "User.Created", userCreated{"u1", "a@example.com"})
	require.NoError(t, err)

	h := ev.Headers
	id, err := ulid.ParseStrict(h.EventID)
	require.NoError(t, err)
	require.Equal(t, uint64(h.Timestamp.UnixMilli()), id.Time())
	require.False(t, h.Timestamp.Before(before))
	require.Equal(t, time.UTC, h.Timestamp.Location())
	require.Zero(t, h.Timestamp.Nanosecond()%int(time.Millisecond))
	require.Equal(t, "corr", h.CorrelationID)
	require.Equal(t, "cause", h.CausationID)
	require.Equal(t, "alice", h.CreatedBy)
	require.Equal(t, traceParent, h.TraceParent)
	require.JSONEq(t, `{"userId":"u1","email":"a@example.com"}`, string(ev.Payload))
	require.NoError(t, ev.Validate())
	payload, err := envelope.Payload[userCreated](ev)
	require.NoError(t, err)
	require.Equal(t, userCreated{"u1", "a@example.com"}, payload)
}

func TestNewStartsAProcess(t *testing.T) {
	ev, err := envelope.New(t.Context(), "User.Created", nil, nil)
	require.NoError(t, err)
	require.Equal(t, ev.Headers.EventID, ev.Headers.CorrelationID)
	require.Equal(t, "null", string(ev.Payload))
}

func TestNewExplicitHeadersWin(t *testing.T) {
	ctx := envelope.WithCorrelationID(t.Context(), "from context")
	at := time.Date(2026, 2, 3, 4, 5, 6, 7_999_999, time.FixedZone("", 3600))
	ev, err := envelope.New(ctx, "User.Created", 1, func(h *envelope.Headers) {
		h.EventID, h.CorrelationID, h.Timestamp = "my-id", "mine", at
		h.AggregateID, h.Sequence = "user-1", 7
		h.SetExtension("tenantId", "acme")
	})
	require.NoError(t, err)
	require.Equal(t, "my-id", ev.Headers.EventID)
	require.Equal(t, "mine", ev.Headers.CorrelationID)
	require.Equal(t, time.Date(2026, 2, 3, 3, 5, 6, 7_000_000, time.UTC), ev.Headers.Timestamp)
	tenant, ok := envelope.Extension[string](ev.Headers, "tenantId")
	require.True(t, ok)
	require.Equal(t, "acme", tenant)
	_, ok = envelope.Extension[int](ev.Headers, "tenantId")
	require.False(t, ok)
}

func TestNewRefuses(t *testing.T) {
	set := func(fn func(*envelope.Headers)) func(*envelope.Headers) { return fn }
	cases := map[string]struct {
		name  string
		set   func(*envelope.Headers)
		field string
	}{
		"no name":                    {"", nil, "headers.eventName"},
		"129 characters of name":     {strings.Repeat("n", 129), nil, "headers.eventName"},
		"65 characters of two units": {strings.Repeat("😀", 65), nil, "headers.eventName"},
		"name not UTF-8":             {"a\xff", nil, "headers.eventName"},
		"no id":                      {"E", set(func(h *envelope.Headers) { h.EventID = "" }), "headers.eventId"},
		"257 characters of source":   {"E", set(func(h *envelope.Headers) { h.Source = strings.Repeat("s", 257) }), "headers.source"},
		"source of AWS":              {"E", set(func(h *envelope.Headers) { h.Source = "aws.ec2" }), "headers.source"},
		"zero time":                  {"E", set(func(h *envelope.Headers) { h.Timestamp = time.Time{} }), "headers.timestamp"},
		"seconds as milliseconds":    {"E", set(func(h *envelope.Headers) { h.Timestamp = time.UnixMilli(1_700_000_000) }), "headers.timestamp"},
		"year 2100":                  {"E", set(func(h *envelope.Headers) { h.Timestamp = envelope.MaxTimestamp }), "headers.timestamp"},
		"before 2000":                {"E", set(func(h *envelope.Headers) { h.Timestamp = envelope.MinTimestamp.Add(-1) }), "headers.timestamp"},
		"aggregate alone":            {"E", set(func(h *envelope.Headers) { h.AggregateID = "a" }), "headers.sequence"},
		"sequence alone":             {"E", set(func(h *envelope.Headers) { h.Sequence = 1 }), "headers.aggregateId"},
		"negative sequence":          {"E", set(func(h *envelope.Headers) { h.AggregateID, h.Sequence = "a", -1 }), "headers.sequence"},
		"traceparent":                {"E", set(func(h *envelope.Headers) { h.TraceParent = "00-x" }), "headers.traceparent"},
		"extension of ours":          {"E", set(func(h *envelope.Headers) { h.SetExtension("eventId", "x") }), "headers.eventId"},
		"extension without name":     {"E", set(func(h *envelope.Headers) { h.SetExtension("", "x") }), `headers[""]`},
		"extension not marshalable":  {"E", set(func(h *envelope.Headers) { h.SetExtension("fn", func() {}) }), "headers.fn"},
		"extension not JSON": {"E", set(func(h *envelope.Headers) {
			h.Extensions = map[string]json.RawMessage{"b": json.RawMessage("{"), "a": json.RawMessage("tru")}
		}), "headers.a"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var opts []func(*envelope.Headers)
			if c.set != nil {
				opts = append(opts, c.set)
			}
			_, err := envelope.New(t.Context(), c.name, nil, opts...)
			var field *envelope.FieldError
			require.ErrorAs(t, err, &field)
			require.Equal(t, c.field, field.Field)
			require.NotEmpty(t, field.Problem)
		})
	}
}

func TestNewAcceptsAtTheLimit(t *testing.T) {
	_, err := envelope.New(t.Context(), strings.Repeat("n", envelope.MaxEventName), nil, func(h *envelope.Headers) {
		h.Source = strings.Repeat("s", 256)
		h.Timestamp = envelope.MinTimestamp
	})
	require.NoError(t, err)
	_, err = envelope.New(t.Context(), strings.Repeat("😀", 64), nil, func(h *envelope.Headers) {
		h.Timestamp = envelope.MaxTimestamp.Add(-time.Millisecond)
	})
	require.NoError(t, err)
}

func TestNewPayloadThatDoesNotMarshal(t *testing.T) {
	_, err := envelope.New(t.Context(), "E", make(chan int))
	var unsupported *json.UnsupportedTypeError
	require.ErrorAs(t, err, &unsupported)
	require.Contains(t, err.Error(), `event "E"`)
}

func TestValidateAsksForAPayload(t *testing.T) {
	ev, err := envelope.New(t.Context(), "E", nil)
	require.NoError(t, err)
	for _, payload := range []string{"", "{", "nul"} {
		ev.Payload = json.RawMessage(payload)
		var field *envelope.FieldError
		require.ErrorAs(t, ev.Validate(), &field)
		require.Equal(t, "payload", field.Field)
		require.Equal(t, ev.Headers.EventID, field.EventID)
	}
}

func TestParseTraceParent(t *testing.T) {
	got, ok := envelope.ParseTraceParent(traceParent)
	require.True(t, ok)
	require.Equal(t, envelope.TraceContext{
		Version: "00", TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", ParentID: "00f067aa0ba902b7", Flags: "01",
	}, got)
	require.True(t, got.Sampled())

	later, ok := envelope.ParseTraceParent("01" + traceParent[2:53] + "f2-more")
	require.True(t, ok)
	require.Equal(t, "f2", later.Flags)
	require.False(t, later.Sampled())

	none, ok := envelope.ParseTraceParent("00-x")
	require.False(t, ok)
	require.Equal(t, envelope.TraceContext{}, none)
	require.False(t, none.Sampled())
}

func TestTraceParent(t *testing.T) {
	cases := map[string]bool{
		traceParent: true,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00":     true,
		"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-new": true,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-new": false,
		"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01":     false,
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01":     false,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01":     false,
		"00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01":     false,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0":      false,
		"00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01":     false,
	}
	for value, want := range cases {
		_, err := envelope.New(envelope.WithTraceParent(t.Context(), value), "E", nil)
		require.Equal(t, want, err == nil, value)
	}
}

func TestContinue(t *testing.T) {
	cause, err := envelope.New(envelope.WithActor(envelope.WithTraceParent(t.Context(), traceParent), "alice"), "User.Created", nil)
	require.NoError(t, err)

	// what the consumer's own context carried before is not mixed in
	ctx := envelope.WithActor(envelope.WithCausationID(context.Background(), "older"), "someone else")
	effect, err := envelope.New(envelope.Continue(ctx, cause), "Email.Sent", nil)
	require.NoError(t, err)
	require.Equal(t, cause.Headers.EventID, effect.Headers.CausationID)
	require.Equal(t, cause.Headers.CorrelationID, effect.Headers.CorrelationID)
	require.Equal(t, "alice", effect.Headers.CreatedBy)
	require.Equal(t, traceParent, effect.Headers.TraceParent)
	require.NotEqual(t, cause.Headers.EventID, effect.Headers.EventID)
}

func TestContinueForeignEvent(t *testing.T) {
	ctx := envelope.Continue(t.Context(), envelope.CustomEvent{Headers: envelope.Headers{
		EventID: "e1", Source: "userService", CreatedBy: "userService", TraceParent: "broken",
	}})
	require.Equal(t, "e1", envelope.CorrelationID(ctx))
	require.Equal(t, "e1", envelope.CausationID(ctx))
	require.Empty(t, envelope.Actor(ctx), "the producing service does not act in the consumer")
	require.Empty(t, envelope.TraceParent(ctx))
}

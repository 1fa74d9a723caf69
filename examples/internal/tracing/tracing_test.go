package tracing_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/examples/internal/tracing"
)

const traceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestTraceGoesThroughAnEvent(t *testing.T) {
	var out bytes.Buffer
	provider, err := tracing.NewProvider("userService", "console", &out)
	require.NoError(t, err)

	ctx, span := provider.Tracer("test").Start(tracing.Continue(t.Context(), traceParent), "POST /users")
	ev, err := envelope.New(tracing.Stamp(ctx), "User.Created", nil)
	require.NoError(t, err)
	span.End()

	require.Equal(t, "00-0af7651916cd43dd8448eb211c80319c-"+span.SpanContext().SpanID().String()+"-01", ev.Headers.TraceParent)
	require.Equal(t, 1, strings.Count(out.String(), "\n"), "a line, written when the span ends")
	var line struct {
		Name                string
		SpanContext, Parent struct{ TraceID, SpanID string }
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	require.Equal(t, "POST /users", line.Name)
	require.Equal(t, "0af7651916cd43dd8448eb211c80319c", line.SpanContext.TraceID)
	require.Equal(t, "b7ad6b7169203331", line.Parent.SpanID)
}

func TestTracesTravelWithoutAnExporter(t *testing.T) {
	for _, exporter := range []string{"", "none"} {
		var out bytes.Buffer
		provider, err := tracing.NewProvider("userService", exporter, &out)
		require.NoError(t, err)
		ctx, span := provider.Tracer("test").Start(tracing.Continue(t.Context(), "no traceparent"), "POST /users")
		ev, err := envelope.New(tracing.Stamp(ctx), "User.Created", nil)
		require.NoError(t, err)
		span.End()
		require.Contains(t, ev.Headers.TraceParent, span.SpanContext().TraceID().String())
		require.Empty(t, out.String())
	}
}

func TestUnknownExporter(t *testing.T) {
	_, err := tracing.NewProvider("userService", "otlp", nil)
	require.EqualError(t, err, `tracing: OTEL_TRACES_EXPORTER is "otlp"; this example knows console and none`)
}

func TestNoSpanNoTraceParent(t *testing.T) {
	ev, err := envelope.New(tracing.Stamp(t.Context()), "User.Created", nil)
	require.NoError(t, err)
	require.Empty(t, ev.Headers.TraceParent)
}

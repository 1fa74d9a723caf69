package userservice

import (
	"context"

	"go.opentelemetry.io/otel/propagation"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

// traceContext reads and writes the W3C traceparent header.
var traceContext propagation.TraceContext

// stamped returns a context whose new events carry the span of ctx as their
// traceparent, so that whoever consumes them goes on with this trace.
func stamped(ctx context.Context) context.Context {
	carrier := propagation.MapCarrier{}
	traceContext.Inject(ctx, carrier)
	return envelope.WithTraceParent(ctx, carrier["traceparent"])
}

// Package tracing carries an OpenTelemetry trace through events: the services
// of the examples put the trace of a request into headers.traceparent, and the
// service that consumes the event goes on with it.
package tracing

import (
	"context"
	"fmt"
	"io"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

// Env names the variable that says where spans go, as OpenTelemetry defines it:
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
const Env = "OTEL_TRACES_EXPORTER"

// NewProvider returns a tracer provider for a service. With the exporter
// "console" each span is written to w, as one line of JSON, when it ends: a
// Lambda function is frozen after its answer, so nothing may be left to a
// goroutine. With "none" or "" nothing is written, and the trace still travels.
func NewProvider(service, exporter string, w io.Writer) (*sdktrace.TracerProvider, error) {
	res := resource.NewSchemaless(attribute.String("service.name", service))
	opts := []sdktrace.TracerProviderOption{sdktrace.WithResource(res)}
	switch exporter {
	case "", "none":
	case "console":
		console, err := stdouttrace.New(stdouttrace.WithWriter(w))
		if err != nil {
			return nil, fmt.Errorf("tracing: %w", err)
		}
		opts = append(opts, sdktrace.WithSyncer(console))
	default:
		return nil, fmt.Errorf("tracing: %s is %q; this example knows console and none", Env, exporter)
	}
	return sdktrace.NewTracerProvider(opts...), nil
}

// Propagator reads and writes the W3C traceparent header.
var Propagator propagation.TextMapPropagator = propagation.TraceContext{}

// Continue returns a context in which spans belong to the trace of a
// traceparent. One that is malformed or empty starts a new trace.
func Continue(ctx context.Context, traceparent string) context.Context {
	return Propagator.Extract(ctx, propagation.MapCarrier{"traceparent": traceparent})
}

// Stamp returns a context whose new events carry the span of ctx as their
// traceparent.
func Stamp(ctx context.Context) context.Context {
	carrier := propagation.MapCarrier{}
	Propagator.Inject(ctx, carrier)
	return envelope.WithTraceParent(ctx, carrier["traceparent"])
}

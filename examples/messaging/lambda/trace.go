package main

import (
	"fmt"
	"io"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// exporterEnv names the variable that says where spans go, as OpenTelemetry
// defines it:
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
const exporterEnv = "OTEL_TRACES_EXPORTER"

// newTracer returns the tracer provider of a service. With the exporter
// "console" each span is written to out, as one line of JSON, when it ends: a
// Lambda function is frozen after its answer, so nothing may be left to a
// goroutine. With "none", or nothing, no span is written, and the trace still
// travels with the events.
func newTracer(service string, out io.Writer) (*sdktrace.TracerProvider, error) {
	opts := []sdktrace.TracerProviderOption{sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", service)))}
	switch exporter := os.Getenv(exporterEnv); exporter {
	case "", "none":
	case "console":
		console, err := stdouttrace.New(stdouttrace.WithWriter(out))
		if err != nil {
			return nil, err
		}
		opts = append(opts, sdktrace.WithSyncer(console))
	default:
		return nil, fmt.Errorf("%s is %q; it can be console or none", exporterEnv, exporter)
	}
	return sdktrace.NewTracerProvider(opts...), nil
}

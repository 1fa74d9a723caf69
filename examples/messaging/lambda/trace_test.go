package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExporters(t *testing.T) {
	for exporter, lines := range map[string]int{"": 0, "none": 0, "console": 1} {
		t.Setenv(exporterEnv, exporter)
		var out bytes.Buffer
		tracer, err := newTracer("service", &out)
		require.NoError(t, err)
		_, span := tracer.Tracer("test").Start(t.Context(), "a span")
		require.True(t, span.SpanContext().IsValid(), "it travels")
		span.End()
		require.Equal(t, lines, strings.Count(out.String(), "\n"), "%q: a line, written when the span ends", exporter)
	}
	t.Setenv(exporterEnv, "otlp")
	_, err := newTracer("service", nil)
	require.EqualError(t, err, `OTEL_TRACES_EXPORTER is "otlp"; it can be console or none`)
}

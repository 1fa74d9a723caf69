package relay

import "github.com/dynamodb-outbox/dynamodb-outbox/envelope"

// xrayHeader returns the X-Ray tracing header of a W3C traceparent, "" if it
// is not one. The trace id is kept and only written differently, as X-Ray and
// the OpenTelemetry propagator do: 32 hexadecimal digits become
// 1-<8 digits>-<24 digits>
// (https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids).
// So the same trace is found under both spellings.
func xrayHeader(traceparent string) string {
	trace, ok := envelope.ParseTraceParent(traceparent)
	if !ok {
		return ""
	}
	sampled := "0"
	if trace.Sampled() {
		sampled = "1"
	}
	return "Root=1-" + trace.TraceID[:8] + "-" + trace.TraceID[8:] + ";Parent=" + trace.ParentID + ";Sampled=" + sampled
}

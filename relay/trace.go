package relay

import "strings"

// xrayHeader returns the X-Ray tracing header of a W3C traceparent, "" if it
// is not one. The trace id is kept and only written differently, as X-Ray and
// the OpenTelemetry propagator do: 32 hexadecimal digits become
// 1-<8 digits>-<24 digits>
// (https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids).
// So the same trace is found under both spellings.
func xrayHeader(traceparent string) string {
	// version "-" trace-id "-" parent-id "-" flags, and in later versions more
	// (https://www.w3.org/TR/trace-context/#traceparent-header)
	const length = 2 + 1 + 32 + 1 + 16 + 1 + 2
	tp := traceparent
	if len(tp) < length || tp[2] != '-' || tp[35] != '-' || tp[52] != '-' {
		return ""
	}
	version, trace, parent, flags := tp[:2], tp[3:35], tp[36:52], tp[53:55]
	if !isHex(version) || !isHex(trace) || !isHex(parent) || !isHex(flags) || version == "ff" ||
		strings.Trim(trace, "0") == "" || strings.Trim(parent, "0") == "" {
		return ""
	}
	if len(tp) > length && (version == "00" || tp[length] != '-') {
		return ""
	}
	sampled := "0"
	if strings.IndexByte("13579bdf", flags[1]) >= 0 {
		sampled = "1"
	}
	return "Root=1-" + trace[:8] + "-" + trace[8:] + ";Parent=" + parent + ";Sampled=" + sampled
}

// isHex reports whether s is lower-case hexadecimal.
func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

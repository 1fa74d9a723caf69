package envelope

import "strings"

// TraceContext is a W3C traceparent in its parts, all of them lower-case
// hexadecimal (https://www.w3.org/TR/trace-context/#traceparent-header).
type TraceContext struct {
	Version  string // 2 digits, not "ff"
	TraceID  string // 32 digits, not all zero
	ParentID string // 16 digits, not all zero: the span that the event was made in
	Flags    string // 2 digits
}

// Sampled reports whether the caller records the trace: the lowest bit of the
// flags.
func (t TraceContext) Sampled() bool {
	return t.Flags != "" && strings.IndexByte("13579bdf", t.Flags[len(t.Flags)-1]) >= 0
}

// ParseTraceParent reads a W3C traceparent, such as that of
// Headers.TraceParent, and reports whether it is well-formed. A version after
// 00 may have more parts than the four that are known; they are left out.
func ParseTraceParent(traceparent string) (TraceContext, bool) {
	const length = len("vv-tttttttttttttttttttttttttttttttt-pppppppppppppppp-ff")
	s := traceparent
	if len(s) < length || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return TraceContext{}, false
	}
	t := TraceContext{Version: s[:2], TraceID: s[3:35], ParentID: s[36:52], Flags: s[53:55]}
	if !isHex(t.Version) || !isHex(t.TraceID) || !isHex(t.ParentID) || !isHex(t.Flags) ||
		t.Version == "ff" || strings.Trim(t.TraceID, "0") == "" || strings.Trim(t.ParentID, "0") == "" {
		return TraceContext{}, false
	}
	if len(s) > length && (t.Version == "00" || s[length] != '-') {
		return TraceContext{}, false
	}
	return t, true
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

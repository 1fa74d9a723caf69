package streamrecord_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// plainInt reads an integer in any form of a number.
func plainInt(s string) (int64, bool) {
	n, ok := plainNumber(s)
	if !ok || len(s) > 50 {
		return 0, false
	}
	if _, exp, found := strings.Cut(strings.ToLower(n), "e"); found {
		if e, err := strconv.Atoi(exp); err != nil || e > 50 || e < -50 {
			return 0, false
		}
	}
	x, ok := new(big.Rat).SetString(n)
	if !ok || !x.IsInt() || !x.Num().IsInt64() {
		return 0, false
	}
	return x.Num().Int64(), true
}

var (
	dynamoNumber = regexp.MustCompile(`^([+-]?)([0-9]*)(\.([0-9]*))?([eE][+-]?[0-9]+)?$`)
	jsonNumber   = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)
)

// plainNumber returns the JSON form of a DynamoDB number.
func plainNumber(s string) (string, bool) {
	if jsonNumber.MatchString(s) {
		return s, true
	}
	m := dynamoNumber.FindStringSubmatch(s)
	if m == nil || m[2]+m[4] == "" {
		return "", false
	}
	out := strings.TrimPrefix(m[1], "+")
	if whole := strings.TrimLeft(m[2], "0"); whole != "" {
		out += whole
	} else {
		out += "0"
	}
	if m[4] != "" {
		out += "." + m[4]
	}
	return out + m[5], true
}

var escapes = regexp.MustCompile(`\\(u[0-9a-fA-F]{4}|.)`)

// loneSurrogate reports whether JSON text has an escaped surrogate without its
// other half.
func loneSurrogate(raw string) bool {
	high, end := false, 0
	for _, at := range escapes.FindAllStringIndex(raw, -1) {
		e := raw[at[0]:at[1]]
		if high && at[0] != end {
			return true
		}
		c := uint64(0)
		if e[1] == 'u' {
			c, _ = strconv.ParseUint(e[2:], 16, 32)
		}
		low := c >= 0xDC00 && c < 0xE000
		if low != high {
			return true
		}
		high, end = c >= 0xD800 && c < 0xDC00, at[1]
	}
	return high
}

// plainString reads a JSON string strictly.
func plainString(raw []byte) (string, bool) {
	if len(raw) == 0 || raw[0] != '"' || !utf8.Valid(raw) || loneSurrogate(string(raw)) {
		return "", false
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}

// plainQuote writes a JSON string with as few escapes as possible.
func plainQuote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		c := s[i]
		if j := strings.IndexByte("\"\\\b\f\n\r\t", c); j >= 0 {
			b.WriteByte('\\')
			b.WriteByte(`"\bfnrt`[j])
		} else if c < 0x20 {
			fmt.Fprintf(&b, `\u%04x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// plainValue returns the JSON form of a DynamoDB JSON value.
func plainValue(raw json.RawMessage) (string, bool) {
	ms, ok := pairsOf(raw)
	if !ok || len(ms) != 1 {
		return "", false
	}
	tag, v := ms[0].key, ms[0].value
	switch tag {
	case "S", "N", "B":
		return plainScalar(tag, v)
	case "BOOL":
		return string(v), string(v) == "true" || string(v) == "false"
	case "NULL":
		return "null", string(v) == "true"
	case "M":
		ms, ok := pairsOf(v)
		out := make([]string, len(ms))
		for i, m := range ms {
			s, sound := plainValue(m.value)
			ok = ok && sound && m.ok
			out[i] = plainQuote(m.key) + ":" + s
		}
		return "{" + strings.Join(out, ",") + "}", ok
	case "L", "SS", "NS", "BS":
		vs, ok := split(v, "[,,]")
		out := make([]string, len(vs))
		for i, v := range vs {
			sound := false
			if tag == "L" {
				out[i], sound = plainValue(v)
			} else {
				out[i], sound = plainScalar(tag[:1], v)
			}
			ok = ok && sound
		}
		return "[" + strings.Join(out, ",") + "]", ok
	}
	return "", false
}

// plainScalar returns the JSON form of what an S, an N or a B has.
func plainScalar(tag string, v json.RawMessage) (string, bool) {
	s, ok := plainString(v)
	switch tag {
	case "N":
		return plainNumber(s)
	case "B":
		_, err := base64.StdEncoding.DecodeString(s)
		ok = ok && err == nil && !strings.ContainsAny(s, "\r\n")
	}
	return plainQuote(s), ok
}

// plainTime reads seconds since the epoch, a number or a quoted one.
func plainTime(raw json.RawMessage) time.Time {
	s := string(raw)
	if unquoted, ok := plainString(raw); ok {
		s = unquoted
	}
	s, ok := plainNumber(s)
	if !ok || len(s) > 50 {
		return time.Time{}
	}
	x, ok := new(big.Rat).SetString(s)
	if !ok || x.Sign() < 0 || x.Cmp(big.NewRat(253402300800, 1)) >= 0 {
		return time.Time{}
	}
	x.Mul(x, big.NewRat(1e9, 1))
	nanos := new(big.Int).Quo(x.Num(), x.Denom())
	seconds, nanos := nanos.DivMod(nanos, big.NewInt(1e9), new(big.Int))
	return time.Unix(seconds.Int64(), nanos.Int64()).UTC()
}

package eventitem_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
)

// FuzzEncode holds Encode to an independent, slow judge: it takes what the
// judge takes and nothing else, and what it makes of it says the same and has
// the sizes that it says.
func FuzzEncode(f *testing.F) {
	for _, row := range hostiles(f) {
		f.Add([]byte(row.payload()))
	}
	for _, found := range []string{ // by fuzzing
		"11e-1", "{\"0\":0,    ", "{\x01", "\"\\\"00000000\"", "1E-70010", "{\"\":0e", "10E-170", "1E10", "\x8e", "[          ",
		"1E-80700", "[100000000", "0                                           ", "1E0000", "0.0000000000000000000000000000001", "0.00A",
		"\"\\u00A0\\u00A", "{\"\":\"\xcc", "                                0", "\"\\u00A0\\u00",
		"\"\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u00\\0", "10000000000000000000", "100000000E10",
		"              0", "tr", "1.20000000000000000000", "13E-180", "1E-60002", "[0e0,10e0,11e0,1100e-3,1e18,1e0,1.01E10]",
		"[                     ", "0000000000000000000000000000000000000000000000000000000000000000000000", "\"\\ud800\\udC00\x1d", "1E7",
		"[0.1000000", "0.10000000000000000000000", "{\"\":\"\\u00000\x00", "{\"0\":0\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t",
		"{\"\":\"0000é0000000000000é00000000000000\xc3000000000\"}", "0.00000000000000010000", "        \"",
	} {
		f.Add([]byte(found))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		ev := newEvent("")
		ev.Payload = payload
		checkVerdict(t, ev, payload)

		// the same as a header, which has one form and is a level further down
		ev = newEvent("{}")
		ev.Headers.Extensions = map[string]json.RawMessage{"x": payload}
		it, err := eventitem.Encode(ev, envelope.Layout{}, eventitem.Map, 0)
		if want := slowVerdict(payload, eventitem.Map, 3); want != (err == nil) {
			t.Fatalf("header %.200q: %v, want accepted %v", payload, err, want)
		}
		if err == nil {
			require.Equal(t, sizeOf(t, it.Attrs), it.Size)
			requireJSONEqual(t, string(payload), string(requirePublished(t, it, "").Headers["x"]))
		}
	})
}

func checkVerdict(t *testing.T, ev envelope.CustomEvent, payload []byte) {
	for _, form := range []eventitem.Form{eventitem.Map, eventitem.JSONText} {
		judge := form
		if bytes.HasPrefix(bytes.TrimLeft(payload, " \t\r\n"), []byte(`"`)) {
			judge = eventitem.JSONText
		}
		it, err := eventitem.Encode(ev, envelope.Layout{}, form, 0)
		if want := slowVerdict(payload, judge, 2); want != (err == nil) {
			t.Fatalf("form %d, %.200q: %v, want accepted %v", form, payload, err, want)
		}
		if err == nil {
			requireFaithful(t, string(payload), it, form)
			continue
		}
		var v *eventitem.ValueError
		if !errors.As(err, &v) || !strings.HasPrefix(v.Path, "payload") || v.Problem == "" || !utf8.ValidString(err.Error()) {
			t.Fatalf("form %d, %.200q: error %q", form, payload, err)
		}
	}
}

// slowVerdict reports whether a payload is to be taken in a form, judged
// without any of the code under test. Level is that of its outermost value.
func slowVerdict(payload []byte, form eventitem.Form, level int) bool {
	if !json.Valid(payload) || !utf8.Valid(payload) || hasLoneSurrogate(payload) {
		return false
	}
	limit := 31
	if form == eventitem.JSONText {
		limit = 1000
	}
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	type frame struct {
		keys map[string]bool // nil for an array
		key  bool            // a key comes next
	}
	var open []frame
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return true
		}
		if err != nil {
			return false
		}
		top := len(open) - 1
		if key, ok := token.(string); ok && top >= 0 && open[top].key {
			if open[top].keys[key] || form == eventitem.Map && (key == "" || len(key) > 65535) {
				return false
			}
			open[top].keys[key] = true
			open[top].key = false
			continue
		}
		if top >= 0 && open[top].keys != nil {
			open[top].key = true // after this value
		}
		switch token := token.(type) {
		case json.Delim:
			switch token {
			case '{':
				open = append(open, frame{keys: map[string]bool{}, key: true})
			case '[':
				open = append(open, frame{})
			default:
				open = open[:top]
			}
			if len(open)+level-1 > limit {
				return false
			}
		case json.Number:
			if !slowNumber(token.String(), form) {
				return false
			}
		}
	}
}

func slowNumber(text string, form eventitem.Form) bool {
	if _, err := strconv.ParseFloat(text, 64); err != nil {
		return false
	}
	if !strings.ContainsAny(text, ".eE") {
		if _, err := strconv.ParseInt(text, 10, 64); err != nil {
			return false
		}
	}
	if form == eventitem.JSONText {
		return true
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	if strings.Trim(mantissa, "-0.") == "" {
		return true // zero
	}
	if exp, err := strconv.Atoi(exponent); exponent != "" && (err != nil || exp > 100_000 || exp < -100_000) {
		return false // no fuzzed mantissa is long enough to make up for it
	}
	value, ok := new(big.Rat).SetString(text)
	if !ok {
		return false
	}
	value.Abs(value)
	power := func(n int) *big.Rat {
		p := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(n, -n))), nil))
		if n < 0 {
			p.Inv(p)
		}
		return p
	}
	if value.Cmp(power(126)) >= 0 || value.Cmp(power(-130)) < 0 {
		return false
	}
	if value.IsInt() {
		signed := new(big.Int).Set(value.Num())
		if text[0] == '-' {
			signed.Neg(signed)
		}
		if !signed.IsInt64() {
			return false
		}
	}
	return len(strings.Trim(strings.NewReplacer(".", "", "-", "").Replace(mantissa), "0")) <= 38
}

// hasLoneSurrogate reports whether valid JSON has half of a surrogate pair.
func hasLoneSurrogate(text []byte) bool {
	unit := func(i int) uint64 { // of the escape at i; 0 if there is none
		if i+6 > len(text) || text[i] != '\\' || text[i+1] != 'u' {
			return 0
		}
		u, _ := strconv.ParseUint(string(text[i+2:i+6]), 16, 32)
		return u
	}
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		switch u := unit(i); {
		case u >= 0xD800 && u < 0xDC00:
			if low := unit(i + 6); low < 0xDC00 || low > 0xDFFF {
				return true
			}
			i += 11
		case u >= 0xDC00 && u <= 0xDFFF:
			return true
		default:
			i++ // whatever is escaped
		}
	}
	return false
}

package streamrecord_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// TestHostileSizes decodes inputs that make a careless decoder exhaust its
// stack, or take time with the square of the size: then this test does not end
// before go test gives up.
func TestHostileSizes(t *testing.T) {
	const n = 1 << 18
	rep := strings.Repeat
	inEvent := func(members string) string {
		return `{"eventName":"INSERT","dynamodb":{"NewImage":{"event":{"M":{` + members + `}}}}}`
	}
	payload := func(p string) string { return inEvent(goodHeaders + `,"payload":` + p) }
	for name, make := range map[string]func(n int) string{
		"lists":             func(n int) string { return payload(rep(`{"L":[`, n) + rep(`]}`, n)) },
		"lists, not closed": func(n int) string { return payload(rep(`{"L":[`, n)) },
		"maps":              func(n int) string { return payload(rep(`{"M":{"a":`, n) + `{"N":"1"}` + rep(`}}`, n)) },
		"lists for an event": func(n int) string {
			return `{"eventName":"INSERT","dynamodb":{"NewImage":{"event":` + rep(`{"L":[`, n) + rep(`]}`, n) + `}}}`
		},
		"lists for headers": func(n int) string { return inEvent(`"headers":` + rep(`{"L":[`, n) + rep(`]}`, n)) },
		"lists beside them": func(n int) string {
			return inEvent(`"x":` + rep(`{"L":[`, n) + rep(`]}`, n) + `,"payload":{"N":"1"},` + goodHeaders)
		},
		"text of brackets": func(n int) string { return payload(`{"S":"` + rep(`[`, n) + rep(`]`, n) + `"}`) },
		"skipped brackets": func(n int) string { return `{"eventName":"MODIFY","x":` + rep(`[`, n) + rep(`]`, n) + `}` },
		"nested records":   func(n int) string { return rep(`{"dynamodb":`, n) + `1` + rep(`}`, n) },
		"types of types":   func(n int) string { return payload(rep(`{"M":`, n) + rep(`}`, n)) },
		"members":          func(n int) string { return payload(`{"M":{` + rep(`"a":{"N":"1"},`, n) + `"b":{"N":"2"}}}`) },
		"bad members":      func(n int) string { return inEvent(rep(`"a":{"X":"1"},`, n) + goodHeaders) },
		"bad headers":      func(n int) string { return inEvent(`"headers":{"M":{` + rep(`"a":{"X":"1"},`, n) + `"b":{"N":"2"}}}`) },
		"bad payloads":     func(n int) string { return inEvent(rep(`"payload":{"X":"1"},`, n) + goodHeaders) },
		"payloads": func(n int) string {
			return inEvent(rep(`"payload":{"N":"1"},`+goodHeaders+`,"x":{"S":"y"},`, n/10) + goodHeaders)
		},
		"bad events": func(n int) string {
			return `{"eventName":"INSERT","dynamodb":{"NewImage":{` + rep(`"event":{"M":{"a":1}},`, n) + `"a":{}}}}`
		},
		"images": func(n int) string {
			return `{"eventName":"INSERT","dynamodb":{` + rep(`"NewImage":{"event":5},`, n) + `"a":{}}}`
		},
		"damaged images": func(n int) string {
			return `{"eventName":"INSERT","dynamodb":{` + rep(`"NewImage":{"a" 5},`, n) + `"a":{}}}`
		},
		"unread images": func(n int) string {
			return `{"eventName":"MODIFY","dynamodb":{` + rep(`"NewImage":{"event":5},`, n) + `"a":{}},"eventName":"INSERT"}`
		},
		"long key":            func(n int) string { return payload(`{"M":{"` + rep(`k\u0041`, n) + `":{"X":"1"}}}`) },
		"long skipped key":    func(n int) string { return `{"eventName":"MODIFY","` + rep(`k\u0041`, n) + `":1}` },
		"long number":         func(n int) string { return payload(`{"N":"` + rep(`1`, n) + `x"}`) },
		"long escaped number": func(n int) string { return payload(`{"N":"` + rep(`\u0031`, n) + `"}`) },
		"long string":         func(n int) string { return payload(`{"M":{"a":{"S":"` + rep(`é\n`, n) + `\ud800"}}}`) },
		"backslashes":         func(n int) string { return payload(`{"M":{"a":{"S":"` + rep(`\\`, n) + `"}}}`) },
		"sets":                func(n int) string { return payload(`{"NS":[` + rep(`"1",`, n) + `"x"]}`) },
		"white space":         func(n int) string { return payload(rep(" ", n) + `{` + rep("\n", n) + `"N"` + rep("\t", n) + `:"1"}`) },
		"records":             func(n int) string { return rep(`{"eventName":"INSERT"},`, n/10) + `{}` },
		"records, damaged":    func(n int) string { return rep(`{"eventName" 1},`, n/10) + `{}` },
	} {
		t.Run(name, func(t *testing.T) {
			in := []byte(`{"Records":[` + goodRecord + `,` + make(n) + `]}`)
			b, err := streamrecord.NewDecoder(streamrecord.Config{}).Decode(in)
			if err != nil {
				require.ErrorAs(t, err, new(*streamrecord.FormatError))
				return
			}
			require.Equal(t, goodDetail, string(b.Records[0].Detail))
			if f := b.Records[1].Fault; f != nil {
				require.Less(t, len(f.Message), 1000)
			}
			sane(t, in, &b.Records[1])
		})
	}
}

package outbox_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// A header that cannot be written or published is found before the commit, in
// either form of the payload, whichever part of the code knows the rule.
func TestAppendNamesTheHeaderAtFault(t *testing.T) {
	extension := func(name, value string) func(*envelope.Headers) {
		return func(h *envelope.Headers) { h.Extensions = map[string]json.RawMessage{name: json.RawMessage(value)} }
	}
	for name, c := range map[string]struct {
		set           func(*envelope.Headers)
		path, problem string
	}{
		"no eventName":                 {func(h *envelope.Headers) { h.EventName = "" }, "headers.eventName", "missing"},
		"zero time":                    {func(h *envelope.Headers) { h.Timestamp = time.Time{} }, "headers.timestamp", "outside"},
		"far time":                     {func(h *envelope.Headers) { h.Timestamp = envelope.MaxTimestamp }, "headers.timestamp", "outside"},
		"not UTF-8":                    {func(h *envelope.Headers) { h.CreatedBy = "a\xc3" }, "headers.createdBy", "not valid UTF-8"},
		"extension without a name":     {extension("", "1"), `headers[""]`, "a header needs a name"},
		"extension without a value":    {extension("x", ""), "headers.x", "no value"},
		"extension of a header's name": {extension("aggregateId", `"x"`), "headers.aggregateId", "an extension cannot"},
		"extension that is no JSON":    {extension("x", `{"a":}`), "headers.x", "not valid JSON"},
		"extension with a bad name":    {extension("x\xff", "1"), `headers["x\xff"]`, "not valid UTF-8"},
		"extension with digits":        {extension("x.y", "[123456789012345678901234567890123456789]"), `headers["x.y"][0]`, "more than 38"},
		"extension not exact":          {extension("x", `{"a":1,"a":2}`), "headers.x.a", "the key occurs twice"},
		"extension 29 deep":            {extension("x", strings.Repeat("[", 30)+strings.Repeat("]", 30)), "headers.x" + strings.Repeat("[0]", 29), "nested too deep"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, asText := range []bool{false, true} {
				ev := event(t, "e1", map[string]int{})
				c.set(&ev.Headers)
				err := newWriter(t, func(o *outbox.Options) { o.PayloadAsText = asText }).Append(signup("u1"), ev)
				var e *outbox.PreflightError
				require.ErrorAs(t, err, &e)
				require.Equal(t, outbox.RuleValue, e.Rule)
				require.Equal(t, c.path, e.Path)
				require.Contains(t, e.Problem, c.problem)
				require.NotContains(t, e.Problem, "PayloadAsText", "headers have no other form")
			}
		})
	}
}

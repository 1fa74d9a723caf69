package preflight

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// What a payload holds that DynamoDB's map cannot: the map form is refused where
// the engine refuses the same item, with the way out, and the text form is taken
// by both. A payload lies two levels deep in its item.
func TestPayloadsThatAMapCanNotHold(t *testing.T) {
	nines := func(n int) string { return strings.Repeat("9", n) }
	tests := map[string]struct {
		payload string
		raw     types.AttributeValue // the payload as a map would have it
		refused bool
	}{
		"38 digits":           {`0.` + nines(38), number("0." + nines(38)), false},
		"39 digits":           {`0.` + nines(39), number("0." + nines(39)), true},
		"smallest exponent":   {`1e-130`, number("1e-130"), false},
		"a smaller one":       {`1e-131`, number("1e-131"), true},
		"29 levels":           {nest(29), lists(29, text("x")), false},
		"30 levels":           {nest(30), lists(30, text("x")), false},
		"31 levels":           {nest(31), lists(31, text("x")), true},
		"key of 1 byte":       {`{"k":1}`, object(attrs{"k": number("1")}), false},
		"empty key":           {`{"":1}`, object(attrs{"": number("1")}), true},
		"key of 65,535 bytes": {`{"` + long(65535) + `":1}`, object(attrs{long(65535): number("1")}), false},
		"key of 65,536 bytes": {`{"` + long(65536) + `":1}`, object(attrs{long(65536): number("1")}), true},
	}
	eachWorld(t, func(t *testing.T, w world) {
		writer, asText := w.writer(t), w.writer(t, func(o *outbox.Options) { o.PayloadAsText = true })
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				in := &dynamodb.TransactWriteItemsInput{}
				err := writer.Append(in, event(name, tt.payload))
				require.Equal(t, tt.refused, err != nil, "%v", err)
				if tt.refused {
					require.ErrorContains(t, err, "payload")
					require.ErrorContains(t, err, "; Options.PayloadAsText stores it as text")
				}
				raw := object(attrs{"headers": object(attrs{}), "payload": tt.raw})
				theirs := w.send(t, &dynamodb.TransactWriteItemsInput{TransactItems: []action{put(w.store, attrs{"pk": text("raw"), "sk": number("1"), "event": raw})}})
				w.requireVerdict(t, tt.refused, theirs)

				in = &dynamodb.TransactWriteItemsInput{}
				require.NoError(t, asText.Append(in, event(name, tt.payload)))
				require.NoError(t, w.send(t, in))
			})
		}
	})
}

func nest(levels int) string {
	return strings.Repeat("[", levels) + `"x"` + strings.Repeat("]", levels)
}

// What EventBridge would refuse of an event that DynamoDB takes, at the limit and
// one beyond. The engines here know nothing of a bus: they take what is appended.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html,
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
func TestEventsThatTheBusRefuses(t *testing.T) {
	with := func(set func(*envelope.CustomEvent)) func(string) envelope.CustomEvent {
		return func(id string) envelope.CustomEvent {
			ev := event(id, `{}`)
			set(&ev)
			return ev
		}
	}
	paying := func(payload string) func(string) envelope.CustomEvent {
		return with(func(ev *envelope.CustomEvent) { ev.Payload = []byte(payload) })
	}
	named := func(name string) func(string) envelope.CustomEvent {
		return with(func(ev *envelope.CustomEvent) { ev.Headers.EventName = name })
	}
	sent := func(source string) func(string) envelope.CustomEvent {
		return with(func(ev *envelope.CustomEvent) { ev.Headers.Source = source })
	}
	const control = `\u0001` // 1 byte in an item, 6 on the bus
	tests := map[string]struct {
		event func(id string) envelope.CustomEvent
		rule  outbox.Rule
	}{
		"eventName of 128":       {named(long(128)), ""},
		"eventName of 129":       {named(long(129)), outbox.RuleValue},
		"eventName of 128 é":     {named(strings.Repeat("é", 128)), ""},
		"no eventName":           {named(""), outbox.RuleValue},
		"source of 256":          {sent(long(256)), ""},
		"source of 257":          {sent(long(257)), outbox.RuleValue},
		"source of AWS":          {sent("aws.user"), outbox.RuleValue},
		"source awsome":          {sent("awsome"), ""},
		"largest integer":        {paying(`9223372036854775807`), ""},
		"one larger":             {paying(`9223372036854775808`), outbox.RuleValue},
		"smallest integer":       {paying(`-9223372036854775808`), ""},
		"one smaller":            {paying(`-9223372036854775809`), outbox.RuleValue},
		"integer by an exponent": {paying(`1e19`), outbox.RuleValue},
		"not UTF-8":              {paying("\"\xff\""), outbox.RuleValue},
		"lone surrogate":         {paying(`"\ud800"`), outbox.RuleValue},
		"surrogate pair":         {paying(`"\ud83d\ude00"`), ""},
		"key twice":              {paying(`{"a":1,"a":2}`), outbox.RuleValue},
		"1E400":                  {paying(`1E400`), outbox.RuleValue},
		"no JSON":                {paying(`{`), outbox.RuleValue},
		"no payload":             {paying(``), outbox.RuleValue},
		"traceparent": {with(func(ev *envelope.CustomEvent) {
			ev.Headers.TraceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
		}), ""},
		"traceparent cut": {with(func(ev *envelope.CustomEvent) {
			ev.Headers.TraceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"
		}), outbox.RuleValue},
		"160,000 of 6 bytes": {paying(`"` + strings.Repeat(control, 160_000) + `"`), ""},
		"170,000 of 6 bytes": {paying(`"` + strings.Repeat(control, 170_000) + `"`), outbox.RuleEntrySize},
	}
	eachWorld(t, func(t *testing.T, w world) {
		writer := w.writer(t)
		i := 0
		for name, tt := range tests {
			i++
			t.Run(name, func(t *testing.T) {
				if strings.HasSuffix(name, "of 6 bytes") { // only as a map: text keeps the escapes
					tt.event = objectOf(tt.event)
				}
				in := &dynamodb.TransactWriteItemsInput{}
				err := writer.Append(in, tt.event(fmt.Sprintf("bus-%d", i)))
				if tt.rule == "" {
					require.NoError(t, err)
					require.NoError(t, w.send(t, in))
					return
				}
				var e *outbox.PreflightError
				require.ErrorAs(t, err, &e)
				require.Equal(t, tt.rule, e.Rule, err)
				require.Empty(t, in.TransactItems)
			})
		}
	})
}

func objectOf(event func(string) envelope.CustomEvent) func(string) envelope.CustomEvent {
	return func(id string) envelope.CustomEvent {
		ev := event(id)
		ev.Payload = []byte(`{"text":` + string(ev.Payload) + `}`)
		return ev
	}
}

// An event is taken with exactly the bytes that Options.MaxEntryBytes allows, and
// refused with one less.
func TestEntrySizeAtTheLimit(t *testing.T) {
	eachWorld(t, func(t *testing.T, w world) {
		ev := event("entry", `{"text":"\u0001é","n":1e3}`)
		var e *outbox.PreflightError
		require.ErrorAs(t, w.writer(t, func(o *outbox.Options) { o.MaxEntryBytes = 1 }).Append(&dynamodb.TransactWriteItemsInput{}, ev), &e)
		require.Equal(t, outbox.RuleEntrySize, e.Rule)
		exact := e.Actual
		in := &dynamodb.TransactWriteItemsInput{}
		require.ErrorAs(t, w.writer(t, func(o *outbox.Options) { o.MaxEntryBytes = exact - 1 }).Append(in, ev), &e)
		require.Equal(t, exact, e.Actual)
		require.NoError(t, w.writer(t, func(o *outbox.Options) { o.MaxEntryBytes = exact }).Append(in, ev))
		require.NoError(t, w.send(t, in))
	})
}

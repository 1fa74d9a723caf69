package preflight

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

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

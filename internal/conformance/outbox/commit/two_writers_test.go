package commit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// Any two writers of one event store, one event: what the first has committed,
// the second recognises. When what the caller gave is another, the outcome is
// unknown; when it is another event at the same key, nothing was committed.
func TestAnyTwoWritersOneEvent(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		wd := newWorld(t, db)
		now := time.Now()
		rapid.Check(t, func(rt *rapid.T) {
			layout := rapid.SampledFrom([]envelope.Layout{{}, envelope.AggregateLayout()}).Draw(rt, "layout")
			first, second := drawWriter(rt, wd.store.Name, layout), drawWriter(rt, wd.store.Name, layout)
			ev, err := envelope.New(t.Context(), "User.Created", json.RawMessage(drawJSON(rt, 3)), func(h *envelope.Headers) {
				h.Timestamp, h.AggregateID, h.Sequence = now, "a-"+h.EventID, 1
				h.Source = rapid.SampledFrom([]string{"", "callerService"}).Draw(rt, "caller's source")
				h.SetExtension("weight", json.RawMessage(drawNumber(rt)))
			})
			require.NoError(rt, err)
			require.NoError(rt, sendBy(wd, first, ev))
			require.NoError(rt, sendBy(wd, second, ev), "the event again")

			other, unknown := ev, true
			switch rapid.IntRange(0, 3).Draw(rt, "change") {
			case 0:
				other.Payload = []byte(`{"changed":` + string(ev.Payload) + `}`)
			case 1:
				other.Headers.EventName = "User.Renamed"
			case 2:
				other.Headers.Extensions = map[string]json.RawMessage{"weight": []byte(`"other"`)}
			case 3:
				if !layout.Ordered {
					return // an event with another id has another key
				}
				other.Headers.EventID, unknown = ev.Headers.EventID+"-other", false
			}
			var e *outbox.CommitError
			require.ErrorAs(rt, sendBy(wd, second, other), &e)
			require.False(rt, e.Retryable)
			if unknown {
				require.Equal(rt, outbox.Unknown, e.Outcome, "%v", e)
				require.ErrorIs(rt, e, outbox.ErrEventExists)
			} else {
				require.Equal(rt, outbox.NotCommitted, e.Outcome, "%v", e)
				require.ErrorIs(rt, e, outbox.ErrSequenceTaken)
			}
			require.NoError(rt, sendBy(wd, first, ev), "what is stored has not changed")
		})
	})
}

func sendBy(wd *world, w *outbox.Writer, ev envelope.CustomEvent) error {
	in := &dynamodb.TransactWriteItemsInput{}
	if err := w.Append(in, ev); err != nil {
		return err
	}
	_, err := wd.ddb.TransactWriteItems(context.Background(), in)
	return w.Explain(in, err)
}

// drawWriter makes a writer with options at random, but for those that decide on
// the key.
func drawWriter(rt *rapid.T, table string, layout envelope.Layout) *outbox.Writer {
	flag := func(name string) bool { return rapid.Bool().Draw(rt, name) }
	w, err := outbox.NewWriter(table, func(o *outbox.Options) {
		o.Source = rapid.SampledFrom([]string{"userService", "accountService"}).Draw(rt, "source")
		o.Region = rapid.SampledFrom([]string{"", "eu-west-1", "eu-central-1"}).Draw(rt, "region")
		o.PayloadAsText = flag("as text")
		o.Layout = layout
		if flag("TTL") {
			o.TTL = time.Duration(24+rapid.IntRange(0, 48).Draw(rt, "hours")) * time.Hour
		}
		if flag("marker") {
			o.Layout.Marker = "_outbox"
		}
		if flag("attribute") {
			o.Layout.Attributes = map[string]string{"entityType": rapid.SampledFrom([]string{"Event", "E"}).Draw(rt, "type")}
		}
		if flag("place") {
			o.Layout.Event = "Event"
		}
	})
	require.NoError(rt, err)
	return w
}

// drawJSON makes a JSON text that a DynamoDB map can hold, in awkward spellings.
func drawJSON(rt *rapid.T, depth int) string {
	kinds := 6
	if depth == 0 {
		kinds = 4
	}
	switch rapid.IntRange(0, kinds-1).Draw(rt, "kind") {
	case 0:
		return drawNumber(rt)
	case 1:
		return drawText(rt)
	case 2:
		return rapid.SampledFrom([]string{"true", "false", "null"}).Draw(rt, "literal")
	case 3:
		return strconv.Quote(strings.Repeat("x", rapid.IntRange(0, 300).Draw(rt, "length")))
	case 4:
		var elements []string
		for range rapid.IntRange(0, 3).Draw(rt, "elements") {
			elements = append(elements, drawJSON(rt, depth-1))
		}
		return "[ " + strings.Join(elements, ",\n") + " ]"
	}
	var members []string
	for i := range rapid.IntRange(0, 3).Draw(rt, "members") {
		members = append(members, fmt.Sprintf(`"m%d" : %s`, i, drawJSON(rt, depth-1)))
	}
	return "{" + strings.Join(members, ",") + "}"
}

func drawNumber(rt *rapid.T) string {
	return rapid.SampledFrom([]string{
		"0", "-0", "0.0", "1", "1.0", "1.50", "1e3", "1E+3", "100.00", "-7e-7", "1e18", "12345678901234567890.12345678",
		"1e-130", "0e5", "9007199254740993", "-9223372036854775808",
	}).Draw(rt, "number")
}

func drawText(rt *rapid.T) string {
	return rapid.SampledFrom([]string{
		`""`, `"a"`, `"1.0"`, `"\u0041\ud83d\ude00"`, `"\/\\\""`, `"é\u2028\u0000"`, `"{\"n\":1}"`, `"null"`,
	}).Draw(rt, "text")
}

package relay_test

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// A route says where and as what an event goes, and not which event it is.
func TestWhatARouteMayChange(t *testing.T) {
	var sent []relay.Entry
	bus := &scriptedBus{answer: func(_ context.Context, _ int, entries []relay.Entry) ([]relay.Result, error) {
		for _, e := range entries {
			e.Detail = []byte(string(e.Detail)) // it is valid during the call only
			require.WithinDuration(t, time.Now(), e.Time, time.Minute)
			e.Time = time.Time{}
			sent = append(sent, e)
		}
		return accept(entries), nil
	}}
	h := newHandler(t, bus, relay.Block, func(o *relay.Options) {
		o.Route = func(e *relay.Entry) error {
			if e.EventID == "event-1" {
				return nil
			}
			*e = relay.Entry{
				EventID: "changed", Group: "changed", Time: e.Time.Add(time.Hour), Detail: []byte("changed"),
				Source: "other", DetailType: "Other", Bus: "elsewhere", TraceHeader: "Root=2", Resources: []string{"arn"},
			}
			return nil
		}
	})
	trace := "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	invoke(t, h, batch(
		testRecord{sequence: 1, aggregate: "a", trace: trace}, testRecord{sequence: 2, aggregate: "b", trace: trace}))
	require.Len(t, sent, 2)
	for i := range sent {
		require.Contains(t, string(sent[i].Detail), `"eventId":"`+eventID(i+1)+`"`)
		sent[i].Detail = nil
	}
	require.Equal(t, []relay.Entry{
		{EventID: "event-1", Group: "a", Source: "userService", DetailType: "User.Created",
			TraceHeader: "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1"},
		{EventID: "event-2", Group: "b", Source: "other", DetailType: "Other",
			Bus: "elsewhere", TraceHeader: "Root=2", Resources: []string{"arn"}},
	}, sent)
}

// traceHeaderOf is the trace header of an entry whose event has that traceparent.
func traceHeaderOf(t testing.TB, traceparent string) string {
	t.Helper()
	text, err := json.Marshal(traceparent)
	require.NoError(t, err)
	got := ""
	bus := &scriptedBus{answer: func(_ context.Context, _ int, entries []relay.Entry) ([]relay.Result, error) {
		got = entries[0].TraceHeader
		return accept(entries), nil
	}}
	invoke(t, newHandler(t, bus, relay.Block), batch(testRecord{sequence: 1}.withHeader(`"traceparent":{"S":`+string(text)+`}`)))
	require.Len(t, bus.accepted, 1, "whatever a traceparent is, the event is published")
	return got
}

// A W3C traceparent becomes the header of X-Ray, and what is not one becomes
// nothing.
func TestXRayHeader(t *testing.T) {
	const trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	const root = "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled="
	for _, tt := range []struct{ name, in, want string }{
		{"sampled", "00-" + trace + "-" + parent + "-01", root + "1"},
		{"not sampled", "00-" + trace + "-" + parent + "-00", root + "0"},
		{"other flags beside it", "00-" + trace + "-" + parent + "-03", root + "1"},
		{"other flags alone", "00-" + trace + "-" + parent + "-fe", root + "0"},
		{"a later version", "01-" + trace + "-" + parent + "-01", root + "1"},
		{"a later version with more", "cc-" + trace + "-" + parent + "-01-what-the-future-holds", root + "1"},
		{"a later version with more, not separated", "cc-" + trace + "-" + parent + "-01.what", ""},
		{"version 00 with more", "00-" + trace + "-" + parent + "-01-x", ""},
		{"version ff", "ff-" + trace + "-" + parent + "-01", ""},
		{"nothing", "", ""},
		{"cut off", "00-" + trace + "-" + parent, ""},
		{"upper case", "00-" + strings.ToUpper(trace) + "-" + parent + "-01", ""},
		{"no trace id", "00-" + strings.Repeat("0", 32) + "-" + parent + "-01", ""},
		{"no parent id", "00-" + trace + "-" + strings.Repeat("0", 16) + "-01", ""},
		{"no hexadecimal", "00-" + strings.Repeat("g", 32) + "-" + parent + "-01", ""},
		{"spaces", " 00-" + trace + "-" + parent + "-01", ""},
		{"an X-Ray header", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.want, traceHeaderOf(t, tt.in))
		})
	}
}

func FuzzXRayHeader(f *testing.F) {
	f.Add("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	f.Add("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x")
	f.Add("")
	form := regexp.MustCompile(`^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=[01]$`)
	f.Fuzz(func(t *testing.T, s string) {
		if h := traceHeaderOf(t, s); h != "" && !form.MatchString(h) {
			t.Errorf("%q gives %q", s, h)
		}
	})
}

package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
)

// said is a line that a service writes: of its log, or a span.
type said struct {
	Msg, Service, EventID, CorrelationID string

	Name                string
	SpanContext, Parent struct{ TraceID, SpanID string }
}

// TestOneTrace follows a sign-up from the client's span to the e-mail: by its trace
// and by its ids, which are in each line of the logs.
func TestOneTrace(t *testing.T) {
	t.Parallel()
	needEngines(t, engine.Dynoxide)
	enginetest.LambdaRIE(t)
	functions, err := built()
	require.NoError(t, err)
	out := &enginetest.Buffer{}
	s, url := play(t, options{dynamoDB: engine.Dynoxide, binaries: &functions, verbose: true, out: out})

	const traceID, clientSpan = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/users", strings.NewReader(`{"email":"ann@example.com","name":"Ann"}`))
	require.NoError(t, err)
	req.Header = http.Header{
		"Content-Type": {"application/json"}, "X-Correlation-Id": {"order-17"}, "Traceparent": {"00-" + traceID + "-" + clientSpan + "-01"},
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusCreated, resp.StatusCode)
	eventID := resp.Header.Get("X-Event-Id")
	want := ledger{Committed: 2, Published: 2, Wanted: 1, Delivered: 1, Mails: 1, NaiveSaved: 1}
	require.Eventually(t, func() bool { return readLedger(t, url) == want }, time.Minute, 50*time.Millisecond)
	running, err := s.messaging.instance(t.Context())
	require.NoError(t, err)
	running.(emulated).Stop()

	spans, logged := map[string]said{}, 0
	for line := range strings.Lines(out.String()) {
		_, text, _ := strings.Cut(line, "  | ")
		var e said
		switch {
		case json.Unmarshal([]byte(text), &e) != nil:
		case e.Name != "":
			require.NotContains(t, spans, e.Name)
			require.Equal(t, traceID, e.SpanContext.TraceID, e.Name)
			spans[e.Name] = e
		case e.EventID != "":
			require.Equal(t, said{Msg: e.Msg, Service: e.Service, EventID: eventID, CorrelationID: "order-17"}, e)
			logged++
		}
	}
	require.Equal(t, 2, logged, "one line each of user service and messaging service")
	require.Contains(t, out.String(), `"msg":"shutting down","service":"messagingService"`)
	require.Len(t, spans, 3)
	request, process, send := spans["POST /users"], spans["User.Created process"], spans["send e-mail"]
	require.Equal(t, clientSpan, request.Parent.SpanID)
	require.Equal(t, request.SpanContext.SpanID, process.Parent.SpanID, "through the event")
	require.Equal(t, process.SpanContext.SpanID, send.Parent.SpanID)

	m := s.mails.Mails()[0]
	require.Equal(t, "<"+eventID+"@example.com>", m.MessageID)
	require.Equal(t, "order-17", m.Header.Get("X-Correlation-Id"))
	require.Equal(t, "00-"+traceID+"-"+send.SpanContext.SpanID+"-01", m.Header.Get("Traceparent"))
}

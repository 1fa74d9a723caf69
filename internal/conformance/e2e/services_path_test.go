package e2e_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// signUpToEmail: one POST, one e-mail to the right address, one trace from the
// client's span to the e-mail.
func signUpToEmail(t *testing.T, s *services) {
	const traceID, clientSpan = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	r := s.post(t, "ann@example.com", "X-Correlation-Id", "order-17", "Traceparent", "00-"+traceID+"-"+clientSpan+"-01")
	require.Equal(t, http.StatusCreated, r.StatusCode, r.Body)
	require.Equal(t, "order-17", r.Header.Get("X-Correlation-Id"))
	s.settle(t)

	mails := s.mail.Mails()
	require.Len(t, mails, 1)
	m := mails[0]
	require.Equal(t, "ann@example.com", m.To)
	eventID := r.Header.Get("X-Event-Id")
	require.Equal(t, "<"+eventID+"@example.com>", m.MessageID)
	require.Equal(t, "order-17", m.Header.Get("X-Correlation-Id"))
	require.Equal(t, ledger{Users: 1, Committed: 2, Published: 2, Receipts: 1, Told: 1, Emails: 1}, s.ledger(t))
	require.Zero(t, s.duplicates())

	spans := s.spans(t)
	require.Len(t, spans, 3)
	request, process, send := spans["POST /users"], spans["User.Created process"], spans["send e-mail"]
	for name, span := range spans {
		require.Equal(t, traceID, span.SpanContext.TraceID, name)
	}
	require.Equal(t, clientSpan, request.Parent.SpanID)
	require.Equal(t, request.SpanContext.SpanID, process.Parent.SpanID, "through the event")
	require.Equal(t, process.SpanContext.SpanID, send.Parent.SpanID)
	require.Equal(t, "00-"+traceID+"-"+send.SpanContext.SpanID+"-01", m.Header.Get("Traceparent"))

	logged := 0
	for line := range strings.Lines(s.log.String()) {
		var entry struct{ Msg, EventID, CorrelationID, Service string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg != "" && entry.Service != "relay" {
			require.Equal(t, eventID, entry.EventID, line)
			require.Equal(t, "order-17", entry.CorrelationID, line)
			logged++
		}
	}
	require.Equal(t, 2, logged, "one line each of user service and messaging service")

	require.NotContains(t, s.log.String(), "shutting down")
	s.messenger.Stop()
	require.Contains(t, s.log.String(), `"msg":"shutting down","service":"messagingService"`)
}

type span struct {
	Name                string
	SpanContext, Parent struct{ TraceID, SpanID string }
}

// spans returns the spans that the functions wrote, by name.
func (s *services) spans(t *testing.T) map[string]span {
	t.Helper()
	spans := map[string]span{}
	for line := range strings.Lines(s.log.String()) {
		var sp span
		if json.Unmarshal([]byte(line), &sp) == nil && sp.SpanContext.SpanID != "" {
			require.NotContains(t, spans, sp.Name)
			spans[sp.Name] = sp
		}
	}
	return spans
}

// repeatedPost: a client that repeats its POST gets the same answer, and nothing
// happens twice, also when the events of the first are long on their way.
func repeatedPost(t *testing.T, s *services) {
	first := s.post(t, "ann@example.com", "Idempotency-Key", "k1")
	require.Equal(t, http.StatusCreated, first.StatusCode, first.Body)
	s.settle(t)
	second := s.post(t, "ann@example.com", "Idempotency-Key", "k1")
	require.Equal(t, http.StatusCreated, second.StatusCode, second.Body)
	require.Equal(t, first.Body, second.Body)
	require.Equal(t, first.Header.Get("X-Event-Id"), second.Header.Get("X-Event-Id"))
	require.Equal(t, http.StatusConflict, s.post(t, "ann@example.com").StatusCode)
	s.settle(t)
	require.Equal(t, ledger{Users: 1, Committed: 2, Published: 2, Receipts: 1, Told: 1, Emails: 1}, s.ledger(t))
}

package relay_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

func newHandler(t testing.TB, p relay.Publisher, sink relay.DeadLetterSink, optFns ...func(*relay.Options)) *relay.Handler {
	t.Helper()
	h, err := relay.NewHandler(p, sink, optFns...)
	require.NoError(t, err)
	return h
}

// partial has failures answered by a sequence number and not by an error.
func partial(o *relay.Options) { o.PartialBatchResponse = true }

// ordered keeps the order of each aggregate.
func ordered(o *relay.Options) { o.Layout = envelope.AggregateLayout() }

// keep keeps the metrics of the latest invocation.
func keep(m *relay.Metrics) func(*relay.Options) {
	return func(o *relay.Options) {
		o.Metrics = func(_ context.Context, got relay.Metrics) { *m = got }
	}
}

// contextOf returns a context that ends after a while, or with the test if that
// is zero.
func contextOf(t *testing.T, timeout time.Duration) context.Context {
	t.Helper()
	if timeout == 0 {
		return t.Context()
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	return ctx
}

// unpublishedIn returns the *relay.UnpublishedError that err must be.
func unpublishedIn(t *testing.T, err error) *relay.UnpublishedError {
	t.Helper()
	var u *relay.UnpublishedError
	require.True(t, errors.As(err, &u), "got %v", err)
	return u
}

// invoke makes an invocation that ends without an error, and returns the sequence
// number that its answer names, "" if the batch is done.
func invoke(t testing.TB, h *relay.Handler, payload []byte) string {
	t.Helper()
	out, err := h.Invoke(t.Context(), payload)
	require.NoError(t, err)
	return failure(out)
}

// failure is the sequence number in an answer without its zeros in front, "" if
// the answer is that the batch is done.
func failure(out []byte) string {
	var a struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if err := json.Unmarshal(out, &a); err != nil {
		return "not JSON: " + err.Error()
	}
	if len(a.BatchItemFailures) == 0 {
		return ""
	}
	return strings.TrimLeft(a.BatchItemFailures[0].ItemIdentifier, "0")
}

package relay_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// Whatever a Publisher returns, nothing counts as published that does not say so
// at its own index, in a call that has one result for each entry and no error.
func TestWhatAPublisherMayAnswer(t *testing.T) {
	ok := relay.Result{Class: relay.Accepted, ID: "1"}
	for _, tt := range []struct {
		name      string
		results   []relay.Result // of two entries
		err       error
		published int
		known     int         // of those, the ones that the bus had already
		class     relay.Class // of the first entry, if that is not published
		code      string
		whole     bool // the call failed
	}{
		{name: "both accepted", results: []relay.Result{ok, ok}, published: 2},
		{name: "accepted without an id", results: []relay.Result{{Class: relay.Accepted}, ok}, published: 2},
		{name: "deduplicated", results: []relay.Result{{Class: relay.Deduplicated}, ok}, published: 2, known: 1},
		{name: "zero results", results: make([]relay.Result, 2), code: "NoResult"},
		{name: "one zero result", results: []relay.Result{{}, ok}, published: 1, code: "NoResult"},
		{name: "an id alone", results: []relay.Result{{ID: "1"}, ok}, published: 1, code: "NoResult"},
		{name: "too few", results: []relay.Result{ok}, code: "ResultCount"},
		{name: "too many", results: []relay.Result{ok, ok, ok}, code: "ResultCount"},
		{name: "none", code: "ResultCount"},
		{name: "a class of the future", results: []relay.Result{{Class: 77, Code: "x"}, ok}, published: 1, code: "x"},
		{name: "an error beats its results", results: []relay.Result{ok, ok}, err: errors.New("broken"), code: "NoAnswer", whole: true},
		{name: "a timeout", err: context.DeadlineExceeded, code: "Timeout", whole: true},
		{name: "a classed error", err: &relay.CallError{Class: relay.ConfigFault, Code: "no"}, class: relay.ConfigFault, code: "no", whole: true},
		{name: "a class of the future, of a call", err: &relay.CallError{Class: 77, Code: "x"}, code: "x", whole: true},
		{name: "an error that claims success", err: &relay.CallError{Class: relay.Accepted}, code: "CallFailed", whole: true},
		{name: "a nil *CallError as error", err: (*relay.CallError)(nil), code: "NoAnswer", whole: true},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			bus := &scriptedBus{answer: func(context.Context, int, []relay.Entry) ([]relay.Result, error) { return tt.results, tt.err }}
			sink := &recordingSink{}
			var m relay.Metrics
			h := newHandler(t, bus, sink, keep(&m), func(o *relay.Options) { o.MaxAttempts = 1 })
			_, err := h.Invoke(t.Context(), events(1, 2))
			require.Equal(t, tt.published, m.Published)
			require.Equal(t, tt.known, m.Deduplicated)
			require.Equal(t, tt.whole, m.FailedCalls > 0)
			require.Empty(t, sink.dead)
			if tt.published == 2 {
				require.NoError(t, err)
				return
			}
			u := unpublishedIn(t, err)
			require.Equal(t, "event-1", u.EventID)
			require.Equal(t, 2-tt.published, u.Unpublished)
			require.Equal(t, tt.class, u.Class)
			require.Equal(t, tt.code, u.Code)
		})
	}
}

func TestClassNames(t *testing.T) {
	require.Equal(t, []string{"Transient", "Accepted", "Deduplicated", "EventFault", "ConfigFault", "Class(9)"},
		[]string{relay.Transient.String(), relay.Accepted.String(), relay.Deduplicated.String(), relay.EventFault.String(), relay.ConfigFault.String(), relay.Class(9).String()})
}

// The text of a call's error holds its code alone, and its cause can be reached.
func TestCallErrorsQuoteNothing(t *testing.T) {
	cause := errors.New(testSecret)
	err := error(&relay.CallError{Class: relay.ConfigFault, Code: "AccessDenied", Err: cause})
	require.EqualError(t, err, "relay: call failed: AccessDenied (ConfigFault)")
	require.ErrorIs(t, err, cause)
	require.NotPanics(t, func() { _ = (*relay.CallError)(nil).Error() })
	require.NoError(t, (*relay.CallError)(nil).Unwrap())
}

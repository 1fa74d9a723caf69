package main

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStory(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out), out.String())
	require.Contains(t, out.String(), "Committed 5 events, published 5, invented 0, lost 0.")
}

// TestItNoticesALoss shows that the story's own checks can fail.
func TestItNoticesALoss(t *testing.T) {
	s, err := newStory(t.Context(), io.Discard)
	require.NoError(t, err)
	require.NoError(t, s.signUp(t.Context()))
	require.NoError(t, s.publish(t.Context()))
	require.NoError(t, s.consume(t.Context()))
	require.NoError(t, s.refusedSignUp(t.Context()))
	s.received++ // a message of the next ones is lost
	require.ErrorContains(t, s.refusingBus(t.Context()), "messages, not 4")
}

package relay_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// What Lambda stores in S3 about a batch that has failed can be given to the
// relay as it is.
func TestOnFailureObject(t *testing.T) {
	invocation := string(batch(testRecord{sequence: 1}, testRecord{sequence: 2}))
	quoted, err := json.Marshal(invocation)
	require.NoError(t, err)
	for name, payload := range map[string]string{"an object": invocation, "a string": string(quoted)} {
		t.Run(name, func(t *testing.T) {
			bus := &scriptedBus{}
			h := newHandler(t, bus, relay.Block)
			invoke(t, h, []byte(`{"requestContext":{"condition":"RetryAttemptsExhausted"},"DDBStreamBatchInfo":{"batchSize":2},"payload":`+payload+`}`))
			require.Equal(t, []string{"event-1", "event-2"}, bus.accepted)
		})
	}
}

// A relay with another layout than the writer's says which attributes it sees.
func TestAttributesSeen(t *testing.T) {
	logs := &logRecorder{}
	h := newHandler(t, &scriptedBus{}, &recordingSink{}, func(o *relay.Options) {
		o.Layout.Event, o.Logger = "happening", logs.logger()
	})
	_, err := h.Invoke(t.Context(), batch(testRecord{sequence: 1}, testRecord{sequence: 2}))
	require.Error(t, err)
	require.Contains(t, logs.String(), `"fault":"happening: the image has no such attribute; it has [pk, sk, event]"`)
	require.False(t, strings.Contains(logs.String(), testSecret))
}

// What comes out of an on-failure object is published again, so no age counts: a
// bad deploy empties none of it into the dead letters.
func TestOnFailureObjectHasNoAge(t *testing.T) {
	payload := string(batch(testRecord{sequence: 1, age: 22 * time.Hour}, testRecord{sequence: 2, age: 22 * time.Hour}))
	for _, object := range []string{`{"payload":` + payload + `}`, payload} {
		sink := &recordingSink{}
		h := newHandler(t, &scriptedBus{answer: refuseAll(invalid)}, sink, func(o *relay.Options) { o.MaxAge = time.Hour })
		_, err := h.Invoke(t.Context(), []byte(object))
		if object == payload {
			require.NoError(t, err, "the stream is about to forget them")
			require.Len(t, sink.dead, 2)
			continue
		}
		require.Equal(t, relay.ConfigFault, unpublishedIn(t, err).Class)
		require.Empty(t, sink.dead)
	}
}

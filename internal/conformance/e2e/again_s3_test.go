package e2e_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lambdapoller"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/wirefault"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// TestPublishAnObjectOfTheOnFailureBucket: what Lambda writes into a bucket when it
// gives a batch up has the batch in it, and the relay takes it as it is, with the
// batch as a text or as an object.
func TestPublishAnObjectOfTheOnFailureBucket(t *testing.T) {
	t.Parallel()
	needJQ(t)
	asObject := func(t *testing.T, object []byte) []byte {
		var members map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(object, &members))
		var text string
		require.NoError(t, json.Unmarshal(members["payload"], &text))
		members["payload"] = json.RawMessage(text)
		out, err := json.Marshal(members)
		require.NoError(t, err)
		return out
	}
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		down := wirefault.Always(wirefault.PutEvents, wirefault.LostRequest())
		p := newPath(t, db, down, func(o *lambdapoller.Options) { o.MaxRetries = lambdapoller.NoRetry })
		want := map[string]int{}
		for i := range 12 {
			ev, err := p.signUp(t.Context(), t, fmt.Sprintf("u%d", i))
			require.NoError(t, err)
			want[ev.Headers.EventID] = 1
		}
		require.NoError(t, p.poller.Drain(t.Context()))
		require.NotEmpty(t, p.poller.Discarded())
		require.Empty(t, p.bus.Queue.Drain(t))

		publisher := relay.NewEventBridge(enginetest.Moto(t).EventBridge(), p.bus.Name)
		asItIs := func(_ *testing.T, object []byte) []byte { return object }
		byJQ := func(t *testing.T, object []byte) []byte { return runJQ(t, "jq -c '.payload ", "object.json", object) }
		byJQOfObject := func(t *testing.T, object []byte) []byte { return byJQ(t, asObject(t, object)) }
		for _, as := range []func(*testing.T, []byte) []byte{asItIs, asObject, byJQ, byJQOfObject} {
			h, err := relay.NewHandler(publisher, relay.Block, func(o *relay.Options) { o.PartialBatchResponse = true })
			require.NoError(t, err)
			for _, d := range p.poller.Discarded() {
				object, err := d.S3()
				require.NoError(t, err)
				answer, err := h.Invoke(t.Context(), as(t, object))
				require.NoError(t, err)
				require.Equal(t, `{"batchItemFailures":[]}`, string(answer))
			}
			got := map[string]int{}
			for _, id := range enginetest.EventIDs(t, p.bus.Queue.Drain(t)) {
				got[id]++
			}
			require.Equal(t, want, got)
		}
	})
}

// TestTheRelayRefusesAnOnFailureMessage: the message for a queue has no batch in it.
// The relay returns an error, and does not take it for an empty batch.
func TestTheRelayRefusesAnOnFailureMessage(t *testing.T) {
	t.Parallel()
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		down := wirefault.Always(wirefault.PutEvents, wirefault.LostRequest())
		p := newPath(t, db, down, func(o *lambdapoller.Options) { o.MaxRetries = lambdapoller.NoRetry })
		_, err := p.signUp(t.Context(), t, "u1")
		require.NoError(t, err)
		require.NoError(t, p.poller.Drain(t.Context()))
		h, err := relay.NewHandler(relay.NewEventBridge(enginetest.Moto(t).EventBridge(), p.bus.Name), relay.Block)
		require.NoError(t, err)
		message, err := p.poller.Discarded()[0].JSON()
		require.NoError(t, err)
		_, err = h.Invoke(t.Context(), message)
		require.Error(t, err)
	})
}

package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

func TestEmbedded(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, "", "", ""), out.String())
	require.Contains(t, out.String(), "Committed 5 events, published 5, invented 0, lost 0.")
}

func TestOnRealEngines(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		moto := enginetest.Moto(t)
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), &out, db.URL, moto.URL, moto.URL), out.String())
		require.Contains(t, out.String(), "DynamoDB at "+db.URL+", EventBridge at "+moto.URL)
		require.Contains(t, out.String(), "Committed 5 events, published 5, invented 0, lost 0.")
	})
}

// TestItLeavesNothingBehind: on a server that others use too, bus, rule and queue
// go with the program, and so they do if one of them could not be made.
func TestItLeavesNothingBehind(t *testing.T) {
	moto := enginetest.Own(t, engine.Moto)
	noQueues := httptest.NewServer(http.NotFoundHandler())
	defer noQueues.Close()
	for name, queueURL := range map[string]string{"done": moto.URL, "failed": noQueues.URL} {
		t.Run(name, func(t *testing.T) {
			err := run(t.Context(), io.Discard, "", moto.URL, queueURL)
			require.Equal(t, queueURL != moto.URL, err != nil, "%v", err)
			buses, err := moto.EventBridge().ListEventBuses(t.Context(), &eventbridge.ListEventBusesInput{})
			require.NoError(t, err)
			require.Len(t, buses.EventBuses, 1)
			require.Equal(t, "default", *buses.EventBuses[0].Name)
			queues, err := moto.SQS().ListQueues(t.Context(), &sqs.ListQueuesInput{})
			require.NoError(t, err)
			require.Empty(t, queues.QueueUrls)
		})
	}
}

// deafBus says that it has accepted an event, and forgets it.
type deafBus struct{ localBus }

func (b *deafBus) receive(ctx context.Context, want int) ([]message, error) {
	messages, err := b.localBus.receive(ctx, want)
	return slices.DeleteFunc(messages, func(m message) bool { return strings.Contains(m.Body, "dee@example.com") }), err
}

// TestAnEngineThatDoesNotAnswer: an engine that takes connections and does not
// answer ends the program with an error, and does not keep it.
func TestAnEngineThatDoesNotAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() }) // nobody accepts
	url := "http://" + l.Addr().String()
	for name, urls := range map[string][2]string{"DynamoDB": {url, ""}, "EventBridge": {"", url}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			require.Error(t, run(ctx, io.Discard, urls[0], urls[1], urls[1]))
		})
	}
}

// TestItNoticesALoss shows that the story's own checks can fail.
func TestItNoticesALoss(t *testing.T) {
	db, err := openStore(t.Context(), "")
	require.NoError(t, err)
	defer db.close(t.Context())
	deaf := &deafBus{}
	s, err := newStory(t.Context(), io.Discard, db, &bus{PutEventsAPIClient: deaf, name: "default", receive: deaf.receive})
	require.NoError(t, err)
	require.NoError(t, s.signUp(t.Context()))
	require.NoError(t, s.publish(t.Context()))
	require.NoError(t, s.consume(t.Context()))
	require.NoError(t, s.refusedSignUp(t.Context()))
	require.ErrorContains(t, s.refusingBus(t.Context()), "messages, not 4")
}

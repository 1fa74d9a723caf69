package command_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lambdapoller"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventsv2"
)

// givenUp is what Lambda leaves of the batches of a relay that fails: the messages
// in the on-failure queue, or the objects in a bucket.
func (w *world) givenUp(t *testing.T) (messages, objects [][]byte) {
	t.Helper()
	p, err := lambdapoller.New(w.db.Streams(), w.events.StreamARN, lambdapoller.HandlerFunc(func(context.Context, []byte) ([]byte, error) {
		return nil, errors.New("down")
	}), func(o *lambdapoller.Options) { o.GiveUp, o.BatchSize = true, 10 })
	require.NoError(t, err)
	require.NoError(t, p.Drain(t.Context()))
	for _, d := range p.Discarded() {
		m, err := d.JSON()
		require.NoError(t, err)
		o, err := d.S3()
		require.NoError(t, err)
		messages, objects = append(messages, m), append(objects, o)
	}
	return messages, objects
}

// TestSources: each way to say which events, with --json; what is not meant is not
// published.
func TestSources(t *testing.T) {
	t.Parallel()
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		w := newWorld(t, db)
		ids := w.signUps(t, 25)
		messages, objects := w.givenUp(t)
		require.NotEmpty(t, messages)
		execute := func(code int, args ...string) replayResult {
			t.Helper()
			var r replayResult
			w.json(t, code, &r, append(append([]string{"replay"}, args...), "--to-same-bus", "--execute")...)
			return r
		}
		published := func() []string {
			var ids []string
			for _, e := range w.wire.take() {
				ids = append(ids, e.EventID)
			}
			return ids
		}

		require.Equal(t, 2, execute(0, "--id", ids[3], "--id", ids[7]).Published)
		require.ElementsMatch(t, []string{ids[3], ids[7]}, published())
		r := execute(1, "--id", ids[1], "--id", "no-such-event")
		require.Equal(t, 1, r.Published)
		require.Equal(t, "no-such-event", r.Missing[0].EventID)
		require.Equal(t, []string{ids[1]}, published())

		w.write(t, "ids.txt", strings.Join(ids[:5], "\n")+"\n\n"+ids[0]+"\n")
		require.Equal(t, 5, execute(0, "--ids", "ids.txt").Published, "each once")
		require.ElementsMatch(t, ids[:5], published())

		require.Equal(t, 25, execute(0, "--stream", "--from", "1h").Published)
		require.ElementsMatch(t, ids, published())

		require.Equal(t, 0, execute(0, "--from", "1h", "--only-names", "User.Deleted").Published)
		require.Equal(t, 0, execute(0, "--from", "48h", "--to", "24h").Published)
		require.Empty(t, published())

		for _, object := range objects {
			w.write(t, "object.json", string(object))
			require.NotZero(t, execute(0, "--on-failure-object", "object.json").Published)
		}
		require.ElementsMatch(t, ids, published())
		bucket := w.bucket(t, "batch.json", objects[0])
		require.NotZero(t, execute(0, "--on-failure-object", "s3://"+bucket+"/batch.json").Published)
		require.NotEmpty(t, published())

		queue := w.queue(t, messages...)
		look := w.run(t, "replay", "--on-failure-queue", queue.name, "--to-same-bus")
		require.Zero(t, look.Code, look.Stderr)
		require.Contains(t, look.Stdout, "25 events would be")
		require.Empty(t, published())
		r = execute(0, "--on-failure-queue", queue.name)
		require.Equal(t, len(messages), r.Messages)
		require.ElementsMatch(t, ids, published())
		require.Empty(t, queue.Drain(t), "a message is gone when its events are published")

		foreign := strings.ReplaceAll(string(messages[0]), w.events.Name, "orders")
		queue = w.queue(t, []byte(foreign), messages[0])
		r = execute(1, "--on-failure-queue", queue.name)
		require.Contains(t, r.Missing[0].Reason, `is of a stream of table "orders"`)
		require.NotEmpty(t, published(), "the others go on")
		left := queue.Drain(t)
		require.Len(t, left, 1)
		require.Equal(t, foreign, *left[0].Body, "it stays")
	})
}

// namedQueue is a queue with its name.
type namedQueue struct {
	enginetest.Queue
	name string
}

// queue makes a queue with these messages.
func (w *world) queue(t *testing.T, messages ...[]byte) namedQueue {
	t.Helper()
	q := enginetest.NewQueue(t, enginetest.Moto(t))
	for _, m := range messages {
		body := string(m)
		_, err := enginetest.Moto(t).SQS().SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &q.URL, MessageBody: &body})
		require.NoError(t, err)
	}
	return namedQueue{q, q.ARN[strings.LastIndexByte(q.ARN, ':')+1:]}
}

// bucket makes a bucket with an object. Two plain requests save a client of S3.
func (w *world) bucket(t *testing.T, key string, object []byte) string {
	t.Helper()
	name := strings.ToLower(enginetest.Unique(t))
	put := func(path string, body []byte) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, enginetest.Moto(t).URL+path, bytes.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=OUTBOXTESTKEY0000000/20261124/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=0")
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, resp.StatusCode, string(text))
	}
	put("/"+name, []byte(`<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>`))
	put("/"+name+"/"+key, object)
	return name
}

// TestCustomEventBus: the ARN of such a bus is enough.
func TestCustomEventBus(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:events:eu-west-1:123456789012:event-busv2/orders/abcdefghijklmnopqrstuvwxy"
	w := newWorld(t, enginetest.Start(t, engine.Dynoxide))
	ids := w.signUps(t, 30)
	bus := &eventsv2.Bus{ARN: arn, Credentials: aws.Credentials{AccessKeyID: "OUTBOXTESTKEY0000000", SecretAccessKey: "outboxtestsecret"}}
	server := httptest.NewServer(bus)
	t.Cleanup(server.Close)
	w.env = append(w.env, "AWS_ENDPOINT_URL="+server.URL, "AWS_ENDPOINT_URL_STS="+enginetest.Moto(t).URL)
	r := replayResult{}
	w.json(t, 0, &r, "replay", "--from", "1h", "--to-bus", arn, "--execute")
	require.Equal(t, len(ids), r.Published)
	require.Len(t, bus.Taken(), len(ids))
	require.Empty(t, w.wire.Accepted())
}

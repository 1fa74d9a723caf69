package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/custombus"
)

// batchSize is the number of records in a batch: the default of an event source
// mapping.
const batchSize = 100

// bus is the name of the event bus.
const bus = "orders"

// customBus is the ARN of the other kind of bus.
const customBus = "arn:aws:events:eu-west-1:123456789012:event-busv2/orders/abcdefghijklmnopqrstuvwx0"

// run handles one batch.
type run func(context.Context) error

// variant is a way to publish the events of a batch.
type variant struct {
	name string
	make func(client *eventbridge.Client, payload []byte) (run, error)
}

// sdkAlone is the name of the variant that the others are compared with.
const sdkAlone = "SDK with ready-made entries"

var variants = []variant{
	{"relay", ours},
	{"naive by tens", func(c *eventbridge.Client, p []byte) (run, error) { return naive(c, p, 10), nil }},
	{"naive one by one", func(c *eventbridge.Client, p []byte) (run, error) { return naive(c, p, 1), nil }},
	{sdkAlone, floor},
	{"SDK with a ready body", ready},
	{"relay to a Custom Event Bus", oursToCustomBus},
}

// newClient is the SDK's client as it comes, with the stub as its endpoint.
func newClient(url string) *eventbridge.Client {
	return eventbridge.New(eventbridge.Options{
		Region:       "eu-west-1",
		BaseEndpoint: aws.String(url),
		Credentials:  credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
	})
}

// ours is the handler with its zero options, its memory included: each batch
// has sequence numbers of its own.
func ours(client *eventbridge.Client, payload []byte) (run, error) {
	return handler(relay.NewEventBridge(client, bus, func(o *relay.EventBridgeOptions) { o.SkipBusCheck = true }), payload)
}

// oursToCustomBus is the same with the other publisher, which sends 100 events in a
// call. Of the client it takes the address and the credentials.
func oursToCustomBus(client *eventbridge.Client, payload []byte) (run, error) {
	cfg := aws.Config{Credentials: client.Options().Credentials, BaseEndpoint: client.Options().BaseEndpoint}
	return handler(custombus.New(cfg, customBus, func(o *custombus.Options) { o.SkipBusCheck = true }), payload)
}

func handler(p relay.Publisher, payload []byte) (run, error) {
	h, err := relay.NewHandler(p, relay.Block)
	if err != nil {
		return nil, err
	}
	batch := newRenumbered(payload)
	return func(ctx context.Context) error {
		_, err := h.Invoke(ctx, batch.next())
		return err
	}, nil
}

// readyMade returns the entries of a batch that the relay sends.
func readyMade(client *eventbridge.Client, payload []byte) ([]types.PutEventsRequestEntry, error) {
	t := &taker{EventBridge: relay.NewEventBridge(client, bus)}
	h, err := relay.NewHandler(t, relay.Block)
	if err == nil {
		_, err = h.Invoke(context.Background(), payload)
	}
	return t.entries, err
}

// taker is the publisher that takes entries and sends none.
type taker struct {
	*relay.EventBridge
	entries []types.PutEventsRequestEntry
}

func (t *taker) Publish(_ context.Context, entries []relay.Entry) ([]relay.Result, error) {
	for _, e := range entries {
		t.entries = append(t.entries, types.PutEventsRequestEntry{
			Detail: aws.String(string(e.Detail)), Source: aws.String(e.Source), DetailType: aws.String(e.DetailType),
			EventBusName: aws.String(bus), Time: aws.Time(e.Time), TraceHeader: aws.String(e.TraceHeader),
		})
	}
	return slices.Repeat([]relay.Result{{Class: relay.Accepted}}, len(entries)), nil
}

// floor is what the SDK alone costs: the entries are there, complete.
func floor(client *eventbridge.Client, payload []byte) (run, error) {
	entries, err := readyMade(client, payload)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error { return put(ctx, client, entries, 10) }, nil
}

// ready is what the SDK costs without its serializer: the bodies are there,
// complete, and only endpoint, signature, connection and answer are left to it.
func ready(client *eventbridge.Client, payload []byte) (run, error) {
	entries, err := readyMade(client, payload)
	if err != nil {
		return nil, err
	}
	var bodies [][]byte
	for chunk := range slices.Chunk(entries, 10) {
		body, err := bodyOf(client, chunk)
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, body)
	}
	return func(ctx context.Context) error {
		for _, body := range bodies {
			_, err := client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{}}, behindSerializer(func(req *smithyhttp.Request) (*smithyhttp.Request, error) {
				return req.SetStream(bytes.NewReader(body))
			}))
			if err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// bodyOf is the body that the SDK makes of these entries.
func bodyOf(client *eventbridge.Client, entries []types.PutEventsRequestEntry) (body []byte, err error) {
	_, err = client.PutEvents(context.Background(), &eventbridge.PutEventsInput{Entries: entries}, behindSerializer(func(req *smithyhttp.Request) (*smithyhttp.Request, error) {
		var err error
		if body, err = io.ReadAll(req.GetStream()); err == nil {
			err = errRead
		}
		return nil, err
	}))
	if errors.Is(err, errRead) {
		err = nil
	}
	return body, err
}

// errRead ends a request whose body has been read: it is not sent.
var errRead = errors.New("bench: the body is read")

// behindSerializer has a request pass through change when the SDK has made it.
func behindSerializer(change func(*smithyhttp.Request) (*smithyhttp.Request, error)) func(*eventbridge.Options) {
	return func(o *eventbridge.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Serialize.Insert(middleware.SerializeMiddlewareFunc("change",
				func(ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler) (middleware.SerializeOutput, middleware.Metadata, error) {
					req, err := change(in.Request.(*smithyhttp.Request))
					if err != nil {
						return middleware.SerializeOutput{}, middleware.Metadata{}, err
					}
					in.Request = req
					return next.HandleSerialize(ctx, in)
				}), "OperationSerializer", middleware.After)
		})
	}
}

// naive is the function that one writes without the library.
func naive(client *eventbridge.Client, payload []byte, size int) run {
	return func(ctx context.Context) error {
		entries, err := readNaively(payload)
		if err != nil {
			return err
		}
		return put(ctx, client, entries, size)
	}
}

// put sends the entries, size at a time.
func put(ctx context.Context, client *eventbridge.Client, entries []types.PutEventsRequestEntry, size int) error {
	for len(entries) > 0 {
		n := min(size, len(entries))
		out, err := client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entries[:n]})
		if err != nil {
			return err
		}
		if out.FailedEntryCount > 0 || len(out.Entries) != n {
			return fmt.Errorf("bench: %d of %d entries failed", out.FailedEntryCount, n)
		}
		entries = entries[n:]
	}
	return nil
}

// renumbered is a batch whose sequence numbers are new each time.
type renumbered struct {
	payload []byte
	ends    [][]int // the last number of each is the end of a sequence number
	count   uint64
}

func newRenumbered(payload []byte) *renumbered {
	return &renumbered{payload: bytes.Clone(payload), ends: regexp.MustCompile(`"SequenceNumber":"\d+`).FindAllIndex(payload, -1)}
}

func (r *renumbered) next() []byte {
	for _, at := range r.ends {
		r.count++
		digits := strconv.AppendUint(nil, r.count, 10)
		copy(r.payload[at[1]-len(digits):], digits)
	}
	return r.payload
}

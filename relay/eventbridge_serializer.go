package relay

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// With the SDK's own client, the body of a request is not made of the input by
// the SDK but handed to it (eventbridge_body.go): its way costs more than all
// else that the relay does. Endpoint, signature, retries, answer and errors stay
// the SDK's.

// serializerID is the name of the SDK's middleware that makes the body. A test
// holds it against the SDK's version in go.mod.
const serializerID = "OperationSerializer"

// errNoSerializer says that the SDK's client is not made as expected. Nothing has
// been sent then.
var errNoSerializer = errors.New("relay: the SDK's client has no serializer of JSON under the known name")

// putBody makes one call with a body of our own. Entries of the input have no
// Detail: that is in the body alone. Middleware of the client sees the rest.
func (e *EventBridge) putBody(ctx context.Context, client *eventbridge.Client, in *eventbridge.PutEventsInput, entries []Entry) (*eventbridge.PutEventsOutput, error) {
	buffer, _ := bodies.Get().(*[]byte)
	if buffer == nil {
		buffer = new([]byte)
	}
	*buffer = e.appendBody((*buffer)[:0], entries)
	out, err := client.PutEvents(ctx, in, func(o *eventbridge.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			theirs, ok := stack.Serialize.Get(serializerID)
			if !ok {
				return errNoSerializer
			}
			_, err := stack.Serialize.Swap(serializerID, &serializer{theirs: theirs, body: *buffer})
			return err
		})
	})
	// The SDK takes the stream away from the transport before it returns, also
	// from one that is still sending, so the buffer may be used again.
	if cap(*buffer) <= maxPooledBody {
		bodies.Put(buffer)
	}
	return out, err
}

// bodies are the buffers of bodies, of *[]byte. A large one is not kept.
var bodies sync.Pool

const maxPooledBody = 4 << 20

// serializer takes the place of the SDK's. It lets that make the request of an
// input without entries, for the path and the headers, and puts the body in.
type serializer struct {
	theirs middleware.SerializeMiddleware
	body   []byte
}

func (*serializer) ID() string { return serializerID }

func (s *serializer) HandleSerialize(ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler) (middleware.SerializeOutput, middleware.Metadata, error) {
	full := in.Parameters
	in.Parameters = &eventbridge.PutEventsInput{}
	return s.theirs.HandleSerialize(ctx, in, middleware.SerializeHandlerFunc(
		func(ctx context.Context, in middleware.SerializeInput) (middleware.SerializeOutput, middleware.Metadata, error) {
			in.Parameters = full
			req, ok := in.Request.(*smithyhttp.Request)
			if !ok || !strings.HasPrefix(req.Header.Get("Content-Type"), "application/x-amz-json-") {
				return middleware.SerializeOutput{}, middleware.Metadata{}, errNoSerializer
			}
			req, err := req.SetStream(bytes.NewReader(s.body))
			if err != nil {
				return middleware.SerializeOutput{}, middleware.Metadata{}, err
			}
			in.Request = req
			return next.HandleSerialize(ctx, in)
		}))
}

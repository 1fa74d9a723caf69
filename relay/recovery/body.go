package recovery

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// body takes the elements of one array out of the answer to a call, as they
// stand there, before the SDK reads the rest. Endpoint, signature, retries,
// errors and all other members of the answer stay the SDK's.
//
// found says whether it had the chance: a client that is not the SDK's, or an
// answer in another form, leaves it false, and the output has everything.
type body struct {
	member   string // the array's
	elements [][]byte
	found    bool
}

// The name of the SDK's middleware that reads the answer. A test holds it
// against the SDK's version in go.mod.
const deserializerID = "OperationDeserializer"

// install adds b to the calls of a client, by the APIOptions of its options.
func (b *body) install(stack *middleware.Stack) error {
	if _, ok := stack.Deserialize.Get(deserializerID); !ok {
		return nil
	}
	return stack.Deserialize.Insert(b, deserializerID, middleware.After)
}

// ID returns the name of the middleware.
func (*body) ID() string { return "outbox:TakeArray" }

// HandleDeserialize is called for each attempt.
func (b *body) HandleDeserialize(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
	b.elements, b.found = nil, false
	out, meta, err := next.HandleDeserialize(ctx, in)
	resp, ok := out.RawResponse.(*smithyhttp.Response)
	if err != nil || !ok || resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/x-amz-json-") {
		return out, meta, err
	}
	text, err := readAll(resp)
	if err != nil {
		return out, meta, &smithy.DeserializationError{Err: fmt.Errorf("read the answer: %w", err)}
	}
	rest, err := b.take(text)
	if err != nil {
		return out, meta, &smithy.DeserializationError{Err: err}
	}
	resp.Body = io.NopCloser(bytes.NewReader(rest))
	return out, meta, nil
}

// readAll reads and closes the body of an answer.
func readAll(resp *smithyhttp.Response) ([]byte, error) {
	var buffer bytes.Buffer
	if n := resp.ContentLength; n > 0 && n < 64<<20 {
		buffer.Grow(int(n) + bytes.MinRead)
	}
	_, err := buffer.ReadFrom(resp.Body)
	_ = resp.Body.Close() // a body that was read whole; the SDK's own reading only logs it, too
	return buffer.Bytes(), err
}

// take returns the text without the elements, and keeps these. To take an answer
// that has no such array for an empty page would be to pass over everything behind
// it, and of two nobody can say which is meant.
func (b *body) take(text []byte) (rest []byte, err error) {
	if _, bad := jsonlex.Value(text, jsonlex.Space(text, 0), maxDepth); bad != jsonlex.None && len(text) > 0 {
		return text, nil // the SDK says what is wrong
	}
	var array jsonlex.Member
	for m := range jsonlex.Members(text, jsonlex.Space(text, 0)) {
		if m.Name(text) != b.member {
			continue
		}
		if array.End > 0 {
			return nil, fmt.Errorf("the answer has %q twice", b.member)
		}
		array = m
	}
	if array.End == 0 {
		return nil, fmt.Errorf("the answer has no %q", b.member)
	}
	if text[array.Value] != '[' {
		return text, nil
	}
	for from, to := range jsonlex.Elements(text, array.Value) {
		b.elements = append(b.elements, text[from:to:to])
	}
	b.found = true
	return slices.Concat(text[:array.Value], []byte("[]"), text[array.End:]), nil
}

// maxDepth is deeper than DynamoDB lets an item be, twice over: each of its
// values is an object around another.
const maxDepth = 200

package engine

import (
	"bytes"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// wholeRequests sends the body of a request from memory. The SDK's own body is
// closed by the SDK as soon as an answer begins, and where net/http has not seen
// its end by then, the body gives an error, net/http closes the connection, and
// the rest of the answer is lost (smithy-go v1.28.9,
// transport/http/internal/io/safe.go: a closed body's WriteTo returns io.EOF).
// MiniStack and moto send an answer in two pieces, so it happens there, once in
// some thousand calls on a busy machine. The SDK's retries hide it, and do the call
// a second time: a message is in a queue twice. Tests that count, and those that do
// without retries, must not see it.
type wholeRequests struct{ next aws.HTTPClient }

// wholeHTTP is shared by all clients, for its connections.
var wholeHTTP = wholeRequests{next: awshttp.NewBuildableClient()}

func (c wholeRequests) Do(req *http.Request) (*http.Response, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return c.next.Do(req)
	}
	body, err := io.ReadAll(req.Body)
	req.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("engine: read request: %w", err)
	}
	req.Body = io.NopCloser(bytes.NewReader(body)) // net/http knows this type
	return c.next.Do(req)
}

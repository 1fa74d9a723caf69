package engine_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
)

// An answer that begins before net/http has seen the end of the request is read
// to its end: a call that loses it is done a second time.
func TestAnAnswerInTwoPieces(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		req, err := http.ReadRequest(bufio.NewReader(c)) // its head
		if err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 2\r\nConnection: close\r\n\r\n")
		_, _ = io.Copy(io.Discard, req.Body)
		_, _ = io.WriteString(c, "{}")
	}()
	e := &engine.Engine{Name: engine.Moto, URL: "http://" + l.Addr().String()}
	_, err = e.SQS(func(o *sqs.Options) { o.Retryer = aws.NopRetryer{} }).SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: aws.String("q"), MessageBody: aws.String(strings.Repeat("x", 32<<20)),
	})
	require.NoError(t, err)
}

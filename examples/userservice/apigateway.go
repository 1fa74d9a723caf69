package userservice

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// serveAPIGateway serves an event of an API Gateway HTTP API, payload format
// 2.0, with the same handler as ServeHTTP:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func (s *Service) serveAPIGateway(ctx context.Context, event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	body := []byte(event.Body)
	var err error
	if event.IsBase64Encoded {
		body, err = base64.StdEncoding.DecodeString(event.Body)
	}
	target := "/" + strings.TrimPrefix(event.RawPath, "/")
	if event.RawQueryString != "" {
		target += "?" + event.RawQueryString
	}
	r, err2 := http.NewRequestWithContext(ctx, event.RequestContext.HTTP.Method, target, bytes.NewReader(body))
	if err := errors.Join(err, err2); err != nil {
		// An answer, not an error, for that would be a 502.
		s.log.ErrorContext(ctx, "event is no HTTP request", "error", err)
		return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusBadRequest}, nil
	}
	for name, value := range event.Headers {
		r.Header.Set(name, value) // several values come as one, with commas
	}
	r.Host, r.RemoteAddr = event.RequestContext.DomainName, event.RequestContext.HTTP.SourceIP

	w := recorder{header: http.Header{}}
	s.ServeHTTP(&w, r)
	out := events.APIGatewayV2HTTPResponse{StatusCode: w.status, Headers: map[string]string{}, Body: w.body.String()}
	for name, values := range w.header {
		out.Headers[name] = strings.Join(values, ",")
	}
	return out, nil
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

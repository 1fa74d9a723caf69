// Package httpapi plays an API Gateway HTTP API with one Lambda integration: it
// hands each HTTP request to a function as an event of payload format 2.0, and
// answers with what the function does
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html).
package httpapi

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

// maxBody is the largest body that API Gateway takes, in bytes
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html).
const maxBody = 10 << 20

// New returns the HTTP API of a function.
func New(h lambda.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			refuse(w, http.StatusRequestEntityTooLarge, "Request Too Long")
			return
		}
		payload, err := json.Marshal(event(r, body))
		if err != nil {
			refuse(w, http.StatusInternalServerError, "Internal Server Error")
			return
		}
		raw, err := h.Invoke(r.Context(), payload)
		var out events.APIGatewayV2HTTPResponse
		if err != nil || json.Unmarshal(raw, &out) != nil || out.StatusCode < 200 || out.StatusCode > 599 {
			refuse(w, http.StatusInternalServerError, "Internal Server Error")
			return
		}
		answer := []byte(out.Body)
		if out.IsBase64Encoded {
			if answer, err = base64.StdEncoding.DecodeString(out.Body); err != nil {
				refuse(w, http.StatusInternalServerError, "Internal Server Error")
				return
			}
		}
		for name, value := range out.Headers {
			w.Header().Set(name, value)
		}
		w.WriteHeader(out.StatusCode)
		_, _ = w.Write(answer) // a client that is gone gets no answer
	})
}

// refuse answers as API Gateway does, in its own words.
func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

func event(r *http.Request, body []byte) events.APIGatewayV2HTTPRequest {
	e := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "$default", RawPath: r.URL.EscapedPath(), RawQueryString: r.URL.RawQuery,
		Headers: map[string]string{"host": r.Host}, Body: string(body),
	}
	for name, values := range r.Header {
		e.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	if !utf8.Valid(body) {
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	for name, values := range r.URL.Query() {
		if e.QueryStringParameters == nil {
			e.QueryStringParameters = map[string]string{}
		}
		e.QueryStringParameters[name] = strings.Join(values, ",")
	}
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	now := time.Now()
	e.RequestContext = events.APIGatewayV2HTTPRequestContext{
		RouteKey: "$default", Stage: "$default", RequestID: rand.Text(), DomainName: r.Host,
		Time: now.Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
		HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
			Method: r.Method, Path: r.URL.Path, Protocol: r.Proto, SourceIP: host, UserAgent: r.UserAgent(),
		},
	}
	return e
}

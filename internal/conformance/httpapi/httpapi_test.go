package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/httpapi"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lambdapoller"
)

func TestRequestBecomesAnEvent(t *testing.T) {
	var got events.APIGatewayV2HTTPRequest
	server := httptest.NewServer(httpapi.New(lambdapoller.HandlerFunc(func(_ context.Context, payload []byte) ([]byte, error) {
		require.NoError(t, json.Unmarshal(payload, &got))
		return []byte(`{"statusCode":201,"headers":{"X-Event-Id":"e1"},"body":"aGVsbG8=","isBase64Encoded":true}`), nil
	})))
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, server.URL+"/users/a%20b?x=1&x=2", strings.NewReader("{}\xff"))
	require.NoError(t, err)
	req.Header.Add("X-Correlation-Id", "c1")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, resp.StatusCode)
	require.Equal(t, "hello", string(body))
	require.Equal(t, "e1", resp.Header.Get("X-Event-Id"))

	require.Equal(t, "2.0", got.Version)
	require.Equal(t, "PATCH", got.RequestContext.HTTP.Method)
	require.Equal(t, "/users/a%20b", got.RawPath)
	require.Equal(t, "/users/a b", got.RequestContext.HTTP.Path)
	require.Equal(t, "x=1&x=2", got.RawQueryString)
	require.Equal(t, map[string]string{"x": "1,2"}, got.QueryStringParameters)
	require.Equal(t, "c1", got.Headers["x-correlation-id"])
	require.Equal(t, "127.0.0.1", got.RequestContext.HTTP.SourceIP)
	require.True(t, got.IsBase64Encoded)
	require.Equal(t, "e33/", got.Body)
}

func TestFunctionFails(t *testing.T) {
	for name, f := range map[string]lambdapoller.HandlerFunc{
		"an error":  func(context.Context, []byte) ([]byte, error) { return nil, errors.New("no") },
		"not JSON":  func(context.Context, []byte) ([]byte, error) { return []byte("ok"), nil },
		"no status": func(context.Context, []byte) ([]byte, error) { return []byte("{}"), nil },
		"not base64": func(context.Context, []byte) ([]byte, error) {
			return []byte(`{"statusCode":200,"isBase64Encoded":true,"body":"-"}`), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			httpapi.New(f).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
			require.Equal(t, http.StatusInternalServerError, w.Code)
			require.JSONEq(t, `{"message":"Internal Server Error"}`, w.Body.String())
		})
	}
	w := httptest.NewRecorder()
	httpapi.New(nil).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", 10<<20+1))))
	require.Equal(t, http.StatusRequestEntityTooLarge, w.Code)
}

package userservice_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/examples/userservice"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
)

type badRequest struct {
	method, path, body string
	headers            map[string]string // beside Content-Type: application/json; "" takes it away
	status             int
	code               string
}

// badRequests are sent while ann@example.com has user ID with version 2.
var badRequests = map[string]badRequest{
	"no body":              {"POST", "/users", ``, nil, 400, "invalid_json"},
	"not JSON":             {"POST", "/users", `Hello`, nil, 400, "invalid_json"},
	"half a body":          {"POST", "/users", `{"email":"bob@example.com","name":"B`, nil, 400, "invalid_json"},
	"two values":           {"POST", "/users", `{"email":"bob@example.com","name":"Bob"}{}`, nil, 400, "invalid_json"},
	"an array":             {"POST", "/users", `[]`, nil, 400, "invalid_json"},
	"null":                 {"POST", "/users", `null`, nil, 400, "invalid_email"},
	"empty object":         {"POST", "/users", `{}`, nil, 400, "invalid_email"},
	"no e-mail":            {"POST", "/users", `{"name":"Bob"}`, nil, 400, "invalid_email"},
	"no name":              {"POST", "/users", `{"email":"bob@example.com"}`, nil, 400, "invalid_name"},
	"blank name":           {"POST", "/users", `{"email":"bob@example.com","name":" \t "}`, nil, 400, "invalid_name"},
	"e-mail is a number":   {"POST", "/users", `{"email":17,"name":"Bob"}`, nil, 400, "invalid_json"},
	"unknown member":       {"POST", "/users", `{"email":"bob@example.com","name":"Bob","admin":true}`, nil, 400, "invalid_json"},
	"e-mail without @":     {"POST", "/users", `{"email":"bob.example.com","name":"Bob"}`, nil, 400, "invalid_email"},
	"e-mail with a name":   {"POST", "/users", `{"email":"Bob <bob@example.com>","name":"Bob"}`, nil, 400, "invalid_email"},
	"two e-mails":          {"POST", "/users", `{"email":"bob@example.com,eve@example.com","name":"Bob"}`, nil, 400, "invalid_email"},
	"header in the e-mail": {"POST", "/users", `{"email":"bob@example.com\r\nBcc: eve@example.com","name":"Bob"}`, nil, 400, "invalid_email"},
	"e-mail not ASCII":     {"POST", "/users", `{"email":"bøb@example.com","name":"Bob"}`, nil, 400, "invalid_email"},
	"huge e-mail":          {"POST", "/users", `{"email":"` + strings.Repeat("b", 250) + `@example.com","name":"Bob"}`, nil, 400, "invalid_email"},
	"huge name":            {"POST", "/users", `{"email":"bob@example.com","name":"` + strings.Repeat("ö", 101) + `"}`, nil, 400, "invalid_name"},
	"control characters":   {"POST", "/users", `{"email":"bob@example.com","name":"Bob\u0000\u0007"}`, nil, 400, "invalid_name"},
	"line end in the name": {"POST", "/users", `{"email":"bob@example.com","name":"Bob\r\nBcc: eve@example.com"}`, nil, 400, "invalid_name"},
	"half a surrogate":     {"POST", "/users", `{"email":"bob@example.com","name":"Bob \ud83d"}`, nil, 400, "invalid_name"},
	"not UTF-8":            {"POST", "/users", "{\"email\":\"bob@example.com\",\"name\":\"Bob \xff\"}", nil, 400, "invalid_name"},
	"too big":              {"POST", "/users", `{"email":"bob@example.com","name":"` + strings.Repeat(" ", 16<<10) + `Bob"}`, nil, 413, "too_large"},
	"wrong content type":   {"POST", "/users", `email=bob@example.com&name=Bob`, map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, 415, "not_json"},
	"no content type":      {"POST", "/users", `{"email":"bob@example.com","name":"Bob"}`, map[string]string{"Content-Type": ""}, 415, "not_json"},
	"long key":             {"POST", "/users", `{"email":"bob@example.com","name":"Bob"}`, map[string]string{"Idempotency-Key": strings.Repeat("k", 129)}, 400, "invalid_idempotency_key"},
	"key with a space":     {"POST", "/users", `{"email":"bob@example.com","name":"Bob"}`, map[string]string{"Idempotency-Key": "k 1"}, 400, "invalid_idempotency_key"},
	"correlation id":       {"POST", "/users", `{"email":"bob@example.com","name":"Bob"}`, map[string]string{"X-Correlation-Id": "a b"}, 400, "invalid_correlation_id"},
	"taken e-mail":         {"POST", "/users", `{"email":"ANN@example.com","name":"Bob"}`, nil, 409, "email_taken"},
	"wrong method":         {"PUT", "/users", `{"email":"bob@example.com","name":"Bob"}`, nil, 405, "method_not_allowed"},
	"wrong method of one":  {"DELETE", "/users/ID", ``, nil, 405, "method_not_allowed"},
	"no such path":         {"POST", "/customers", `{"email":"bob@example.com","name":"Bob"}`, nil, 404, "not_found"},
	"path below a user":    {"PATCH", "/users/ID/name", `{"version":2,"name":"Anna"}`, nil, 404, "not_found"},
	"unknown id, read":     {"GET", "/users/nobody", ``, nil, 404, "no_such_user"},
	"unknown id, changed":  {"PATCH", "/users/nobody", `{"version":1,"name":"Anna"}`, nil, 404, "no_such_user"},
	"an id with a slash":   {"PATCH", "/users/a%2Fb", `{"version":1,"name":"Anna"}`, nil, 404, "no_such_user"},
	"stale version":        {"PATCH", "/users/ID", `{"version":1,"name":"Anna"}`, nil, 409, "stale_version"},
	"future version":       {"PATCH", "/users/ID", `{"version":3,"name":"Anna"}`, nil, 409, "stale_version"},
	"no version":           {"PATCH", "/users/ID", `{"name":"Anna"}`, nil, 400, "invalid_version"},
	"negative version":     {"PATCH", "/users/ID", `{"version":-1,"name":"Anna"}`, nil, 400, "invalid_version"},
	"version of 1e99":      {"PATCH", "/users/ID", `{"version":1e99,"name":"Anna"}`, nil, 400, "invalid_json"},
	"a change of e-mail":   {"PATCH", "/users/ID", `{"version":2,"name":"Ann","email":"bob@example.com"}`, nil, 400, "invalid_json"},
	"a change to no name":  {"PATCH", "/users/ID", `{"version":2,"name":""}`, nil, 400, "invalid_name"},
}

// TestBadRequests: the right answer, and nothing is written; over HTTP and as an
// API Gateway event.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		b := newBench(t, db, nil, nil)
		server := httptest.NewServer(b)
		defer server.Close()
		send := map[string]func(*testing.T, badRequest) (int, []byte){
			"http":        func(t *testing.T, r badRequest) (int, []byte) { return overHTTP(t, server, r) },
			"api gateway": func(t *testing.T, r badRequest) (int, []byte) { return asEvent(t, b.Service, r) },
		}

		status, body := send["http"](t, badRequest{"POST", "/users", `{"email":"ann@example.com","name":"Ann"}`, nil, 201, ""})
		require.Equal(t, http.StatusCreated, status)
		var ann userservice.User
		require.NoError(t, json.Unmarshal(body, &ann))
		status, _ = send["api gateway"](t, badRequest{"PATCH", "/users/" + ann.ID, `{"version":1,"name":"Annie"}`, nil, 200, ""})
		require.Equal(t, http.StatusOK, status)
		usersBefore, eventsBefore := b.users.Items(t, db), b.events.Items(t, db)

		for name, r := range badRequests {
			r.path = strings.Replace(r.path, "ID", ann.ID, 1)
			for way, send := range send {
				t.Run(way+"/"+name, func(t *testing.T) {
					status, body := send(t, r)
					require.Equal(t, r.status, status, string(body))
					var p userservice.Problem
					require.NoError(t, json.Unmarshal(body, &p), string(body))
					require.Equal(t, r.code, p.Code)
					require.NotEmpty(t, p.Message)
					require.NotEmpty(t, p.CorrelationID)
				})
			}
		}
		require.ElementsMatch(t, usersBefore, b.users.Items(t, db))
		require.ElementsMatch(t, eventsBefore, b.events.Items(t, db))
	})
}

func (r badRequest) header() http.Header {
	h := http.Header{"Content-Type": {"application/json"}}
	for name, value := range r.headers {
		h.Set(name, value)
		if value == "" {
			h.Del(name)
		}
	}
	return h
}

func overHTTP(t *testing.T, server *httptest.Server, r badRequest) (int, []byte) {
	req, err := http.NewRequestWithContext(t.Context(), r.method, server.URL+r.path, strings.NewReader(r.body))
	require.NoError(t, err)
	req.Header = r.header()
	resp, err := server.Client().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	var body json.RawMessage
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&body))
	return resp.StatusCode, body
}

func asEvent(t *testing.T, service *userservice.Service, r badRequest) (int, []byte) {
	e := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RawPath: r.path, Headers: map[string]string{},
		Body: base64.StdEncoding.EncodeToString([]byte(r.body)), IsBase64Encoded: true,
	}
	e.RequestContext.HTTP.Method = r.method
	for name := range r.header() {
		e.Headers[strings.ToLower(name)] = r.header().Get(name)
	}
	payload, err := json.Marshal(e)
	require.NoError(t, err)
	raw, err := service.Invoke(t.Context(), payload)
	require.NoError(t, err)
	var out events.APIGatewayV2HTTPResponse
	require.NoError(t, json.Unmarshal(raw, &out))
	return out.StatusCode, []byte(out.Body)
}

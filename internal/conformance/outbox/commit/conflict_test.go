package commit_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// conflicts answers each every-th transaction as DynamoDB does when another one
// is under way on the item of its action at index. Neither engine ever does:
// they work on one transaction after the other.
type conflicts struct {
	next  http.RoundTripper
	every int64
	index int
	code  string // "" means TransactionConflict
	seen  atomic.Int64
	given atomic.Int64
}

func (c *conflicts) RoundTrip(req *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(req.Header.Get("X-Amz-Target"), ".TransactWriteItems") || c.seen.Add(1)%c.every != 0 {
		return c.next.RoundTrip(req)
	}
	c.given.Add(1)
	defer req.Body.Close()
	var sent struct{ TransactItems []json.RawMessage }
	if err := json.NewDecoder(req.Body).Decode(&sent); err != nil {
		return nil, err
	}
	code := c.code
	if code == "" {
		code = "TransactionConflict"
	}
	reasons := make([]map[string]string, len(sent.TransactItems))
	for i := range reasons {
		reasons[i] = map[string]string{"Code": "None"}
	}
	reasons[c.index] = map[string]string{"Code": code, "Message": "injected"}
	body, err := json.Marshal(map[string]any{
		"__type":              "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
		"CancellationReasons": reasons,
		"Message":             fmt.Sprintf("Transaction cancelled, please refer cancellation reasons for specific reasons [%s]", code),
	})
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusBadRequest, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body:   io.NopCloser(strings.NewReader(string(body))), ContentLength: int64(len(body)),
	}, nil
}

// A reason of each code that passes by itself, on the caller's item and on the
// event, goes through the SDK and is tried again by outbox.Commit.
func TestCommitWithReasonsThatPass(t *testing.T) {
	cases := map[string]struct {
		code    string
		index   int
		outcome outbox.Outcome
	}{
		"conflict on the caller's item":   {"TransactionConflict", 0, outbox.Unknown},
		"conflict on the event":           {"TransactionConflict", 1, outbox.Unknown},
		"throttling on the caller's item": {"ThrottlingError", 0, outbox.NotCommitted},
		"throttling on the event":         {"ThrottlingError", 1, outbox.Unknown},
		"throughput of the users' table":  {"ProvisionedThroughputExceeded", 0, outbox.NotCommitted},
		"throughput of the event store":   {"ProvisionedThroughputExceeded", 1, outbox.Unknown},
	}
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		wd := newWorld(t, db)
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				wire := &conflicts{next: http.DefaultTransport, every: 2, index: c.index, code: c.code}
				wire.seen.Store(1) // the next one
				ddb := client(db, func(o *dynamodb.Options) { o.HTTPClient = &http.Client{Transport: wire} })
				ev := newEvent(t, "User.Created", 1)
				in := wd.transaction(t, wd.signup(ev.Headers.EventID), ev)

				_, err := ddb.TransactWriteItems(t.Context(), in)
				e := refused[cancelled](t, wd.w.Explain(in, err))
				require.Equal(t, c.outcome, e.Outcome)
				require.True(t, e.Retryable)
				require.Len(t, e.Reasons, 1)
				require.Equal(t, c.index, e.Reasons[0].Index)
				require.Equal(t, c.code, e.Reasons[0].Code)
				require.Nil(t, wd.get(t, wd.store, keyOf(in)))

				wire.seen.Store(1)
				require.NoError(t, outbox.Commit(t.Context(), ddb, in, wd.w))
				require.EqualValues(t, 2, wire.given.Load())
				require.NotNil(t, wd.get(t, wd.store, keyOf(in)))
			})
		}
	})
}

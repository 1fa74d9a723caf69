// Package embedded is a DynamoDB in the process: github.com/truora/minidyn, with
// what it leaves out and the library needs.
package embedded

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/truora/minidyn/server"
)

// NewServer returns the engine, as the handler of an HTTP server. It forgets all
// with the process, and has no streams.
func NewServer() http.Handler { return oldItems{server.NewServer()} }

// oldItems shows the item that is there when the Put of a transaction asks for it
// and is refused: ReturnValuesOnConditionCheckFailure. minidyn 0.8.2 does so for
// Updates and ConditionChecks alone, and without it nobody can tell what has been
// done before.
type oldItems struct{ engine http.Handler }

const target = "X-Amz-Target"

func (o oldItems) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get(target) != "DynamoDB_20120810.TransactWriteItems" {
		o.engine.ServeHTTP(w, r)
		return
	}
	request, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(request))
	answer := httptest.NewRecorder()
	o.engine.ServeHTTP(answer, r)
	body := answer.Body.Bytes()
	if answer.Code == http.StatusBadRequest {
		body = o.completed(r, request, body)
	}
	w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
	w.WriteHeader(answer.Code)
	_, _ = w.Write(body)
}

type item = map[string]json.RawMessage

// completed returns the answer to a refused transaction with the old items.
func (o oldItems) completed(r *http.Request, request, answer []byte) []byte {
	var sent struct {
		TransactItems []struct {
			Put *struct {
				TableName                           string
				Item                                item
				ReturnValuesOnConditionCheckFailure string
			}
		}
	}
	whole := item{}
	var reasons []item
	if json.Unmarshal(request, &sent) != nil || json.Unmarshal(answer, &whole) != nil ||
		json.Unmarshal(whole["CancellationReasons"], &reasons) != nil || len(reasons) != len(sent.TransactItems) {
		return answer
	}
	for i, reason := range reasons {
		put := sent.TransactItems[i].Put
		if put == nil || put.ReturnValuesOnConditionCheckFailure != "ALL_OLD" || string(reason["Code"]) != `"ConditionalCheckFailed"` {
			continue
		}
		if old := o.get(r, put.TableName, put.Item); old != nil {
			reason["Item"] = old
		}
	}
	if text, err := json.Marshal(reasons); err == nil {
		whole["CancellationReasons"] = text
	}
	if text, err := json.Marshal(whole); err == nil {
		return text
	}
	return answer
}

// get reads the item at the key that another item has, nil if there is none.
func (o oldItems) get(r *http.Request, table string, other item) json.RawMessage {
	var described struct {
		Table struct {
			KeySchema []struct{ AttributeName string }
		}
	}
	o.call(r, "DescribeTable", map[string]any{"TableName": table}, &described)
	key := item{}
	for _, part := range described.Table.KeySchema {
		key[part.AttributeName] = other[part.AttributeName]
	}
	var out struct{ Item json.RawMessage }
	o.call(r, "GetItem", map[string]any{"TableName": table, "Key": key}, &out)
	return out.Item
}

func (o oldItems) call(r *http.Request, operation string, in, out any) {
	body, err := json.Marshal(in)
	if err != nil {
		return
	}
	again := r.Clone(r.Context())
	again.Header.Set(target, "DynamoDB_20120810."+operation)
	again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	answer := httptest.NewRecorder()
	o.engine.ServeHTTP(answer, again)
	_ = json.Unmarshal(answer.Body.Bytes(), out) // nothing is known then
}

package wirefault

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
)

// The members of PutEvents that matter here:
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
type putEventsRequest struct {
	entries []json.RawMessage
	all     map[string]json.RawMessage // every member, entries included
}

type putEventsEntry struct {
	Source       string
	DetailType   string
	Detail       string
	EventBusName string
}

type putEventsResponse struct {
	FailedEntryCount int
	Entries          []putEventsResult
}

type putEventsResult struct {
	EventID      string `json:"EventId,omitempty"`
	ErrorCode    string `json:"ErrorCode,omitempty"`
	ErrorMessage string `json:"ErrorMessage,omitempty"`
}

// errNotJSON says that a PutEvents call cannot be taken apart.
var errNotJSON = errors.New("wirefault: PutEvents is not in AWS JSON; faults of entries and the ledger need it")

func parsePutEvents(contentType string, body []byte) (putEventsRequest, error) {
	if !strings.HasPrefix(contentType, "application/x-amz-json-") {
		return putEventsRequest{}, fmt.Errorf("%w: it is %s", errNotJSON, contentType)
	}
	var r putEventsRequest
	if err := json.Unmarshal(body, &r.all); err != nil {
		return putEventsRequest{}, fmt.Errorf("%w: %w", errNotJSON, err)
	}
	if err := json.Unmarshal(r.all["Entries"], &r.entries); err != nil {
		return putEventsRequest{}, fmt.Errorf("%w: %w", errNotJSON, err)
	}
	return r, nil
}

// entry reads an entry; what it cannot read stays empty, for the server judges
// it.
func entry(raw json.RawMessage) (e putEventsEntry, eventID string) {
	_ = json.Unmarshal(raw, &e)
	var detail struct {
		Headers struct {
			EventID string `json:"eventId"`
		} `json:"headers"`
	}
	_ = json.Unmarshal([]byte(e.Detail), &detail)
	return e, detail.Headers.EventID
}

func (r putEventsRequest) eventIDs() []string {
	ids := make([]string, len(r.entries))
	for i, raw := range r.entries {
		_, ids[i] = entry(raw)
	}
	return ids
}

// without returns the request's body without the entries that fail, and the
// indexes of those that are left.
func (r putEventsRequest) without(faults map[int]EntryFault) (body []byte, left []int, err error) {
	var entries []json.RawMessage
	for i, raw := range r.entries {
		if _, fails := faults[i]; !fails {
			entries, left = append(entries, raw), append(left, i)
		}
	}
	all := maps.Clone(r.all)
	if all["Entries"], err = json.Marshal(entries); err != nil {
		return nil, nil, err
	}
	body, err = json.Marshal(all)
	return body, left, err
}

// splice puts the server's results and the faults together in the order of the
// request. left has the indexes of the entries that the server got.
func (r putEventsRequest) splice(answer putEventsResponse, left []int, f Fault) putEventsResponse {
	results := make([]putEventsResult, len(r.entries))
	for i, entryFault := range f.Entries {
		if i >= 0 && i < len(results) {
			results[i] = putEventsResult{ErrorCode: entryFault.Code, ErrorMessage: entryFault.Message}
		}
	}
	for k, i := range left {
		if k < len(answer.Entries) {
			results[i] = answer.Entries[k]
		}
	}
	failed := 0
	for _, result := range results {
		if result.ErrorCode != "" {
			failed++
		}
	}
	switch {
	case f.Results < 0:
		results = results[:max(0, len(results)+f.Results)]
	case f.Results > 0 && len(results) > 0:
		for range f.Results {
			results = append(results, results[len(results)-1])
		}
	}
	return putEventsResponse{FailedEntryCount: failed, Entries: results}
}

// accepted lists the entries that the server took. left has their indexes in the
// client's call.
func (r putEventsRequest) accepted(call int, answer putEventsResponse, left []int) []Accepted {
	var taken []Accepted
	for k, result := range answer.Entries {
		if result.EventID == "" || k >= len(left) {
			continue
		}
		e, eventID := entry(r.entries[left[k]])
		taken = append(taken, Accepted{
			Call: call, Index: left[k], EventID: eventID, ServerID: result.EventID,
			Source: e.Source, DetailType: e.DetailType, Bus: e.EventBusName, Detail: e.Detail,
		})
	}
	return taken
}

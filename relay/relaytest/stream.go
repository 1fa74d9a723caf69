package relaytest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

// StreamEvent returns what Lambda gives to a function for these records of a
// DynamoDB stream.
func StreamEvent(records ...json.RawMessage) []byte {
	parts := make([][]byte, len(records))
	for i, r := range records {
		parts[i] = r
	}
	return joined(`{"Records":[`, parts, `]}`)
}

func joined(open string, parts [][]byte, closing string) []byte {
	return append(append([]byte(open), bytes.Join(parts, []byte(","))...), closing...)
}

// Stream makes the records of the stream of an event store, in the shape of
// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html. Its sequence
// numbers rise from one record to the next, so use one Stream for one handler.
//
// The zero value is ready to use. It is safe for concurrent use once its fields
// are set.
type Stream struct {
	// Layout is that of the writer. Zero means the zero envelope.Layout.
	Layout envelope.Layout

	// ARN of the stream; its region is that of the records. Zero means a table
	// "event-store" in eu-west-1.
	ARN string

	// View is the StreamViewType: KEYS_ONLY, NEW_IMAGE, OLD_IMAGE or
	// NEW_AND_OLD_IMAGES. Zero means NEW_IMAGE, which a relay needs.
	View string

	// Source is headers.source of events without one, as a writer fills it in.
	// Zero means "testService".
	Source string

	mu   sync.Mutex // guards last
	last int
}

// streamARN is the stream of the zero Stream. The time in it is a name.
const streamARN = "arn:aws:dynamodb:" + region + ":" + account + ":table/event-store/stream/2000-01-01T00:00:00.000"

// Insert returns the records of events that have just been written, one for each.
// Source, region and createdBy are filled in where they are empty, as a writer
// does. It panics for an event that a writer refuses for its headers or its JSON;
// see InsertItem for those.
func (s *Stream) Insert(events ...envelope.CustomEvent) []json.RawMessage {
	return s.records("INSERT", events, nil)
}

// Modify returns the records of event items that were changed. A relay does not
// publish them.
func (s *Stream) Modify(events ...envelope.CustomEvent) []json.RawMessage {
	return s.records("MODIFY", events, nil)
}

// Remove returns the records of event items that a user has deleted.
func (s *Stream) Remove(events ...envelope.CustomEvent) []json.RawMessage {
	return s.records("REMOVE", events, nil)
}

// Expire returns the records of event items that DynamoDB has deleted by their
// time to live
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html).
func (s *Stream) Expire(events ...envelope.CustomEvent) []json.RawMessage {
	return s.records("REMOVE", events, map[string]string{"type": "Service", "principalId": "dynamodb.amazonaws.com"})
}

// InsertItem returns the records of items of any kind that have just been
// written: DynamoDB JSON, {"pk":{"S":"…"},…}. It panics for what is no JSON
// object.
func (s *Stream) InsertItem(items ...json.RawMessage) []json.RawMessage {
	out := make([]json.RawMessage, len(items))
	for i, item := range items {
		var attributes map[string]json.RawMessage
		must(json.Unmarshal(item, &attributes))
		out[i] = s.record("INSERT", item, keysOf(attributes, s.Layout), nil)
	}
	return out
}

func (s *Stream) records(name string, events []envelope.CustomEvent, by any) []json.RawMessage {
	out := make([]json.RawMessage, len(events))
	for i, ev := range events {
		ev.Headers.Source = cmp.Or(ev.Headers.Source, s.Source, "testService")
		ev.Headers.Region = cmp.Or(ev.Headers.Region, regionOf(s.arn()))
		ev.Headers.CreatedBy = cmp.Or(ev.Headers.CreatedBy, ev.Headers.Source)
		item := itemOf(ev, s.Layout)
		out[i] = s.record(name, marshal(item), keysOf(item, s.Layout), by)
	}
	return out
}

func (s *Stream) arn() string { return cmp.Or(s.ARN, streamARN) }

func (s *Stream) record(name string, item json.RawMessage, keys, by any) json.RawMessage {
	s.mu.Lock()
	s.last++
	n := s.last
	s.mu.Unlock()
	view := cmp.Or(s.View, "NEW_IMAGE")
	change := map[string]any{
		"ApproximateCreationDateTime": time.Now().Unix(), "Keys": keys, "StreamViewType": view, "SizeBytes": len(item),
		"SequenceNumber": fmt.Sprintf("4%020d", n), // 21 digits, the fewest that DynamoDB gives
	}
	if name != "REMOVE" && (view == "NEW_IMAGE" || view == bothImages) {
		change["NewImage"] = item
	}
	if name != "INSERT" && (view == "OLD_IMAGE" || view == bothImages) {
		change["OldImage"] = item
	}
	record := map[string]any{
		"eventID": fmt.Sprintf("%032x", n), "eventName": name, "eventVersion": "1.1", "eventSource": "aws:dynamodb",
		"awsRegion": regionOf(s.arn()), "eventSourceARN": s.arn(), "dynamodb": change,
	}
	if by != nil {
		record["userIdentity"] = by
	}
	return marshal(record)
}

const bothImages = "NEW_AND_OLD_IMAGES"

// regionOf returns the region of an ARN, "" if it has none.
func regionOf(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 3 {
		return parts[3]
	}
	return ""
}

// marshal is for values that have a JSON form, which everything here has that
// passed must.
func marshal(v any) json.RawMessage {
	text, err := json.Marshal(v)
	must(err)
	return text
}

// must panics: a test that gives this package what it cannot use has to be
// mended.
func must(err error) {
	if err != nil {
		panic("relaytest: " + err.Error())
	}
}

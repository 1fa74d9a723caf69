package envelope

import (
	"encoding/json"
	"fmt"
)

// Parse reads an event from the Detail of a published EventBridge event,
// {"headers":{…},"payload":…}.
//
// It asks for what a consumer cannot do without, eventId, eventName, timestamp
// and a payload, and takes the rest as it comes: headers that are not known
// become Extensions, and members beside headers and payload are passed over.
// The result shares no memory with detail.
func Parse(detail []byte) (CustomEvent, error) {
	all, err := members(detail)
	if err != nil {
		return CustomEvent{}, fmt.Errorf("envelope: detail is not a JSON object: %w", err)
	}
	return parse(all)
}

func parse(detail map[string]json.RawMessage) (CustomEvent, error) {
	var ev CustomEvent
	headers, ok := detail["headers"]
	if !ok {
		return CustomEvent{}, &FieldError{Field: "headers", Problem: "missing; this is not an event of the outbox"}
	}
	if err := ev.Headers.UnmarshalJSON(headers); err != nil {
		return CustomEvent{}, &FieldError{
			EventID: ev.Headers.EventID, EventName: ev.Headers.EventName,
			Field: "headers", Problem: err.Error(),
		}
	}
	ev.Payload = detail["payload"]
	switch h := ev.Headers; {
	case h.EventID == "":
		return CustomEvent{}, h.fieldError("headers.eventId", "missing")
	case h.EventName == "":
		return CustomEvent{}, h.fieldError("headers.eventName", "missing")
	case h.Timestamp.IsZero():
		return CustomEvent{}, h.fieldError("headers.timestamp", "missing")
	case ev.Payload == nil:
		return CustomEvent{}, h.fieldError("payload", "missing")
	}
	return ev, nil
}

// FromEventBridge reads an event from a whole EventBridge event, as a Lambda
// target receives it:
// {"version":"0","id":…,"detail-type":…,"source":…,"detail":{…}}. The id there
// is EventBridge's and differs between two deliveries of one event; dedupe on
// Headers.EventID.
func FromEventBridge(event []byte) (CustomEvent, error) {
	all, err := members(event)
	if err != nil {
		return CustomEvent{}, fmt.Errorf("envelope: event is not a JSON object: %w", err)
	}
	detail, ok := all["detail"]
	if !ok {
		return CustomEvent{}, &FieldError{Field: "detail", Problem: "missing; this is not an EventBridge event"}
	}
	return Parse(detail)
}

// FromSQS reads an event from the body of an SQS message that a rule of the bus
// sent: the whole EventBridge event, or only its Detail where the rule's target
// says so (InputPath "$.detail").
func FromSQS(body []byte) (CustomEvent, error) {
	all, err := members(body)
	if err != nil {
		return CustomEvent{}, fmt.Errorf("envelope: message is not a JSON object: %w", err)
	}
	if detail, ok := all["detail"]; ok && all["headers"] == nil {
		return Parse(detail)
	}
	return parse(all)
}

// members are those of a JSON object, by their exact names: a struct would take
// names of another case too.
func members(object []byte) (all map[string]json.RawMessage, err error) {
	err = json.Unmarshal(object, &all)
	return all, err
}

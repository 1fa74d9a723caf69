package envelope

import (
	"bytes"
	"encoding/json"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// Parse reads an event from the Detail of a published EventBridge event,
// {"headers":{…},"payload":…}.
//
// It asks for what a consumer cannot do without, eventId, eventName, timestamp
// and a payload, and takes the rest as it comes: headers that are not known
// become Extensions, and members beside headers and payload are left out.
// The result shares no memory with detail.
//
// The error is a [*FieldError]. For what is not an event of the outbox it says
// what it looks like: a whole SQS event, a payload alone, and so on.
func Parse(detail []byte) (CustomEvent, error) {
	all, err := readObject(detail, "")
	if err != nil {
		return CustomEvent{}, err
	}
	return all.event()
}

// FromEventBridge reads an event from a whole EventBridge event, as a Lambda
// target receives it:
// {"version":"0","id":…,"detail-type":…,"source":…,"detail":{…}}. What the bus
// says of the event is in its field Bus. The error is that of [Parse].
func FromEventBridge(event []byte) (CustomEvent, error) {
	all, err := readObject(event, "")
	if err != nil {
		return CustomEvent{}, err
	}
	if _, ok := all["detail"]; !ok {
		return CustomEvent{}, &FieldError{Field: "detail", Problem: all.missing()}
	}
	return all.busEvent()
}

// FromSQS reads an event from the body of an SQS message: the whole EventBridge
// event that a rule of the bus sent, only its Detail where the rule's target
// says so (InputPath "$.detail"), or either of them as the Message of an SNS
// notification. What the bus says of the event is in its field Bus, if it is
// there. The error is that of [Parse].
func FromSQS(body []byte) (CustomEvent, error) {
	all, err := readObject(body, "")
	if err != nil {
		return CustomEvent{}, err
	}
	if all.isNotification() {
		if all, err = readObject([]byte(all.text("Message")), "the Message of an SNS notification is "); err != nil {
			return CustomEvent{}, err
		}
		if all.isNotification() {
			return CustomEvent{}, &FieldError{Field: "headers", Problem: "missing; this is an SNS notification within another"}
		}
	}
	if _, ok := all["detail"]; ok && all["headers"] == nil {
		return all.busEvent()
	}
	return all.event()
}

// object has the members of a JSON object, by their exact names: a struct would
// take names of another case too. Of members with one name it has the last.
type object map[string][]byte

// readObject reads the members of a JSON object. They are parts of text. What
// says what the text is, for the error.
func readObject(text []byte, what string) (object, error) {
	if !json.Valid(text) {
		return nil, &FieldError{Problem: what + notJSON(text)}
	}
	return objectOf(text, what)
}

// objectOf is readObject for a text that is known to be JSON.
func objectOf(text []byte, what string) (object, error) {
	if jsonlex.At(text, jsonlex.Space(text, 0)) != '{' {
		problem := kindOf(text) + ", not the JSON object of an event"
		if kindOf(text) == "a JSON string" {
			problem += "; if it holds an event, decode it first"
		}
		return nil, &FieldError{Problem: what + problem}
	}
	all := object{}
	for name, value := range members(text) {
		all[name] = value
	}
	return all, nil
}

// members returns the members of a JSON object in their order. The text is one
// that encoding/json takes.
func members(text []byte) func(yield func(name string, value []byte) bool) {
	return func(yield func(string, []byte) bool) {
		p, more := jsonlex.First(text, jsonlex.Space(text, 0))
		for more {
			end := jsonlex.SkipString(text, p)
			name, _ := decodeText(text[p:end])
			p, _ = jsonlex.Colon(text, end)
			end = jsonlex.Skip(text, p)
			if !yield(name, text[p:end]) {
				return
			}
			p, more, _ = jsonlex.Next(text, end, '}')
		}
	}
}

// decodeText decodes a JSON string as encoding/json does, which takes U+FFFD for
// what is no character.
func decodeText(value []byte) (text string, ok bool) {
	if jsonlex.At(value, 0) != '"' {
		return "", false
	}
	if end, plain, bad := jsonlex.String(value, 0); plain && bad == jsonlex.None {
		return string(value[1 : end-1]), true
	}
	err := json.Unmarshal(value, &text)
	return text, err == nil
}

// text returns a member that is a string, "" if there is none.
func (all object) text(name string) string {
	text, _ := decodeText(all[name])
	return text
}

// has reports whether the object has all members of these names.
func (all object) has(names ...string) bool {
	for _, name := range names {
		if _, ok := all[name]; !ok {
			return false
		}
	}
	return true
}

// busEvent reads the event of an EventBridge event.
func (all object) busEvent() (CustomEvent, error) {
	detail, err := objectOf(all["detail"], "detail is ")
	if err != nil {
		return CustomEvent{}, err
	}
	if !detail.has("headers") {
		return CustomEvent{}, &FieldError{Field: "detail.headers", Problem: all.missing()}
	}
	ev, err := detail.event()
	if err != nil {
		return CustomEvent{}, err
	}
	ev.Bus = busInfo(all)
	return ev, nil
}

// event reads the event of a Detail.
func (all object) event() (CustomEvent, error) {
	headers, ok := all["headers"]
	if !ok {
		return CustomEvent{}, &FieldError{Field: "headers", Problem: all.missing()}
	}
	var ev CustomEvent
	if err := ev.Headers.read(headers); err != nil {
		return CustomEvent{}, err
	}
	ev.Payload = bytes.Clone(all["payload"])
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

package envelope

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// MarshalJSON writes the headers in their order of declaration, optional ones
// only when set, extensions last and sorted by name.
func (h Headers) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 512)
	b = append(b, '{')
	text := func(name, value string) {
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, name...)
		b = append(b, `":`...)
		quoted, _ := json.Marshal(value) // it refuses no string
		b = append(b, quoted...)
	}
	number := func(name string, value int64) {
		b = append(b, `,"`...)
		b = append(b, name...)
		b = append(b, `":`...)
		b = strconv.AppendInt(b, value, 10)
	}
	optional := func(name, value string) {
		if value != "" {
			text(name, value)
		}
	}
	text("eventId", h.EventID)
	text("correlationId", h.CorrelationID)
	text("eventName", h.EventName)
	text("createdBy", h.CreatedBy)
	text("source", h.Source)
	text("region", h.Region)
	number("timestamp", h.Timestamp.UnixMilli())
	optional("causationId", h.CausationID)
	optional("aggregateId", h.AggregateID)
	if h.Sequence != 0 {
		number("sequence", h.Sequence)
	}
	optional("traceparent", h.TraceParent)
	optional("schemaVersion", h.SchemaVersion)

	names := make([]string, 0, len(h.Extensions))
	for name := range h.Extensions {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		value := h.Extensions[name]
		if reserved(name) || len(value) == 0 {
			return nil, fmt.Errorf("envelope: header %q cannot be an extension with %d bytes of value", name, len(value))
		}
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		b = append(b, ',')
		b = append(b, key...)
		b = append(b, ':')
		b = append(b, value...)
	}
	return append(b, '}'), nil
}

// UnmarshalJSON reads headers. Names are matched exactly. A number may also
// come as a JSON string, as some writers of this format store it. Headers that
// are not known become Extensions, so nothing is lost. Missing headers are left
// empty; [Parse] says which of them must be there.
func (h *Headers) UnmarshalJSON(data []byte) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	if all == nil {
		return errors.New("headers are null")
	}
	*h = Headers{}
	texts := map[string]*string{
		"eventId": &h.EventID, "correlationId": &h.CorrelationID, "eventName": &h.EventName,
		"createdBy": &h.CreatedBy, "source": &h.Source, "region": &h.Region,
		"causationId": &h.CausationID, "aggregateId": &h.AggregateID,
		"traceparent": &h.TraceParent, "schemaVersion": &h.SchemaVersion,
	}
	for name, raw := range all {
		if field, ok := texts[name]; ok {
			if err := json.Unmarshal(raw, field); err != nil {
				return fmt.Errorf("header %s is not a string", name)
			}
			continue
		}
		switch name {
		case "timestamp":
			ms, err := integer(raw)
			if err != nil {
				return fmt.Errorf("header timestamp is not a whole number of milliseconds")
			}
			h.Timestamp = time.UnixMilli(ms).UTC()
		case "sequence":
			n, err := integer(raw)
			if err != nil {
				return fmt.Errorf("header sequence is not a whole number")
			}
			h.Sequence = n
		default:
			if h.Extensions == nil {
				h.Extensions = map[string]json.RawMessage{}
			}
			h.Extensions[name] = raw
		}
	}
	return nil
}

// integer reads a JSON number, or a JSON string that holds one, exactly.
func integer(raw json.RawMessage) (int64, error) {
	var n json.Number
	if err := json.Unmarshal(raw, &n); err != nil {
		return 0, err
	}
	return strconv.ParseInt(n.String(), 10, 64)
}

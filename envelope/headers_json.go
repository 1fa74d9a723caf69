package envelope

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/header"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// MarshalJSON writes the headers in their order of declaration, optional ones
// only when set, extensions last and sorted by name.
func (h Headers) MarshalJSON() ([]byte, error) {
	fields := (*header.Fields)(&h)
	b := append(make([]byte, 0, 512), '{')
	for i, row := range header.Table {
		if row.Number {
			if n := fields.Number(i); n != 0 || row.Always {
				b = strconv.AppendInt(appendName(b, row.Name), n, 10)
			}
			continue
		}
		if text := *fields.Text(i); text != "" || row.Always {
			quoted, _ := json.Marshal(text) // it refuses no string
			b = append(appendName(b, row.Name), quoted...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(h.Extensions)) {
		value := h.Extensions[name]
		if header.Named(name) >= 0 || len(value) == 0 {
			return nil, h.fieldError(extensionPath(name),
				fmt.Sprintf("cannot be an extension with %d bytes of value", len(value)))
		}
		b = append(appendName(b, name), value...)
	}
	return append(b, '}'), nil
}

// appendName appends the comma before a member, its name and the colon.
func appendName(b []byte, name string) []byte {
	if len(b) > 1 {
		b = append(b, ',')
	}
	quoted, _ := json.Marshal(name)
	return append(append(b, quoted...), ':')
}

// UnmarshalJSON reads headers. Names are matched exactly. A number may be
// written in any way that is a whole number, and also come as a JSON string, as
// some writers of this format store it. Headers that are not known become
// Extensions, so nothing is lost. Missing headers, and those that are null, are
// left empty; [Parse] says which of them must be there.
//
// The error is a [*FieldError] for the first header at fault. It names the
// event even where the eventId comes later.
func (h *Headers) UnmarshalJSON(data []byte) error {
	*h = Headers{}
	if !json.Valid(data) {
		return h.fieldError("headers", notJSON(data))
	}
	return h.read(data)
}

// read is UnmarshalJSON of a text that is known to be JSON, into empty headers.
func (h *Headers) read(data []byte) error {
	if jsonlex.At(data, jsonlex.Space(data, 0)) != '{' {
		return h.fieldError("headers", "not a JSON object, but "+kindOf(data))
	}
	fields := (*header.Fields)(h)
	faulty, problem := -1, ""
	for name, value := range members(data) {
		i := header.Named(name)
		switch {
		case i < 0:
			if h.Extensions == nil {
				h.Extensions = map[string]json.RawMessage{}
			}
			h.Extensions[name] = bytes.Clone(value)
		case string(value) == "null":
		case header.Table[i].Number:
			n, ok := wholeNumber(value)
			if ok {
				fields.SetNumber(i, n)
			} else if faulty < 0 {
				faulty, problem = i, "not a whole number"
			}
		default:
			text, ok := decodeText(value)
			if ok {
				*fields.Text(i) = text
			} else if faulty < 0 {
				faulty, problem = i, "not a string"
			}
		}
	}
	if faulty >= 0 {
		return h.fieldError("headers."+header.Table[faulty].Name, problem)
	}
	return nil
}

// wholeNumber reads a JSON number, or a JSON string that holds one, exactly.
func wholeNumber(value []byte) (int64, bool) {
	if text, ok := decodeText(value); ok {
		return decimal.Int64(text)
	}
	return decimal.Int64(value)
}

// extensionPath is the path of a header of the caller's own.
func extensionPath(name string) string {
	return jsonlex.Path(jsonlex.AppendKey([]byte("headers"), name))
}

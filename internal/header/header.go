// Package header is the list of an event's headers: what they are called in
// JSON, of which type they are, and which of them must be there. Whatever
// reads or writes headers walks over this list, so that a new header is an
// entry here and a field of [Fields] and envelope.Headers.
package header

import (
	"encoding/json"
	"time"
)

// The headers, in the order in which they are written.
const (
	EventID = iota
	CorrelationID
	EventName
	CreatedBy
	Source
	Region
	Timestamp
	CausationID
	AggregateID
	Sequence
	TraceParent
	SchemaVersion
	Count
)

// Header is one header of the format.
type Header struct {
	// Name is its name in JSON and in the item.
	Name string

	// Number reports that it is a whole number; every other one is a string.
	Number bool

	// Always reports that it is written even when it is empty.
	Always bool

	// Required reports that an event without it cannot be published.
	Required bool
}

// Table has the headers by their constants.
var Table = [Count]Header{
	EventID:       {Name: "eventId", Always: true, Required: true},
	CorrelationID: {Name: "correlationId", Always: true},
	EventName:     {Name: "eventName", Always: true, Required: true},
	CreatedBy:     {Name: "createdBy", Always: true},
	Source:        {Name: "source", Always: true, Required: true},
	Region:        {Name: "region", Always: true},
	Timestamp:     {Name: "timestamp", Always: true, Required: true, Number: true},
	CausationID:   {Name: "causationId"},
	AggregateID:   {Name: "aggregateId"},
	Sequence:      {Name: "sequence", Number: true},
	TraceParent:   {Name: "traceparent"},
	SchemaVersion: {Name: "schemaVersion"},
}

// Fields are the fields of envelope.Headers, which converts to it: this package
// cannot import that one. The compiler holds them together.
type Fields struct {
	EventID       string
	CorrelationID string
	EventName     string
	CreatedBy     string
	Source        string
	Region        string
	Timestamp     time.Time
	CausationID   string
	AggregateID   string
	Sequence      int64
	TraceParent   string
	SchemaVersion string
	Extensions    map[string]json.RawMessage
}

// Named returns the header of a name, which is compared exactly; -1 if it is
// none of these.
func Named[S string | []byte](name S) int {
	if len(name) < len(byLength) {
		for _, i := range byLength[len(name)] {
			if string(name) == Table[i].Name {
				return int(i)
			}
		}
	}
	return -1
}

// byLength has the headers by the length of their names.
var byLength = func() (rows [16][]int8) {
	for i, h := range Table {
		rows[len(h.Name)] = append(rows[len(h.Name)], int8(i))
	}
	return rows
}()

// Text returns the field of a header that is a string, nil for a number.
func (f *Fields) Text(i int) *string {
	switch i {
	case EventID:
		return &f.EventID
	case CorrelationID:
		return &f.CorrelationID
	case EventName:
		return &f.EventName
	case CreatedBy:
		return &f.CreatedBy
	case Source:
		return &f.Source
	case Region:
		return &f.Region
	case CausationID:
		return &f.CausationID
	case AggregateID:
		return &f.AggregateID
	case TraceParent:
		return &f.TraceParent
	case SchemaVersion:
		return &f.SchemaVersion
	}
	return nil
}

// Count is how many of the headers in the table are written.
func (f *Fields) Count() int {
	n := 0
	for i, h := range Table {
		if h.Always || f.Number(i) != 0 || !h.Number && *f.Text(i) != "" {
			n++
		}
	}
	return n
}

// Number returns a header that is a number, 0 for a string. A timestamp is in
// Unix milliseconds.
func (f *Fields) Number(i int) int64 {
	switch i {
	case Timestamp:
		return f.Timestamp.UnixMilli()
	case Sequence:
		return f.Sequence
	}
	return 0
}

// SetNumber sets a header that is a number.
func (f *Fields) SetNumber(i int, n int64) {
	switch i {
	case Timestamp:
		f.Timestamp = time.UnixMilli(n).UTC()
	case Sequence:
		f.Sequence = n
	}
}

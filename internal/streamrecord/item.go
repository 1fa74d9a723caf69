package streamrecord

// part is a part of an item, for what is wrong with it. When several parts are
// at fault, the first in this order is the one that is named, whatever order
// the stream has them in.
type part int

const (
	eventPart part = iota // the attribute as a whole
	headersPart
	payloadPart
	othersPart
	partCount
)

// item is what an image says, as far as it has been read.
type item struct {
	hasMarker, marked bool // it has the marker attribute; with the right value
	hasEvent          bool // it has the event attribute, and the rest is about that

	start                  int // in the source
	faults                 [partCount]*Fault
	hasHeaders, hasPayload bool
	headers                headers
	detail                 span // in the output
}

// resetEvent forgets an event attribute that was read before, for one begins
// at start.
func (it *item) resetEvent(start int) {
	*it = item{hasMarker: it.hasMarker, marked: it.marked, hasEvent: true, start: start}
}

// fail notes what is wrong with a part, unless something is already.
func (it *item) fail(where part, code, message string) {
	if it.faults[where] == nil {
		it.faults[where] = &Fault{Code: code, Message: message}
	}
}

// kind says what the item is, by the marker and the event attribute.
func (it *item) kind(cfg *Config) (Kind, *Fault) {
	switch {
	case cfg.Marker != "" && !it.hasMarker:
		return NotEvent, nil
	case cfg.Marker != "" && !it.marked:
		return Undecodable, &Fault{UnknownFormat, cfg.Marker + " marks a format that is not known here"}
	case !it.hasEvent:
		return Undecodable, &Fault{MissingEvent, "the image lacks the attribute " + cfg.Event}
	case it.faults[eventPart] != nil:
		return Undecodable, it.faults[eventPart]
	case it.faults[headersPart] != nil:
		return Undecodable, it.faults[headersPart]
	case !it.hasHeaders:
		return Undecodable, &Fault{MissingHeader, cfg.Event + ".headers is missing"}
	case it.faults[payloadPart] != nil:
		return Undecodable, it.faults[payloadPart]
	case !it.hasPayload:
		return Undecodable, &Fault{MissingPayload, cfg.Event + ".payload is missing"}
	case it.faults[othersPart] != nil:
		return Undecodable, it.faults[othersPart]
	}
	return Event, nil
}

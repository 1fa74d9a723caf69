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
	troubles               [partCount]trouble
	hasHeaders, hasPayload bool
	headers                headers
	detail, headersAt      span // in the output
}

// resetEvent forgets an event attribute that was read before, for one begins
// at start.
func (it *item) resetEvent(start int) {
	*it = item{hasMarker: it.hasMarker, marked: it.marked, hasEvent: true, start: start}
}

// fail notes what is wrong with a part, unless something is already.
func (it *item) fail(where part, bad problem, at int) {
	if it.troubles[where].bad == none {
		it.troubles[where] = trouble{bad, at}
	}
}

// judgeItem says what the item is that has been read.
func (d *Decoder) judgeItem() (Kind, *Fault) {
	it, event := &d.item, d.cfg.Event
	switch {
	case d.cfg.Marker != "" && !it.hasMarker:
		return NotEvent, nil
	case d.cfg.Marker != "" && !it.marked:
		return Undecodable, &Fault{UnknownFormat, d.cfg.Marker + ": a format that this version does not know"}
	case !it.hasEvent:
		return Undecodable, &Fault{MissingEvent, event + ": the image has no such attribute"}
	case it.troubles[eventPart].bad != none:
		return Undecodable, d.explain(it.troubles[eventPart])
	case it.troubles[headersPart].bad != none:
		return Undecodable, d.explain(it.troubles[headersPart])
	case !it.hasHeaders:
		return Undecodable, &Fault{MissingHeader, event + ".headers: missing"}
	case it.troubles[payloadPart].bad != none:
		return Undecodable, d.explain(it.troubles[payloadPart])
	case !it.hasPayload:
		return Undecodable, &Fault{MissingPayload, event + ".payload: missing"}
	case it.troubles[othersPart].bad != none:
		return Undecodable, d.explain(it.troubles[othersPart])
	}
	return Event, nil
}

// explain puts a trouble with the event attribute into words.
func (d *Decoder) explain(t trouble) *Fault {
	what := problems[t.bad]
	if t.bad >= noHeader {
		return &Fault{what.code, d.cfg.Event + ".headers." + requiredHeaders[t.at] + ": " + what.text}
	}
	return &Fault{what.code, path(d.src[d.item.start:t.at], d.cfg.Event) + ": " + what.text}
}

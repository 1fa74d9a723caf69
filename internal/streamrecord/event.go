package streamrecord

import (
	"bytes"
	"strings"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/header"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// eventReader transcodes the event attribute of a record.
type eventReader struct {
	source
	keys  keys
	texts texts
	dst   []byte // the Details of all records; what is written is never longer than what was read
	n     int    // the end of the last Detail that is kept

	headers *EventHeaders // where they go
	like    *Record       // the record before, which has some of them in common with this one
	event   event
}

// event is what the event attribute says, as far as it has been read.
type event struct {
	start  int  // in the source
	detail span // in the output
	json   span // the headers there

	// The problem that decides about the event. There may be several; the one
	// in the first part, in the order of the constants, is the one that is
	// named, whatever order the stream has them in. It becomes a Fault only at
	// the end, for many items with a problem are no events.
	bad     problem
	badPart part
	badAt   int // in the source; of what is missing, the member
	part    part
}

// span is a part of the output.
type span struct{ from, to int }

// part is a part of the event attribute.
type part uint8

const (
	wholePart part = iota
	headersPart
	payloadPart
	otherPart
)

// fail notes a problem with the part that is being read.
func (e *event) fail(bad problem, at int) {
	if e.bad == none || e.part < e.badPart {
		e.bad, e.badPart, e.badAt = bad, e.part, at
	}
}

// texts collects the strings of a batch, so that they cost few allocations
// together.
type texts struct {
	strings.Builder
	full int // bytes in the builders before
}

// reset begins a batch. It will need about as much as the one before.
func (t *texts) reset() {
	length := t.full + t.Len()
	t.full = 0
	t.Reset()
	t.Grow(length)
}

// keep returns s as a string that stays. like is one that may well be equal.
func (t *texts) keep(s []byte, like string) string {
	if string(s) == like {
		return like
	}
	if t.Cap()-t.Len() < len(s) { // a new one: the strings would keep alive what a larger one is copied from
		t.full += t.Len()
		size := max(t.full/2, len(s), 512)
		t.Reset()
		t.Grow(size)
	}
	from := t.Len()
	t.Write(s)
	return t.String()[from:]
}

// readEvent transcodes the event attribute at src[p] to the output, and returns
// the position behind it, -1 if there is none. What is wrong with one member
// does not keep the others from being read, for a dead letter wants the headers.
func (r *eventReader) readEvent(p int) int {
	e := &r.event
	e.start = p
	n, q, bad := r.copyMembers(inEvent, r.n, p)
	if bad != none {
		e.part = wholePart
		e.fail(bad, q)
		return jsonlex.Skip(r.src, p)
	}
	if e.part = headersPart; !r.keys.seen.has(eventHeaders) {
		e.fail(noHeader, int(eventHeaders))
	}
	if e.part = payloadPart; !r.keys.seen.has(eventPayload) {
		e.fail(noPayload, int(eventPayload))
	}
	e.detail = span{r.n, n}
	return q
}

// keepEvent returns the Detail and the headers in it, and keeps their place.
func (r *eventReader) keepEvent() (detail, headers []byte) {
	headers = r.keepHeaders()
	at := r.event.detail
	r.n = at.to
	return r.dst[at.from:at.to:at.to], headers
}

// keepHeaders returns the headers, nil if they could not be read, and keeps
// their place.
func (r *eventReader) keepHeaders() []byte {
	at := r.event.json
	if at.to == 0 {
		return nil
	}
	r.n = at.to
	return r.dst[at.from:at.to:at.to]
}

// copyMembers copies the M at src[p], which is the event attribute or its
// headers. A member with a problem is left out, and the problem noted.
func (r *eventReader) copyMembers(in level, n, p int) (int, int, problem) {
	src, dst := r.src, r.dst
	t, q, bad := tag(src, p)
	if bad != none {
		return n, q, bad
	}
	if t != 'M' || jsonlex.At(src, q) != '{' {
		return n, p, notMap
	}
	dst[n] = '{'
	n++
	last := unknownMember
	q, more := jsonlex.First(src, q)
	for more {
		from := n
		m, value := r.keys.guess(src, in, last, q)
		if m != unknownMember {
			n += copy(dst[n:], r.keys.quoted[m])
		} else {
			if n, value, bad = copyKey(dst, src, n, q); bad != none {
				return n, value, bad
			}
			m = r.keys.named(in, last, dst[from+1:n-2])
		}
		last = m
		switch {
		case !r.keys.once(m):
			q, bad = value, duplicate
		case in == inHeaders:
			n, q, bad = r.copyHeader(m, n, value)
		default:
			n, q, bad = r.copyPart(m, n, value)
		}
		if bad == none {
			dst[n] = ','
			n++
		} else {
			r.event.fail(bad, q)
			if n, q = from, jsonlex.Skip(src, value); q < 0 {
				return n, value, malformed
			}
		}
		var fault jsonlex.Fault
		if q, more, fault = jsonlex.Next(src, q, '}'); fault != jsonlex.None {
			return n, q, malformed
		}
	}
	if dst[n-1] == ',' {
		n--
	}
	dst[n] = '}'
	q, bad = closed(src, q)
	return n + 1, q, bad
}

// copyPart copies the value of a member of the event attribute.
func (r *eventReader) copyPart(m member, n, p int) (int, int, problem) {
	e := &r.event
	switch m {
	case eventHeaders:
		e.part = headersPart
		end, q, bad := r.copyMembers(inHeaders, n, p)
		if bad == none {
			e.json = span{n, end}
			r.checkHeaders()
		}
		return end, q, bad
	case eventPayload:
		e.part = payloadPart
		return r.copyPayload(n, p)
	}
	e.part = otherPart
	return copyValue(r.dst, r.src, n, p, 1)
}

// copyPayload copies the payload at src[p]: an S holds JSON text, which is
// checked and taken as it is, and every other type is a value.
func (r *eventReader) copyPayload(n, p int) (int, int, problem) {
	t, q, bad := tag(r.src, p)
	if bad != none {
		return n, q, bad
	}
	if t != 'S' {
		return copyValue(r.dst, r.src, n, p, 1)
	}
	end, q, bad := unquote(r.dst, r.src, n, q)
	if bad != none {
		return n, q, bad
	}
	text := r.dst[n:end]
	behind, fault := jsonlex.Value(text, jsonlex.Space(text, 0), maxDepth-1)
	switch {
	case fault == jsonlex.TooDeep:
		return n, p, tooDeep
	case fault != jsonlex.None || jsonlex.Space(text, behind) < len(text):
		return n, p, badText
	}
	q, bad = closed(r.src, q)
	return end, q, bad
}

// copyHeader copies the value of a header, and reads it if it is known.
func (r *eventReader) copyHeader(m member, n, p int) (int, int, problem) {
	t, q, bad := tag(r.src, p)
	if bad != none {
		return n, q, bad
	}
	end, q, bad := copyTagged(r.dst, r.src, n, q, t, 2)
	if bad == none {
		q, bad = closed(r.src, q)
	}
	if bad == none && m != unknownMember {
		r.readHeader(int(m-firstHeader), t, r.dst[n:end], q)
	}
	return end, q, bad
}

var (
	minTimestamp = envelope.MinTimestamp.UnixMilli()
	maxTimestamp = envelope.MaxTimestamp.UnixMilli()
)

// readHeader reads a header, if the relay needs it, from its JSON form. t is
// its type in the stream, where it ends at src[p].
func (r *eventReader) readHeader(i int, t byte, json []byte, p int) {
	h, like := r.headers, &r.like.EventHeaders
	var field *string
	var alike string // the same header of the record before, where they are often equal
	switch i {
	case header.EventID:
		field = &h.EventID
	case header.EventName:
		field, alike = &h.EventName, like.EventName
	case header.Source:
		field, alike = &h.Source, like.Source
	case header.Region:
		field, alike = &h.Region, like.Region
	case header.AggregateID:
		field, alike = &h.AggregateID, like.AggregateID
	case header.TraceParent:
		field = &h.TraceParent
	case header.Sequence:
		if t == 'N' {
			if n, ok := decimal.Int64(json); ok {
				h.Sequence = n
			}
		}
		return
	case header.Timestamp:
		if t != 'N' { // an S, as some writers have it
			json = r.textOf(t, json)
		}
		ms, ok := decimal.Int64(json)
		if !ok || ms < minTimestamp || ms >= maxTimestamp {
			r.event.fail(badTimestamp, p)
			return
		}
		h.Timestamp = ms
		return
	default:
		return
	}
	*field = r.texts.keep(r.textOf(t, json), alike)
	if *field == "" && header.Table[i].Required {
		r.event.fail(badHeader, p)
	}
}

// textOf returns the text of a value of type t from its JSON form, nil if it is
// not an S.
func (r *eventReader) textOf(t byte, json []byte) []byte {
	if t != 'S' {
		return nil
	}
	if bytes.IndexByte(json, '\\') < 0 {
		return json[1 : len(json)-1]
	}
	return r.unescaped(json, 0)
}

// checkHeaders looks for headers that are required and not there.
func (r *eventReader) checkHeaders() {
	for i := range header.Table {
		if m := firstHeader + member(i); header.Table[i].Required && !r.keys.seen.has(m) {
			r.event.fail(noHeader, int(m))
		}
	}
}

// explain puts the problem of the event into words.
func (r *eventReader) explain() *Fault {
	e, what := &r.event, problems[r.event.bad]
	if e.bad == noHeader || e.bad == noPayload {
		return &Fault{what.code, r.keys.paths[e.badAt] + ": " + what.text}
	}
	return &Fault{what.code, path(r.src[e.start:e.badAt], r.keys.names[imageEvent]) + ": " + what.text}
}

package streamrecord

import (
	"bytes"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

// The headers that the relay reads. All of them are transcoded.
const (
	headerEventID = iota
	headerEventName
	headerSource
	headerTimestamp
	headerRegion
	headerAggregateID
	headerTraceParent
	headerSequence
	headerCount
)

// requiredHeaders are those without which nothing can be published.
var requiredHeaders = [...]string{
	headerEventID:   "eventId",
	headerEventName: "eventName",
	headerSource:    "source",
	headerTimestamp: "timestamp",
}

func headerNamed(name []byte) int {
	switch string(name) {
	case "eventId":
		return headerEventID
	case "eventName":
		return headerEventName
	case "source":
		return headerSource
	case "timestamp":
		return headerTimestamp
	case "region":
		return headerRegion
	case "aggregateId":
		return headerAggregateID
	case "traceparent":
		return headerTraceParent
	case "sequence":
		return headerSequence
	}
	return -1
}

// header is a header that has been transcoded: its type in the stream, 0 if
// absent, and where its JSON form is in the output.
type header struct {
	tag      byte
	from, to int
}

// headers are what the relay reads of them.
type headers struct {
	eventID, eventName, source, region, aggregateID, traceParent span
	timestamp, sequence                                          int64
}

// headers transcodes the headers at src[p]. What is wrong with one of them does
// not keep the others from being read.
func (d *Decoder) headers(n, p int) (int, int, problem) {
	src, dst := d.src, d.dst
	t, q, bad := tag(src, p)
	if bad != none {
		return n, q, bad
	}
	if t != 'M' || at(src, q) != '{' {
		return n, p, notMap
	}
	var found [headerCount]header
	dst[n] = '{'
	n++
	q, more := first(src, q)
	for more {
		from := n
		if n, q, bad = copyKey(dst, src, n, q); bad != none {
			return n, q, bad
		}
		name := headerNamed(dst[from+1 : n-2])
		value, start := q, n
		if t, n, q, bad = d.header(n, q); bad == none {
			if name >= 0 {
				found[name] = header{t, start, n}
			}
			dst[n] = ','
			n++
		} else {
			d.item.fail(headersPart, bad, q)
			if n, q = from, skip(src, value); q < 0 {
				return n, value, malformed
			}
		}
		end := q
		if q, more = next(src, q, '}'); q < 0 {
			return n, end, malformed
		}
	}
	n = closeObject(dst, n)
	if q = space(src, q); at(src, q) != '}' {
		return n, q, notClosed(src, q)
	}
	d.takeHeaders(&found)
	return n, q + 1, none
}

// header transcodes the value of one header and returns its type. Nearly all
// headers are strings, so those are not sent through the machine for any value.
func (d *Decoder) header(n, p int) (byte, int, int, problem) {
	src, dst := d.src, d.dst
	t := simpleTag(load(src, p))
	if t == 'S' && src[p+5] == '"' {
		dst[n] = '"'
		m, q, bad := copyString(dst, src, n+1, p+6)
		if bad == none && at(src, q) == '}' {
			return t, m, q + 1, none
		}
	}
	if t == 0 {
		t, _, _ = anyTag(src, p)
	}
	n, p, bad := d.open.copyValue(dst, src, n, p, 2)
	return t, n, p, bad
}

// takeHeaders reads the headers from the output, and checks those that are
// required.
func (d *Decoder) takeHeaders(found *[headerCount]header) {
	m, h, like := &d.metadata, &d.item.headers, &d.metadata.last().headers
	h.eventID = m.keep(d.content(found[headerEventID]), span{})
	h.eventName = m.keep(d.content(found[headerEventName]), like.eventName)
	h.source = m.keep(d.content(found[headerSource]), like.source)
	h.region = m.keep(d.content(found[headerRegion]), like.region)
	h.aggregateID = m.keep(d.content(found[headerAggregateID]), like.aggregateID)
	h.traceParent = m.keep(d.content(found[headerTraceParent]), span{})
	if s := found[headerSequence]; s.tag == 'N' {
		h.sequence, _ = parseInt(d.dst[s.from:s.to])
	}
	for i, got := range [...]span{h.eventID, h.eventName, h.source} {
		if found[i].tag == 0 {
			d.item.fail(headersPart, noHeader, i)
		} else if got.from == got.to {
			d.item.fail(headersPart, badHeader, i)
		}
	}
	h.timestamp = d.timestamp(found[headerTimestamp])
}

// content returns the text of a header of type S, nil if it is of another.
func (d *Decoder) content(h header) []byte {
	if h.tag != 'S' {
		return nil
	}
	s := d.dst[h.from+1 : h.to-1]
	if bytes.IndexByte(s, '\\') < 0 {
		return s
	}
	buffer := d.scratchOf(len(s))
	n, _, _ := unquote(buffer, d.dst[:h.to], 0, h.from+1)
	return buffer[:n]
}

var (
	minTimestamp = envelope.MinTimestamp.UnixMilli()
	maxTimestamp = envelope.MaxTimestamp.UnixMilli()
)

// timestamp reads the timestamp header: Unix milliseconds in an N, or in an S
// as some writers have it. It is 0 if the header is at fault.
func (d *Decoder) timestamp(h header) int64 {
	var digits []byte
	switch h.tag {
	case 0:
		d.item.fail(headersPart, noHeader, headerTimestamp)
		return 0
	case 'N':
		digits = d.dst[h.from:h.to]
	case 'S':
		digits = d.content(h)
	}
	ms, ok := parseInt(digits)
	if !ok || ms < minTimestamp || ms >= maxTimestamp {
		d.item.fail(headersPart, badTimestamp, headerTimestamp)
		return 0
	}
	return ms
}

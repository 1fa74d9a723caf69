package streamrecord

// event transcodes the event attribute at src[p] to the output, and returns the
// position behind it, -1 if there is none. What is wrong with one member does
// not keep the others from being read, for a dead letter wants the headers.
func (d *Decoder) event(p int) int {
	it := &d.item
	it.resetEvent(p)
	q, bad := d.eventMap(p)
	if bad == none {
		return q
	}
	it.fail(eventPart, bad, q)
	return skip(d.src, p)
}

// eventMap does the work of event, and returns where the problem is if there
// is one. Of headers and of payload, there is one in the output, though an
// object may have several: the last one counts, as in encoding/json.
func (d *Decoder) eventMap(p int) (int, problem) {
	src, dst, it := d.src, d.dst, &d.item
	t, q, bad := tag(src, p)
	if bad != none {
		return q, bad
	}
	if t != 'M' || at(src, q) != '{' {
		return p, notMap
	}
	n := d.n
	dst[n] = '{'
	n++
	var written [partCount]span // of headers and payload, with the comma
	q, more := first(src, q)
	for more {
		from := n
		if n, q, bad = copyKey(dst, src, n, q); bad != none {
			return q, bad
		}
		where := partNamed(dst[from+1 : n-2])
		if where != othersPart {
			it.troubles[where] = trouble{}
			if earlier := written[where]; earlier.to != 0 {
				moved := earlier.to - earlier.from
				n, from = earlier.from+copy(dst[earlier.from:], dst[earlier.to:n]), from-moved
				if other := &written[headersPart+payloadPart-where]; other.from > earlier.from {
					other.from, other.to = other.from-moved, other.to-moved
				}
			}
		}
		value := q
		switch where {
		case headersPart:
			it.hasHeaders = true
			it.headers = headers{}
			n, q, bad = d.headers(n, q)
		case payloadPart:
			it.hasPayload = true
			n, q, bad = d.payload(n, q)
		default:
			n, q, bad = d.open.copyValue(dst, src, n, q, 1)
		}
		if bad == none {
			dst[n] = ','
			n++
		} else {
			it.fail(where, bad, q)
			if n, q = from, skip(src, value); q < 0 {
				return value, malformed
			}
		}
		if where != othersPart {
			written[where] = span{from, n}
		}
		end := q
		if q, more = next(src, q, '}'); q < 0 {
			return end, malformed
		}
	}
	if w := written[headersPart]; w.to > w.from {
		it.headersAt = span{w.from + len(`"headers":`), w.to - len(`,`)}
	}
	n = closeObject(dst, n)
	if q = space(src, q); at(src, q) != '}' {
		return q, notClosed(src, q)
	}
	it.detail = span{d.n, n}
	return q + 1, none
}

func partNamed(name []byte) part {
	switch string(name) {
	case "headers":
		return headersPart
	case "payload":
		return payloadPart
	}
	return othersPart
}

// closeObject closes the object in dst[:n], each member of which ends with a
// comma.
func closeObject(dst []byte, n int) int {
	if dst[n-1] == ',' {
		n--
	}
	dst[n] = '}'
	return n + 1
}

// payload transcodes the payload at src[p]: an S holds JSON text, which is
// checked and taken as it is, and every other type is a value.
func (d *Decoder) payload(n, p int) (int, int, problem) {
	t, q, bad := tag(d.src, p)
	if bad != none {
		return n, q, bad
	}
	if t != 'S' {
		return d.open.copyValue(d.dst, d.src, n, p, 1)
	}
	if at(d.src, q) != '"' {
		return n, q, unexpected(d.src, q)
	}
	from := n
	if m, end := d.open.copyQuotedText(d.dst, d.src, n, q+1, 1); end >= 0 {
		n, q = m, end
	} else {
		if n, q, bad = unquote(d.dst, d.src, n, q+1); bad != none {
			return n, q, bad
		}
		if bad = d.open.checkText(d.dst[from:n], 1); bad != none {
			return n, p, bad
		}
	}
	if q = space(d.src, q); at(d.src, q) != '}' {
		return n, q, notClosed(d.src, q)
	}
	return n, q + 1, none
}

package streamrecord

// record reads the record at src[p], appends it to the batch, and returns the
// position behind it, -1 if there is none. Whatever is wrong inside it, a
// record ends where its brackets close.
func (d *Decoder) record(p int) int {
	d.state = recordState{}
	d.item = item{}
	st := &d.state
	var (
		kind  Kind
		fault *Fault
	)
	end := d.recordMembers(p)
	switch {
	case end >= 0:
		if st.change.unread != 0 && st.operation == insert {
			st.mark(badImage, d.image(st.change.unread) >= 0)
		}
		kind, fault = d.judge()
	case at(d.src, p) == '{':
		kind, fault = Undecodable, &Fault{BadRecord, "damaged JSON"}
		end = skip(d.src, p)
	default:
		kind, fault = Undecodable, &Fault{BadRecord, "not an object"}
		end = skip(d.src, p)
	}
	if end < 0 {
		return -1
	}
	var detail, headers []byte
	if kind == Event || kind == Undecodable {
		st.spans.headers = d.item.headers
		if at := d.item.headersAt; at.to > 0 {
			headers = d.dst[at.from:at.to:at.to]
			d.n = at.to
		}
	}
	if at := d.item.detail; kind == Event {
		detail = d.dst[at.from:at.to:at.to]
		d.n = at.to
	}
	d.batch.Records = append(d.batch.Records, Record{
		Kind:      kind,
		Raw:       d.src[p:end:end],
		Keys:      st.change.keys,
		CreatedAt: st.change.createdAt,
		Detail:    detail,
		Headers:   headers,
		Fault:     fault,
	})
	d.metadata.spans = append(d.metadata.spans, st.spans)
	return end
}

// recordMembers reads the record at src[p] into the state.
func (d *Decoder) recordMembers(p int) int {
	if at(d.src, p) != '{' {
		return -1
	}
	st, like := &d.state, d.metadata.last()
	p, more := first(d.src, p)
	for more {
		var name, s []byte
		var ok bool
		if name, p = d.key(p); p < 0 {
			return -1
		}
		switch string(name) {
		case "eventName":
			s, p, ok = d.optionalText(p)
			st.operation = operationNamed(s)
			st.mark(badName, ok)
		case "eventSourceARN":
			s, p, ok = d.optionalText(p)
			st.spans.streamARN = d.metadata.keep(s, like.streamARN)
			st.mark(badARN, ok)
		case "awsRegion":
			s, p, ok = d.optionalText(p)
			st.spans.awsRegion = d.metadata.keep(s, like.awsRegion)
			st.mark(badRegion, ok)
		case "userIdentity":
			st.service = false
			p = d.object(p, badUser, d.userIdentity)
		case "dynamodb":
			st.change = change{}
			st.spans.sequenceNumber = span{}
			d.item = item{}
			st.mark(badSequence|badView|badImage, true)
			p = d.object(p, badChange, d.changeMembers)
		default:
			p = skip(d.src, p)
		}
		p, more = next(d.src, p, '}')
	}
	return p
}

// object reads the member at src[p] by read, which is for objects. A member
// that is null is like none. One that is no object, or damaged, is marked and
// does not keep the rest of the record from being read.
func (d *Decoder) object(p int, bit uint16, read func(int) int) int {
	end := -1
	if at(d.src, p) == '{' {
		end = read(p)
	}
	if end >= 0 {
		d.state.mark(bit, true)
		return end
	}
	end = skip(d.src, p)
	d.state.mark(bit, isNull(d.src, p, end))
	return end
}

// userIdentity reads who has made the change. For time to live it is DynamoDB
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html).
func (d *Decoder) userIdentity(p int) int {
	var service, dynamo bool
	p, more := first(d.src, p)
	for more {
		var name, s []byte
		if name, p = d.key(p); p < 0 {
			return -1
		}
		ok := true
		switch string(name) {
		case "type":
			s, p, ok = d.optionalText(p)
			service = string(s) == "Service"
		case "principalId":
			s, p, ok = d.optionalText(p)
			dynamo = string(s) == "dynamodb.amazonaws.com"
		default:
			p = skip(d.src, p)
		}
		if !ok {
			return -1
		}
		p, more = next(d.src, p, '}')
	}
	d.state.service = service && dynamo
	return p
}

// changeMembers reads the dynamodb member at src[p].
func (d *Decoder) changeMembers(p int) int {
	st, c := &d.state, &d.state.change
	p, more := first(d.src, p)
	for more {
		var name, s []byte
		var ok bool
		if name, p = d.key(p); p < 0 {
			return -1
		}
		value := p
		switch string(name) {
		case "SequenceNumber":
			s, p, ok = d.optionalText(p)
			st.spans.sequenceNumber = d.metadata.keep(s, span{})
			st.mark(badSequence, ok)
		case "StreamViewType":
			s, p, ok = d.optionalText(p)
			c.view = wrongView(s)
			st.mark(badView, ok)
		case "ApproximateCreationDateTime":
			if at(d.src, p) == '"' {
				s, p, _ = d.text(p)
			} else if p = skip(d.src, p); p >= 0 {
				s = d.src[value:p]
			}
			c.createdAt = parseTime(s)
		case "Keys":
			c.keys = nil
			if p = skip(d.src, p); p >= 0 && d.src[value] == '{' {
				c.keys = d.src[value:p:p]
			}
		case "NewImage":
			d.item = item{}
			c.hasImage, c.unread = at(d.src, p) == '{', 0
			if c.hasImage && (st.operation == modify || st.operation == remove) {
				c.unread = p
				p = skip(d.src, p)
				st.mark(badImage, true)
			} else {
				p = d.object(p, badImage, d.image)
			}
		default:
			p = skip(d.src, p)
		}
		p, more = next(d.src, p, '}')
	}
	return p
}

// wrongView returns the view type of a stream without new images, "" for
// every other.
func wrongView(view []byte) string {
	switch string(view) {
	case "KEYS_ONLY":
		return "KEYS_ONLY"
	case "OLD_IMAGE":
		return "OLD_IMAGE"
	}
	return ""
}

// image reads the item at src[p].
func (d *Decoder) image(p int) int {
	it := &d.item
	p, more := first(d.src, p)
	for more {
		var name []byte
		if name, p = d.key(p); p < 0 {
			return -1
		}
		switch {
		case string(name) == d.cfg.Event:
			p = d.event(p)
		case d.cfg.Marker != "" && string(name) == d.cfg.Marker:
			it.hasMarker = true
			it.marked, p = d.marker(p)
		default:
			p = skip(d.src, p)
		}
		p, more = next(d.src, p, '}')
	}
	return p
}

// marker reports whether the value at src[p] is the S of an event item.
func (d *Decoder) marker(p int) (bool, int) {
	end := skip(d.src, p)
	t, q, bad := tag(d.src, p)
	if bad != none || t != 'S' || at(d.src, q) != '"' {
		return false, end
	}
	s, q, ok := d.text(q)
	if !ok || string(s) != d.cfg.MarkerValue {
		return false, end
	}
	q = space(d.src, q)
	return at(d.src, q) == '}' && q+1 == end, end
}

package streamrecord

import (
	"strings"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// recordReader reads a record into rec.
type recordReader struct {
	eventReader
	markerValue string

	rec     *Record
	state   recordState
	refusal error // why the batch as a whole cannot be processed, by the first record that shows it
}

// recordState is what a record says, as far as it has been read, beside what is
// in its Record.
type recordState struct {
	operation operation
	byService bool   // a service has made the change, and
	byDynamo  bool   // it was DynamoDB
	foreign   string // the event source, if it is not DynamoDB
	view      string // KEYS_ONLY or OLD_IMAGE, else ""
	image     int    // where the item is in the source, 0 if there is none
	marked    bool   // its marker has the right value
	fault     *Fault // the first thing that is wrong with the record itself
}

// operation is an eventName.
type operation uint8

const (
	unknownOperation operation = iota
	insert
	modify
	remove
)

func operationNamed(name []byte) operation {
	switch string(name) {
	case "INSERT":
		return insert
	case "MODIFY":
		return modify
	case "REMOVE":
		return remove
	}
	return unknownOperation
}

// read reads the record at src[p] into rec, which is zero, and returns the
// position behind it, -1 if there is none. Whatever is wrong inside it, a
// record ends where its brackets close. like is the record before.
func (r *recordReader) read(p int, rec, like *Record) int {
	r.rec, r.headers, r.like = rec, &rec.EventHeaders, like
	r.state = recordState{}
	r.keys.seen, r.keys.twice = 0, unknownMember
	r.event = event{}
	end := r.object(inRecord, p)
	switch {
	case end >= 0:
		rec.Kind, rec.Fault = r.judge()
	case jsonlex.At(r.src, p) == '{':
		rec.Kind, rec.Fault = Undecodable, &Fault{BadRecord, "damaged JSON"}
		end = jsonlex.Skip(r.src, p)
	default:
		rec.Kind, rec.Fault = Undecodable, &Fault{BadRecord, "not an object"}
		end = jsonlex.Skip(r.src, p)
	}
	if end < 0 {
		return -1
	}
	rec.Raw = r.src[p:end:end]
	switch rec.Kind {
	case Event:
		rec.Detail, rec.Headers = r.keepEvent()
	case Undecodable:
		rec.Headers = r.keepHeaders()
	case Modify, Remove, ServiceRemove:
		rec.EventHeaders = EventHeaders{} // of an image that came before the eventName
	}
	return end
}

// object reads the members of the object at src[p] that are known on that
// level. It returns the position behind it, -1 if it is no object or damaged.
func (r *recordReader) object(in level, p int) int {
	if jsonlex.At(r.src, p) != '{' {
		return -1
	}
	last := unknownMember
	var bad jsonlex.Fault
	p, more := jsonlex.First(r.src, p)
	for more {
		m, value := r.keys.guess(r.src, in, last, p)
		if m == unknownMember {
			var name []byte
			if name, value = r.key(p); value < 0 {
				return -1
			}
			m = r.keys.named(in, last, name)
		}
		if m != unknownMember && r.keys.once(m) {
			p = r.member(m, value)
		} else {
			p = jsonlex.Skip(r.src, value)
		}
		last = m
		if p, more, bad = jsonlex.Next(r.src, p, '}'); bad != jsonlex.None {
			return -1
		}
	}
	return p
}

// member reads the value of a member, which is at src[p], and returns the
// position behind it. If it is not what it should be, the record is at fault,
// and the others are read anyway. Null is like no value.
func (r *recordReader) member(m member, p int) int {
	end := -1
	switch m {
	case recordChange:
		end = r.object(inChange, p)
	case recordUser:
		end = r.object(inUser, p)
	case changeNewImage:
		if jsonlex.At(r.src, p) == '{' && (r.state.operation == modify || r.state.operation == remove) {
			return jsonlex.Skip(r.src, p) // nobody asks for it
		}
		if end = r.object(inImage, p); end >= 0 {
			r.state.image = p
		}
	case imageEvent:
		return r.readEvent(p)
	case imageMarker:
		return r.marker(p)
	case changeCreatedAt:
		return r.createdAt(p)
	case recordEventName, recordEventSource, recordSNSSource, recordStreamARN, userType, userPrincipal, changeSequenceNumber, changeView:
		text, behind, ok := r.text(p)
		if ok {
			r.take(m, text)
			return behind
		}
	default: // it is only not to come twice
		return jsonlex.Skip(r.src, p)
	}
	if end < 0 {
		if end = jsonlex.Skip(r.src, p); !isNull(r.src, p, end) && r.state.fault == nil {
			r.state.fault = &Fault{BadRecord, r.keys.paths[m] + " is not what a stream record has there"}
		}
	}
	return end
}

// take takes the text of a member.
func (r *recordReader) take(m member, text []byte) {
	switch m {
	case recordEventName:
		r.state.operation = operationNamed(text)
	case recordEventSource, recordSNSSource:
		if string(text) != "aws:dynamodb" {
			r.state.foreign = string(text)
		}
	case recordStreamARN:
		r.rec.StreamARN = r.texts.keep(text, r.like.StreamARN)
	case userType:
		r.state.byService = string(text) == "Service"
	case userPrincipal:
		r.state.byDynamo = string(text) == "dynamodb.amazonaws.com"
	case changeSequenceNumber:
		r.rec.SequenceNumber = r.texts.keep(text, "")
	case changeView:
		if string(text) == "KEYS_ONLY" || string(text) == "OLD_IMAGE" {
			r.state.view = string(text)
		}
	}
}

// createdAt reads the time of the change, a number or a quoted one.
func (r *recordReader) createdAt(p int) int {
	text, end, _ := r.text(p)
	if end < 0 {
		if end = jsonlex.Skip(r.src, p); end >= 0 {
			text = r.src[p:end]
		}
	}
	r.rec.CreatedAt = parseTime(text)
	return end
}

// marker reads the marker attribute: whether it is the S of an event item.
func (r *recordReader) marker(p int) int {
	end := jsonlex.Skip(r.src, p)
	if t, q, _ := tag(r.src, p); t == 'S' {
		text, q, ok := r.text(q)
		if ok && string(text) == r.markerValue {
			_, bad := closed(r.src, q)
			r.state.marked = bad == none
		}
	}
	return end
}

// judge says what a record is whose members have all been read.
func (r *recordReader) judge() (Kind, *Fault) {
	twice, marker := r.keys.twice, r.keys.names[imageMarker]
	switch {
	case r.state.foreign != "":
		r.refuse(&SourceError{Source: r.state.foreign, ARN: r.rec.StreamARN})
		return Undecodable, nil
	case twice != unknownMember && twice < imageEvent:
		return Undecodable, &Fault{DuplicateMember, r.keys.paths[twice] + " is there twice"}
	case r.state.fault != nil:
		return Undecodable, r.state.fault
	case r.state.operation == unknownOperation:
		return Undecodable, &Fault{BadRecord, "eventName is missing or none of INSERT, MODIFY, REMOVE"}
	case r.state.view != "":
		r.refuse(&StreamViewError{ViewType: r.state.view, StreamARN: r.rec.StreamARN, SequenceNumber: r.rec.SequenceNumber})
		return Undecodable, nil
	case r.state.operation == modify:
		return Modify, nil
	case r.state.operation == remove && r.state.byService && r.state.byDynamo:
		// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
		return ServiceRemove, nil
	case r.state.operation == remove:
		return Remove, nil
	case r.state.image == 0:
		return Undecodable, &Fault{MissingNewImage, "an INSERT without dynamodb.NewImage"}
	case marker != "" && !r.keys.seen.has(imageMarker):
		return NotEvent, nil
	case twice != unknownMember:
		return Undecodable, &Fault{DuplicateMember, r.keys.paths[twice] + " is there twice"}
	case marker != "" && !r.state.marked:
		return Undecodable, &Fault{UnknownFormat, marker + ": a format that this version does not know"}
	case !r.keys.seen.has(imageEvent):
		return Undecodable, &Fault{MissingEvent, r.keys.names[imageEvent] + ": the image has no such attribute; it has [" + strings.Join(r.attributes(r.state.image), ", ") + "]"}
	case r.event.bad != none:
		return Undecodable, r.explain()
	}
	return Event, nil
}

// refuse notes why the batch cannot be processed, unless that is known already.
func (r *recordReader) refuse(err error) {
	if r.refusal == nil {
		r.refusal = err
	}
}

// maxAttributes is how many attributes of an item are named.
const maxAttributes = 10

// attributes returns the names of some attributes of the item at src[p], as
// they stand in a path.
func (r *recordReader) attributes(p int) []string {
	var names []string
	p, more := jsonlex.First(r.src, p)
	for more && len(names) < maxAttributes {
		name, value := r.key(p)
		names = append(names, string(jsonlex.AppendKey(nil, string(name))))
		p, more, _ = jsonlex.Next(r.src, jsonlex.Skip(r.src, value), '}')
	}
	return names
}

package relay

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// Again is a stream record that is to be published again.
type Again struct {
	// Record is the record as Lambda delivers it: a JSON object.
	Record []byte

	// EventID, if it is set, is the event that must be in the record. Another
	// one is not published, with [CodeUnresolved].
	EventID string

	// Kept, if it is set, is published in the place of a Record that holds
	// another event than EventID, or that cannot be read.
	Kept []byte

	// Fault, if it is set, says why there is nothing to publish. The record
	// then only holds up later ones of its Aggregate, with an Ordered layout.
	Fault string

	// Aggregate is headers.aggregateId of a record with a Fault, if it is known.
	Aggregate string
}

// Codes of a [Republished] beside those of the bus and of the relay.
const (
	CodeUnresolved = "Unresolved" // the record's event is not to be found
	CodeSkipped    = "Skipped"    // the record is no event to publish
	CodeFiltered   = "Filtered"   // a filter of the replay leaves it out
	CodeHeld       = "Held"       // an earlier event of its aggregate could not be published
)

// Republished is what became of a record that was published again.
type Republished struct {
	// Published says that the bus has accepted the event, or would be sent it
	// in a dry run.
	Published bool

	// Class and Code say why it was not published: Code is one of the bus or of
	// the relay, or one of [CodeSkipped], [CodeFiltered] and [CodeHeld].
	Class Class
	Code  string

	// EventID is that of the event, "" if it could not be read.
	EventID string

	// Item is the key of the event's item where the EventID could not be read, as
	// DynamoDB JSON: {"pk":{"S":"…"},…}. "" if it is not known either.
	Item string
}

// unpublished reports whether the event is still to be published.
func (r *Republished) unpublished() bool {
	return !r.Published && r.Code != CodeSkipped && r.Code != CodeFiltered
}

// Republisher publishes stream records again, for a redrive or a replay: with
// the handler's layout, route, publisher, limits and retries. It differs from
// Invoke in this: what the process remembers does not count and is not added to,
// no age counts, nothing goes to the dead letters, and a record that fails holds
// up later ones of its aggregate only, and those only with an Ordered layout:
// in the same call of Publish and in later ones. The journal is told of what is
// published.
//
// It is for one goroutine, and [Replay] is made of it. Make one with
// [Handler.Republisher].
type Republisher struct {
	h    *Handler
	mode mode
}

// Republisher returns a Republisher to the handler's own bus. In a dry run
// nothing is sent: Published then says what would be sent, which is every event
// that breaks no known rule of the bus.
func (h *Handler) Republisher(dryRun bool) *Republisher {
	p := &Republisher{h: h, mode: mode{publisher: h.publisher, replay: true, journal: true, held: make(map[string]struct{})}}
	if dryRun {
		p.mode.publisher, p.mode.journal = accepting{h.publisher}, false
	}
	return p
}

// Publish publishes the records. It returns one result for each, at its index,
// and an error if the time was over before each of them was tried. The records
// are not changed or kept.
func (p *Republisher) Publish(ctx context.Context, records []Again) ([]Republished, error) {
	out := make([]Republished, len(records))
	if len(records) == 0 {
		return out, nil
	}
	r := p.h.newRun(ctx, p.mode)
	defer r.release()
	r.process(ctx, r.decodeAgain(records))
	r.report(ctx)
	r.republished(out)
	if r.late {
		return out, fmt.Errorf("relay: there was no time to publish every record: %w", cmp.Or(ctx.Err(), context.DeadlineExceeded))
	}
	return out, nil
}

// republished says what became of each record, and notes the aggregates that
// are held up from now on.
func (r *run) republished(out []Republished) {
	for i, o := range r.outcomes {
		out[i].EventID = r.records[i].EventID
		switch o {
		case published:
			out[i].Published, out[i].Class = true, Accepted
		case skipped:
			out[i].Code = CodeSkipped
		case filtered:
			out[i].Code = CodeFiltered
		}
	}
	for i, record := range r.of {
		if r.outcomes[record] != open {
			continue
		}
		out[record].Class, out[record].Code = r.reason(i)
		if out[record].EventID == "" {
			out[record].Item = r.itemOf(&r.records[record])
		}
		if group := r.events[i].Group; group != "" {
			if out[record].Code == codeNotReached && !r.late {
				out[record].Code = CodeHeld
			}
			r.mode.held[string([]byte(group))] = struct{}{} // group is part of the batch's memory
		}
	}
}

// itemOf returns the key of a record's item.
func (r *run) itemOf(rec *streamrecord.Record) string {
	if keys := rec.Keys(); keys != nil {
		return string(keys)
	}
	layout, key := r.h.opts.Layout, []byte("{")
	image := jsonlex.Find(rec.Raw, 0, "dynamodb", "NewImage")
	for m := range jsonlex.Members(image, 0) {
		if name := m.Name(image); name == layout.PK || name == layout.SK {
			if len(key) > 1 {
				key = append(key, ',')
			}
			key = append(key, image[m.Key:m.End]...)
		}
	}
	if len(key) == 1 {
		return ""
	}
	return string(append(key, '}'))
}

// decodeAgain reads the records, one for each. What cannot be read, or has a
// fault already, is Undecodable.
func (r *run) decodeAgain(records []Again) []streamrecord.Record {
	if batch := r.decodeTogether(records); batch != nil {
		return batch
	}
	texts := make([][]byte, len(records))
	for i, a := range records {
		texts[i] = []byte("{}")
		if a.Fault != "" {
			continue
		}
		id, readable := r.alone(a.Record)
		if readable {
			texts[i] = a.Record
		}
		if a.Kept != nil && (!readable || a.EventID != "" && id != a.EventID) {
			if _, ok := r.alone(a.Kept); ok {
				texts[i] = a.Kept
			}
		}
	}
	batch, err := r.decoder.Decode(invocation(texts))
	if err != nil { // each of them could be read alone
		return make([]streamrecord.Record, len(records))
	}
	for i, a := range records {
		rec, fault := &batch.Records[i], a.Fault
		if fault == "" && len(texts[i]) == len("{}") {
			fault = streamrecord.BadRecord
		}
		if fault != "" {
			unresolved(rec, a, fault)
		} else {
			resolve(rec, a)
		}
	}
	return batch.Records
}

// alone reports whether a record can be read by itself: whether it is one of a
// DynamoDB stream, with new images. It returns the id of its event.
func (r *run) alone(record []byte) (eventID string, ok bool) {
	if !json.Valid(record) {
		return "", false
	}
	batch, err := r.decoder.Decode(invocation([][]byte{record}))
	if err != nil || len(batch.Records) != 1 {
		return "", false
	}
	return batch.Records[0].EventID, true
}

// decodeTogether reads the records at once, as nearly all can be. It returns nil
// if one of them has to be looked at by itself.
func (r *run) decodeTogether(records []Again) []streamrecord.Record {
	texts := make([][]byte, len(records))
	for i, a := range records {
		if texts[i] = bytes.TrimSpace(a.Record); a.Fault != "" {
			return nil
		}
	}
	r.joined = appendInvocation(r.joined[:0], texts)
	batch, err := r.decoder.Decode(r.joined)
	if err != nil || len(batch.Records) != len(records) {
		return nil
	}
	for i, a := range records {
		rec := &batch.Records[i]
		if rec.Kind == streamrecord.Undecodable || !bytes.Equal(rec.Raw, texts[i]) { // which ends where it should not
			return nil
		}
		if resolve(rec, a); rec.Kind == streamrecord.Undecodable && a.Kept != nil {
			return nil
		}
	}
	return batch.Records
}

// resolve makes a record Undecodable that holds another event than it should.
func resolve(rec *streamrecord.Record, a Again) {
	if a.EventID != "" && rec.EventID != a.EventID {
		unresolved(rec, a, CodeUnresolved)
	}
}

// unresolved makes a record Undecodable. What it holds is not what was asked for, so
// filters and journal are asked about the event that was.
func unresolved(rec *streamrecord.Record, a Again, code string) {
	rec.Kind, rec.Fault = streamrecord.Undecodable, &streamrecord.Fault{Code: code}
	rec.EventHeaders = streamrecord.EventHeaders{EventID: a.EventID, AggregateID: a.Aggregate}
}

// invocation is the records as Lambda would deliver them.
func invocation(records [][]byte) []byte { return appendInvocation(nil, records) }

func appendInvocation(dst []byte, records [][]byte) []byte {
	size := len(`{"Records":[]}`)
	for _, r := range records {
		size += len(r) + len(",")
	}
	dst = append(slices.Grow(dst, size), `{"Records":[`...)
	for i, r := range records {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, r...)
	}
	return append(dst, ']', '}')
}

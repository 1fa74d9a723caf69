package relay

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// Again is a stream record that is to be published again.
type Again struct {
	// Record is the record as Lambda delivers it: a JSON object.
	Record []byte

	// EventID, if it is set, is the event that must be in the record. Another
	// one is not published, with [CodeUnresolved].
	EventID string

	// Fault, if it is set, says why there is nothing to publish. The record
	// then only holds up later ones of its Aggregate, with an Ordered layout.
	Fault string

	// Aggregate is headers.aggregateId of a record with a Fault, if it is known.
	Aggregate string
}

// CodeUnresolved is the code of a record whose event is not to be found.
const CodeUnresolved = "Unresolved"

// Republished is what became of a record that was published again.
type Republished struct {
	// Published says that the bus has accepted the event, or would be sent it
	// in a dry run.
	Published bool

	// Class and Code say why it was not published: Code is one of the bus or of
	// the relay, or "Skipped" for a record that is no event to publish.
	Class Class
	Code  string

	// EventID is that of the event, "" if it could not be read.
	EventID string
}

// Republish publishes stream records again, for a redrive: with the handler's
// layout, route, publisher, limits and retries. It differs from Invoke in this:
// what the process remembers does not count and is not added to, no age counts,
// nothing goes to the dead letters, and a record that fails holds up later ones
// of its aggregate only, and those only with an Ordered layout. The journal is
// told of what is published.
//
// It returns one result for each record, at its index, and an error if the time
// was over before each of them was tried. In a dry run nothing is sent. It is
// safe for concurrent use; the records are not changed or kept.
func (h *Handler) Republish(ctx context.Context, records []Again, dryRun bool) ([]Republished, error) {
	out := make([]Republished, len(records))
	if len(records) == 0 {
		return out, nil
	}
	m := mode{publisher: h.publisher, replay: true, journal: true}
	if dryRun {
		m.publisher, m.journal = accepting{h.publisher}, false
	}
	r := h.newRun(ctx, m)
	defer r.release()
	r.process(ctx, r.decodeAgain(records))
	r.report(ctx)
	for i, o := range r.outcomes {
		out[i].EventID = r.records[i].EventID
		switch o {
		case published:
			out[i].Published, out[i].Class = true, Accepted
		case skipped:
			out[i].Code = "Skipped"
		}
	}
	for i, record := range r.of {
		if r.outcomes[record] == open {
			out[record].Class, out[record].Code = r.reason(i)
		}
	}
	if r.late {
		return out, fmt.Errorf("relay: there was no time to publish every record: %w", cmp.Or(ctx.Err(), context.DeadlineExceeded))
	}
	return out, nil
}

// decodeAgain reads the records, one for each. What cannot be read, or has a
// fault already, is Undecodable.
func (r *run) decodeAgain(records []Again) []streamrecord.Record {
	texts := make([][]byte, len(records))
	for i, a := range records {
		texts[i] = []byte("{}")
		if a.Fault != "" || !json.Valid(a.Record) {
			continue
		}
		if _, err := r.decoder.Decode(invocation([][]byte{a.Record})); err == nil {
			texts[i] = a.Record // it is of a DynamoDB stream, with new images
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
		if fault == "" && a.EventID != "" && rec.EventID != a.EventID {
			fault = CodeUnresolved
		}
		if fault != "" {
			rec.Kind, rec.Fault = streamrecord.Undecodable, &streamrecord.Fault{Code: fault}
			rec.AggregateID, rec.Region = a.Aggregate, ""
		}
	}
	return batch.Records
}

// invocation is the records as Lambda would deliver them.
func invocation(records [][]byte) []byte {
	return append(append([]byte(`{"Records":[`), bytes.Join(records, []byte(","))...), ']', '}')
}

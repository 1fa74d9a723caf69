package relay

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// redrive publishes a page of dead letters and notes in each what became of it.
// It reports whether the bus refused them because of the configuration.
func (h *Handler) redrive(ctx context.Context, page []*letter, opts RedriveOptions) (held bool) {
	if len(page) == 0 {
		return false
	}
	for _, l := range page {
		if err := l.complete(ctx, opts.EventStore); err != nil {
			h.logUnresolved(ctx, l, err)
			l.spoil(codeUnresolved)
		}
	}
	r := h.newRun(ctx, mode{sink: Block, goOn: true, dry: opts.DryRun})
	batch, err := r.decoder.Decode(payloadOf(page))
	if err != nil { // one of them spoils the others
		for _, l := range page {
			if _, err := r.decoder.Decode(payloadOf([]*letter{l})); err != nil {
				l.spoil(streamrecord.BadRecord)
			}
		}
		batch, err = r.decoder.Decode(payloadOf(page))
	}
	if err != nil || len(batch.Records) != len(page) {
		for _, l := range page {
			l.Code = streamrecord.BadRecord
		}
		r.release()
		return false
	}
	for i, l := range page {
		rec := &batch.Records[i]
		if l.spoilt == "" && l.fromStore && l.EventID != "" && cut(rec.EventID, roomText) != l.EventID {
			l.spoil(codeUnresolved) // its key belongs to another event now
		}
		if l.spoilt != "" { // it stays, and holds up its aggregate
			rec.Kind, rec.Fault = streamrecord.Undecodable, &streamrecord.Fault{Code: l.spoilt}
			rec.AggregateID, rec.Region = l.aggregateID, ""
		}
	}
	r.process(ctx, batch.Records)
	for i, l := range page {
		switch o := r.outcomes[i]; {
		case o == published:
			l.Published, l.Code = true, ""
		case o == skipped:
			l.Code = "Skipped"
		case o == failed:
			l.Code = r.reasons[i]
		default:
			l.Code = "NotReached"
		}
	}
	held = r.denied && r.m.Published == 0
	r.release()
	return held
}

// codeUnresolved is the code of a letter whose event is not to be found.
const codeUnresolved = "Unresolved"

// spoil takes a letter out of the redrive: there is nothing to publish.
func (l *letter) spoil(code string) {
	l.spoilt, l.record = code, []byte(`{}`)
}

func (h *Handler) logUnresolved(ctx context.Context, l *letter, err error) {
	code, _ := faultCode(err)
	h.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "relay: redrive: the record of a dead letter cannot be completed from the event store",
		slog.String("eventId", clip(l.EventID)), slog.String("sequenceNumber", clip(l.SequenceNumber)), slog.String("code", code))
}

// payloadOf is the letters as Lambda would deliver them.
func payloadOf(letters []*letter) []byte {
	records := make([][]byte, len(letters))
	for i, l := range letters {
		records[i] = l.record
	}
	var b bytes.Buffer
	b.WriteString(`{"Records":[`)
	b.Write(bytes.Join(records, []byte(",")))
	b.WriteString(`]}`)
	return b.Bytes()
}

// complete gives a letter that does not hold its whole record one, from the
// event's item.
func (l *letter) complete(ctx context.Context, store GetItemAPIClient) error {
	if json.Valid(l.record) {
		return nil
	}
	if l.table == "" || len(l.keys) == 0 {
		return fmt.Errorf("relay: redrive: the dead letter of event %q does not say where its item is", l.EventID)
	}
	key, err := attributevalue.UnmarshalMapJSON(l.keys)
	if err != nil {
		return fmt.Errorf("relay: redrive: keys of event %q: %w", l.EventID, err)
	}
	out, err := store.GetItem(ctx, &dynamodb.GetItemInput{TableName: &l.table, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return fmt.Errorf("relay: redrive: get event %q from table %s: %w", l.EventID, l.table, err)
	}
	if len(out.Item) == 0 {
		return fmt.Errorf("relay: redrive: event %q is no longer in table %s", l.EventID, l.table)
	}
	image, err := attributevalue.MarshalMapJSON(out.Item)
	if err != nil {
		return fmt.Errorf("relay: redrive: item of event %q: %w", l.EventID, err)
	}
	record := map[string]any{
		"eventName": "INSERT",
		"dynamodb": map[string]any{
			"Keys": json.RawMessage(l.keys), "NewImage": json.RawMessage(image),
			"SequenceNumber": l.SequenceNumber, "StreamViewType": "NEW_IMAGE",
		},
		"eventSourceARN": l.StreamARN,
	}
	if l.record, err = json.Marshal(record); err != nil {
		return fmt.Errorf("relay: redrive: record of event %q: %w", l.EventID, err)
	}
	l.fromStore = true
	return nil
}

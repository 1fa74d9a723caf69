package recovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// The limits of [IDs].
const (
	maxScannedIDs = 100 // operands of IN: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
	idsInPage     = 100
)

// IDs is the source of the events with these eventIds. Where the partition key is
// the eventId, as in the zero layout, each is a query, and they come in the order
// of the ids. In any other layout the whole table is scanned for them, at most 100
// at once, and they come in no order but that of each partition key.
//
// What is not in the table is Missing. It needs the permission dynamodb:Query, or
// dynamodb:Scan in a layout with Keys, on the table.
func IDs(client TableAPIClient, table string, layout envelope.Layout, eventIDs ...string) relay.Source {
	return &byID{newStore(client, table, layout), slices.Clone(eventIDs)}
}

type byID struct {
	store
	ids []string
}

// Validate returns an error that names each wrong argument.
func (s *byID) Validate() error {
	errs := []error{s.validate()}
	if len(s.ids) == 0 || slices.Contains(s.ids, "") {
		errs = append(errs, errors.New("recovery: at least one eventId is required, and none may be empty"))
	}
	if s.layout.Keys != nil && len(s.ids) > maxScannedIDs {
		errs = append(errs, fmt.Errorf("recovery: %d eventIds; in a layout with Keys at most %d can be looked for at once", len(s.ids), maxScannedIDs))
	}
	return errors.Join(errs...)
}

// Question names the table and the ids.
func (s *byID) Question() string { return s.question("events " + listed(s.ids)) }

// Pages reads the events.
func (s *byID) Pages(ctx context.Context, cursor json.RawMessage) iter.Seq2[relay.Page, error] {
	if s.layout.Keys != nil {
		return s.scanned(ctx, cursor)
	}
	return func(yield func(relay.Page, error) bool) {
		at := 0
		if cursor != nil && (json.Unmarshal(cursor, &at) != nil || at < 0 || at > len(s.ids)) {
			yield(relay.Page{}, relay.ErrCursor)
			return
		}
		for at < len(s.ids) {
			part := s.ids[at:min(at+idsInPage, len(s.ids))]
			at += len(part)
			page, err := s.queried(ctx, part)
			if err == nil {
				page.Cursor, err = json.Marshal(at)
			}
			if !yield(page, err) || err != nil {
				return
			}
		}
	}
}

// queried reads some of the events by their keys.
func (s *byID) queried(ctx context.Context, ids []string) (page relay.Page, err error) {
	condition, consistent := "#pk = :pk", true
	for _, id := range ids {
		f := s.eventFilter()
		f.names = map[string]string{"#pk": s.layout.PK}
		if s.layout.Marker != "" {
			f.names["#m"] = s.layout.Marker
		}
		f.text(":pk", id)
		in := &dynamodb.QueryInput{ConsistentRead: &consistent, KeyConditionExpression: &condition, ExpressionAttributeNames: f.names, ExpressionAttributeValues: f.values}
		if len(f.parts) > 0 {
			in.FilterExpression = f.expression()
		}
		before := len(page.Records)
		for more := true; more; more = len(in.ExclusiveStartKey) > 0 {
			a, err := s.query(ctx, in)
			if err != nil {
				return relay.Page{}, err
			}
			page.ReadUnits += a.units
			for _, r := range recordsOf(a.items) {
				r.EventID = id
				page.Records = append(page.Records, r)
			}
			in.ExclusiveStartKey = a.next
		}
		if len(page.Records) == before {
			page.Missing = append(page.Missing, s.missing(id))
		}
	}
	return page, nil
}

func (s *byID) missing(id string) relay.Missing {
	return relay.Missing{EventID: id, Reason: fmt.Sprintf("table %s has no such event", s.table)}
}

// found is the place in a scan, with the ids that were found, in a cursor.
type found struct {
	IDs []string `json:"ids,omitempty"`
	position
}

// scanned looks for the events in the whole table.
func (s *byID) scanned(ctx context.Context, cursor json.RawMessage) iter.Seq2[relay.Page, error] {
	return func(yield func(relay.Page, error) bool) {
		var at found
		if cursor != nil && json.Unmarshal(cursor, &at) != nil {
			yield(relay.Page{}, relay.ErrCursor)
			return
		}
		units := 0.0
		if cursor == nil {
			var err error
			if units, err = s.looksLike(ctx); err != nil {
				yield(relay.Page{}, err)
				return
			}
		}
		for !at.Done {
			page, err := s.scannedPage(ctx, &at)
			page.ReadUnits, units = page.ReadUnits+units, 0
			if !yield(page, err) || err != nil {
				return
			}
		}
	}
}

func (s *byID) scannedPage(ctx context.Context, at *found) (relay.Page, error) {
	key, err := at.key()
	if err != nil {
		return relay.Page{}, err
	}
	f, consistent := s.eventFilter(), true
	f.names["#i"] = "eventId"
	operands := make([]string, len(s.ids))
	for i, id := range s.ids {
		operands[i] = fmt.Sprintf(":%d", i)
		f.text(operands[i], id)
	}
	f.and("#e.#h.#i IN (" + strings.Join(operands, ",") + ")")
	a, err := s.scan(ctx, &dynamodb.ScanInput{
		ExclusiveStartKey: key, ConsistentRead: &consistent,
		FilterExpression: f.expression(), ExpressionAttributeNames: f.names, ExpressionAttributeValues: f.values,
	})
	if err != nil {
		return relay.Page{}, err
	}
	page := relay.Page{Records: recordsOf(a.items), ReadUnits: a.units}
	for _, item := range a.items {
		var id string
		if json.Unmarshal(jsonlex.Find(item, 0, s.layout.Event, "M", "headers", "M", "eventId", "S"), &id) == nil && !slices.Contains(at.IDs, id) {
			at.IDs = append(at.IDs, id)
		}
	}
	if at.position, err = behind(a); err != nil {
		return relay.Page{}, err
	}
	if at.Done {
		for _, id := range s.ids {
			if !slices.Contains(at.IDs, id) {
				page.Missing = append(page.Missing, s.missing(id))
			}
		}
	}
	page.Cursor, err = json.Marshal(at)
	return page, err
}

package recovery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// Aggregate is the source of all events of these aggregates, one after the other,
// each in the order of the table's sort key. It queries the table, so the layout
// must put the events of an aggregate under one partition key that follows from
// the aggregateId alone, as [envelope.AggregateLayout] does; in any other layout
// use [EventStore] with ReplayOptions.Aggregates.
//
// An aggregate without events is Missing. It needs the permission dynamodb:Query
// on the table.
func Aggregate(client TableAPIClient, table string, layout envelope.Layout, aggregateIDs ...string) relay.Source {
	return &aggregates{newStore(client, table, layout), slices.Clone(aggregateIDs)}
}

type aggregates struct {
	store
	ids []string
}

// Validate returns an error that names each wrong argument.
func (s *aggregates) Validate() error {
	errs := []error{s.validate()}
	if len(s.ids) == 0 || slices.Contains(s.ids, "") {
		errs = append(errs, errors.New("recovery: at least one aggregateId is required, and none may be empty"))
	}
	if s.layout.Keys == nil {
		errs = append(errs, errors.New("recovery: in this layout the partition key is the eventId, so an aggregate cannot be queried; "+
			"use EventStore with ReplayOptions.Aggregates"))
	} else if _, err := s.partition("a"); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// partition returns the partition key of an aggregate's events.
func (s *aggregates) partition(id string) (pk string, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("recovery: Layout.Keys panics for an event that has only an aggregateId and a sequence (%T); use EventStore with ReplayOptions.Aggregates", v)
		}
	}()
	first := envelope.CustomEvent{Headers: envelope.Headers{AggregateID: id, Sequence: 1, EventID: "1"}}
	second := envelope.CustomEvent{Headers: envelope.Headers{AggregateID: id, Sequence: 2, EventID: "2", EventName: "n", Source: "s", Timestamp: envelope.MinTimestamp}}
	pk, _ = s.layout.Keys(first)
	if other, _ := s.layout.Keys(second); pk != other || pk == "" {
		return "", errors.New("recovery: in this layout the partition key does not follow from the aggregateId alone; use EventStore with ReplayOptions.Aggregates")
	}
	return pk, nil
}

// Question names the table and the aggregates.
func (s *aggregates) Question() string { return s.question("aggregates " + listed(s.ids)) }

// listed is a list of ids, by its hash where it is long.
func listed(ids []string) string {
	text := strings.Join(ids, ",")
	sum := sha256.Sum256([]byte(strings.Join(ids, "\x00")))
	if len(text) > 80 {
		text = fmt.Sprintf("%d of them", len(ids))
	}
	return text + " (" + hex.EncodeToString(sum[:8]) + ")"
}

// among is a place in a list of ids, in a cursor.
type among struct {
	ID    int  `json:"id"` // so many are behind it
	Found bool `json:"found,omitempty"`
	position
}

// Pages queries the aggregates.
func (s *aggregates) Pages(ctx context.Context, cursor json.RawMessage) iter.Seq2[relay.Page, error] {
	return func(yield func(relay.Page, error) bool) {
		var at among
		if cursor != nil && (json.Unmarshal(cursor, &at) != nil || at.ID < 0 || at.ID > len(s.ids)) {
			yield(relay.Page{}, relay.ErrCursor)
			return
		}
		for at.ID < len(s.ids) {
			page, err := s.page(ctx, &at)
			if !yield(page, err) || err != nil {
				return
			}
		}
	}
}

// page reads a page and moves at behind it.
func (s *aggregates) page(ctx context.Context, at *among) (relay.Page, error) {
	id := s.ids[at.ID]
	pk, err := s.partition(id)
	if err != nil {
		return relay.Page{}, err
	}
	key, err := at.key()
	if err != nil {
		return relay.Page{}, err
	}
	f := s.eventFilter()
	f.names["#pk"], f.names["#a"] = s.layout.PK, "aggregateId"
	f.text(":pk", pk)
	f.text(":id", id)
	f.and("#e.#h.#a = :id")
	condition, consistent := "#pk = :pk", true
	a, err := s.query(ctx, &dynamodb.QueryInput{
		ExclusiveStartKey: key, ConsistentRead: &consistent, KeyConditionExpression: &condition,
		FilterExpression: f.expression(), ExpressionAttributeNames: f.names, ExpressionAttributeValues: f.values,
	})
	if err != nil {
		return relay.Page{}, err
	}
	page := relay.Page{Records: recordsOf(a.items), ReadUnits: a.units}
	at.Found = at.Found || len(a.items) > 0
	if at.position, err = behind(a); err != nil {
		return relay.Page{}, err
	}
	if at.Done {
		if !at.Found {
			page.Missing = []relay.Missing{{Reason: fmt.Sprintf("table %s has no event of aggregate %q", s.table, id)}}
		}
		*at = among{ID: at.ID + 1}
	}
	page.Cursor, err = json.Marshal(at)
	return page, err
}

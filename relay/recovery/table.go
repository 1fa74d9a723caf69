package recovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/isnil"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// TableAPIClient is what the sources that read an event store need of a client.
type TableAPIClient interface {
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

var _ TableAPIClient = (*dynamodb.Client)(nil)

// ErrLayout is wrapped by the error for a table whose items are none that the
// layout could have written: it is another table, or has another layout.
var ErrLayout = errors.New("is no event store of this layout")

// store is an event store that is read.
type store struct {
	client TableAPIClient
	table  string
	layout envelope.Layout
}

func newStore(client TableAPIClient, table string, layout envelope.Layout) store {
	return store{client, table, layout.WithDefaults()}
}

func (s store) validate() error {
	var errs []error
	if isnil.Value(s.client) {
		errs = append(errs, errors.New("recovery: dynamodb client is nil"))
	}
	if s.table == "" {
		errs = append(errs, errors.New("recovery: table name is empty"))
	}
	if err := s.layout.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("recovery: layout: %w", err))
	} else if !s.keepsOrder() {
		errs = append(errs, errors.New("recovery: layout: it is Ordered, but its sort key has 10 before 9, so the table gives an aggregate's events in another order; "+
			"give a layout that is not Ordered here and to the handler, and their order is not kept"))
	}
	return errors.Join(errs...)
}

// keepsOrder reports whether the order of the sort key is that of the sequence, as
// far as one example shows it.
func (s store) keepsOrder() (ok bool) {
	if !s.layout.Ordered || s.layout.NumericSK {
		return true
	}
	defer func() {
		if recover() != nil { // Keys asks for more than headers
			ok = true
		}
	}()
	sk := func(n int64) string {
		_, sk := s.layout.Keys(envelope.CustomEvent{Headers: envelope.Headers{
			EventID: "1", EventName: "n", Source: "s", Timestamp: envelope.MinTimestamp, AggregateID: "a", Sequence: n,
		}})
		return sk
	}
	return sk(9) <= sk(10)
}

// question says which table is read and how.
func (s store) question(what string) string {
	text := fmt.Sprintf("event store %s: %s", s.table, what)
	if s.layout.Marker != "" {
		text += ", marked by " + s.layout.Marker
	}
	if l := s.layout; l.PK != envelope.DefaultPK || l.SK != envelope.DefaultSK || l.Event != envelope.DefaultEvent {
		text += fmt.Sprintf(", in the attributes %q, %q and %q", l.PK, l.SK, l.Event)
	}
	return text
}

// answer is a page of items.
type answer struct {
	items [][]byte
	next  map[string]types.AttributeValue // nil at the end
	units float64
}

func units(c *types.ConsumedCapacity) float64 {
	if c == nil || c.CapacityUnits == nil || !(*c.CapacityUnits > 0) { // NaN is none either
		return 0
	}
	return *c.CapacityUnits
}

func (s store) scan(ctx context.Context, in *dynamodb.ScanInput) (answer, error) {
	in.TableName, in.ReturnConsumedCapacity = &s.table, types.ReturnConsumedCapacityTotal
	b := body{member: "Items"}
	out, err := s.client.Scan(ctx, in, func(o *dynamodb.Options) { o.APIOptions = append(slices.Clip(o.APIOptions), b.install) })
	if err != nil {
		return answer{}, fmt.Errorf("scan table %s: %w", s.table, err)
	}
	a := answer{items: b.elements, next: out.LastEvaluatedKey, units: units(out.ConsumedCapacity)}
	return s.complete(a, b, out.Items, in.ExclusiveStartKey)
}

func (s store) query(ctx context.Context, in *dynamodb.QueryInput) (answer, error) {
	in.TableName, in.ReturnConsumedCapacity = &s.table, types.ReturnConsumedCapacityTotal
	b := body{member: "Items"}
	out, err := s.client.Query(ctx, in, func(o *dynamodb.Options) { o.APIOptions = append(slices.Clip(o.APIOptions), b.install) })
	if err != nil {
		return answer{}, fmt.Errorf("query table %s: %w", s.table, err)
	}
	a := answer{items: b.elements, next: out.LastEvaluatedKey, units: units(out.ConsumedCapacity)}
	return s.complete(a, b, out.Items, in.ExclusiveStartKey)
}

// complete fills in the items that b did not take. An answer that ends where it
// began would be read without an end.
func (s store) complete(a answer, b body, items []map[string]types.AttributeValue, start map[string]types.AttributeValue) (_ answer, err error) {
	if len(a.next) > 0 && reflect.DeepEqual(a.next, start) {
		return answer{}, fmt.Errorf("read table %s: it does not move on: the last key of a page is that of the page before", s.table)
	}
	if !b.found {
		a.items, err = itemTexts(items)
	}
	return a, err
}

// filter is a filter expression with what it names.
type filter struct {
	parts  []string
	names  map[string]string
	values map[string]types.AttributeValue
}

// eventFilter begins a filter: for the event attribute, and for the marker.
func (s store) eventFilter() *filter {
	f := &filter{names: map[string]string{"#e": s.layout.Event, "#h": "headers"}, values: map[string]types.AttributeValue{}}
	if s.layout.Marker != "" {
		f.names["#m"] = s.layout.Marker
		f.parts = append(f.parts, "attribute_exists(#m)")
	}
	return f
}

func (f *filter) and(part string) { f.parts = append(f.parts, part) }

func (f *filter) expression() *string {
	text := strings.Join(f.parts, " AND ")
	return &text
}

func (f *filter) text(name, value string) {
	f.values[name] = &types.AttributeValueMemberS{Value: value}
}

// looksLike returns an error if the first items of the table are none that this
// layout could have written: it is another table, or another layout. It says what
// it has read.
func (s store) looksLike(ctx context.Context) (units float64, err error) {
	limit := int32(25)
	a, err := s.scan(ctx, &dynamodb.ScanInput{Limit: &limit})
	if err == nil && len(a.items) > 0 {
		err = s.compare(a.items)
	}
	return a.units, err
}

func (s store) compare(items [][]byte) error {
	item := items[0]
	if jsonlex.Find(item, 0, s.layout.PK) == nil {
		return fmt.Errorf("table %s %w: its items have no attribute %q, but %s", s.table, ErrLayout, s.layout.PK, attributesOf(item))
	}
	if s.layout.Marker != "" { // there may be any number of others
		return nil
	}
	for _, item := range items {
		if jsonlex.Find(item, 0, s.layout.Event, "M", "headers", "M") != nil {
			return nil
		}
	}
	return fmt.Errorf("table %s %w: none of its first %d items has an event in the attribute %q; the first has %s",
		s.table, ErrLayout, len(items), s.layout.Event, attributesOf(item))
}

// attributesOf names the attributes of an item.
func attributesOf(item []byte) string {
	const most = 10
	var names []string
	for m := range jsonlex.Members(item, 0) {
		names = append(names, fmt.Sprintf("%.64q", m.Name(item)))
	}
	slices.Sort(names)
	if len(names) > most {
		names = append(names[:most], "…")
	}
	return strings.Join(names, ", ")
}

// position is a place in a table, in a cursor.
type position struct {
	After json.RawMessage `json:"after,omitempty"` // the last key that was read, as DynamoDB JSON
	Done  bool            `json:"done,omitempty"`
}

// behind returns the position behind an answer.
func behind(a answer) (position, error) {
	if len(a.next) == 0 {
		return position{Done: true}, nil
	}
	text, err := attributevalue.MarshalMapJSON(a.next)
	return position{After: text}, err
}

// key returns the key to go on behind, nil for the beginning.
func (p position) key() (map[string]types.AttributeValue, error) {
	if len(p.After) == 0 {
		return nil, nil
	}
	key, err := attributevalue.UnmarshalMapJSON(p.After)
	for _, v := range key {
		switch v.(type) {
		case *types.AttributeValueMemberS, *types.AttributeValueMemberN, *types.AttributeValueMemberB:
		default:
			return nil, relay.ErrCursor
		}
	}
	if err != nil || len(key) == 0 {
		return nil, relay.ErrCursor
	}
	return key, nil
}

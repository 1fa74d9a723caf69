package enginetest

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
)

// Table is a table that was made for a test.
type Table struct {
	Name      string
	ARN       string
	StreamARN string // "" without a stream
}

// TableOptions say what table is made.
type TableOptions struct {
	// Name is the table's name. "" means one of its own for the test.
	Name string
	// PK is the name of the partition key, a string.
	PK string
	// SK is the name of the sort key. "" means a table without one.
	SK string
	// SKType is the sort key's type. "" means N.
	SKType types.ScalarAttributeType
	// Stream is the stream's view type. "" means no stream.
	Stream types.StreamViewType
}

// EventStore makes an event store for the test, in the layout that is the zero
// value of envelope.Layout unless optFns say otherwise: pk (S), sk (N) and a
// stream of new images. The table goes with the test.
func EventStore(t testing.TB, e *engine.Engine, optFns ...func(*TableOptions)) Table {
	t.Helper()
	opts := TableOptions{PK: "pk", SK: "sk", Stream: types.StreamViewTypeNewImage}
	return makeTable(t, e, opts, optFns)
}

// BusinessTable makes a table for the caller's own items: partition key pk (S),
// no sort key, no stream, unless optFns say otherwise. The table goes with the
// test.
func BusinessTable(t testing.TB, e *engine.Engine, optFns ...func(*TableOptions)) Table {
	t.Helper()
	return makeTable(t, e, TableOptions{PK: "pk"}, optFns)
}

func makeTable(t testing.TB, e *engine.Engine, opts TableOptions, optFns []func(*TableOptions)) Table {
	t.Helper()
	opts.Name = Unique(t)
	opts.SKType = types.ScalarAttributeTypeN
	for _, fn := range optFns {
		fn(&opts)
	}
	in := &dynamodb.CreateTableInput{
		TableName:            &opts.Name,
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: &opts.PK, AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: &opts.PK, KeyType: types.KeyTypeHash}},
	}
	if opts.SK != "" {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: &opts.SK, AttributeType: opts.SKType})
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: &opts.SK, KeyType: types.KeyTypeRange})
	}
	if opts.Stream != "" {
		in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: opts.Stream}
	}
	db := e.DynamoDB()
	out, err := db.CreateTable(t.Context(), in)
	if err != nil {
		t.Fatalf("create table %s on %s: %v", opts.Name, e.Name, err)
	}
	t.Cleanup(func() {
		// Not the test's context, which has ended by now.
		if _, err := db.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &opts.Name}); err != nil {
			t.Logf("delete table %s on %s: %v", opts.Name, e.Name, err)
		}
	})
	return Table{
		Name:      opts.Name,
		ARN:       aws.ToString(out.TableDescription.TableArn),
		StreamARN: aws.ToString(out.TableDescription.LatestStreamArn),
	}
}

// Items returns every item of the table, in no order.
func (tb Table) Items(t testing.TB, e *engine.Engine) []map[string]types.AttributeValue {
	t.Helper()
	var items []map[string]types.AttributeValue
	pages := dynamodb.NewScanPaginator(e.DynamoDB(), &dynamodb.ScanInput{TableName: &tb.Name, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatalf("scan table %s on %s: %v", tb.Name, e.Name, err)
		}
		items = append(items, page.Items...)
	}
	return items
}

// Events returns the event of each item of an event store, in no order.
func (tb Table) Events(t testing.TB, e *engine.Engine) []envelope.CustomEvent {
	t.Helper()
	var evs []envelope.CustomEvent
	for _, item := range tb.Items(t, e) {
		var event map[string]any
		err := attributevalue.Unmarshal(item["event"], &event)
		detail, err2 := json.Marshal(event)
		ev, err3 := envelope.Parse(detail)
		if err := errors.Join(err, err2, err3); err != nil {
			t.Fatalf("item of table %s on %s is no event: %v", tb.Name, e.Name, err)
		}
		evs = append(evs, ev)
	}
	return evs
}

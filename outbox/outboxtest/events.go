package outboxtest

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/tablename"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// TB is what is needed of a *testing.T.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
}

// Events returns the events that the transaction would publish, in its order: the
// Puts into the writer's table, read as the relay reads them. An item there that
// is no event is an error of the test; with a Marker, one without it is another
// kind of item and is left out.
func Events(t TB, w *outbox.Writer, in *dynamodb.TransactWriteItemsInput) []envelope.CustomEvent {
	t.Helper()
	var events []envelope.CustomEvent
	for i, action := range in.TransactItems {
		if action.Put == nil || tablename.Of(aws.ToString(action.Put.TableName)) != tablename.Of(w.Table()) {
			continue
		}
		ev, ok, err := eventOf(action.Put.Item, w.Layout())
		switch {
		case err != nil:
			t.Errorf("outboxtest: TransactItems[%d]: the item in table %s is no event: %v", i, w.Table(), err)
		case ok:
			events = append(events, ev)
		}
	}
	return events
}

// eventOf reads an item as the relay does. It is false for an item without the
// layout's marker.
func eventOf(item map[string]types.AttributeValue, l envelope.Layout) (ev envelope.CustomEvent, ok bool, err error) {
	decoder := streamrecord.NewDecoder(streamrecord.Config{Event: l.WithDefaults().Event, Marker: l.Marker})
	record, err := recordOf(item, l, "", "1")
	if err != nil {
		return ev, false, err
	}
	batch, err := decoder.Decode([]byte(`{"Records":[` + string(record) + `]}`))
	if err != nil {
		return ev, false, err
	}
	switch r := batch.Records[0]; r.Kind {
	case streamrecord.Event:
		ev, err = envelope.Parse(r.Detail)
		return ev, err == nil, err
	case streamrecord.NotEvent:
		return ev, false, nil
	default:
		if r.Fault != nil {
			return ev, false, fmt.Errorf("%s", r.Fault)
		}
		return ev, false, fmt.Errorf("it cannot be read")
	}
}

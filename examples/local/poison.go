package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/oklog/ulid/v2"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// inflict switches a fault, and tells so.
func (s *stage) inflict(ctx context.Context, name fault, on bool) error {
	if name == poison {
		if !on {
			return nil
		}
		return s.writePoison(ctx)
	}
	if !s.faults.set(name, on) {
		return nil
	}
	told := map[fault][2]string{
		refuse:    {"The bus refuses every fifth event from now on.", "The bus refuses nothing any more."},
		busDown:   {"The bus is down. Sign-ups go on; their events wait in the stream.", "The bus is back."},
		twice:     {"Answers get lost, on both sides of the bus: everybody sends and delivers again.", "Answers arrive again."},
		killRelay: {"The relay will be killed as soon as the bus has taken its next batch.", "The relay may live."},
		crash:     {"The messaging service will die when it has sent its next e-mail and not yet noted it.", "The messaging service may live."},
	}[name]
	if name == killRelay {
		s.naive.die.Store(on) // its process dies, too
	}
	if on {
		s.notes.fault("%s", told[0])
	} else {
		s.notes.good("%s", told[1])
	}
	return nil
}

// writePoison writes by hand what no service would: an item of the event store
// that is no event, and an event that its consumer cannot read.
func (s *stage) writePoison(ctx context.Context) error {
	db := s.cloud.db.DynamoDB(func(o *dynamodb.Options) { o.BaseEndpoint = aws.String(s.storeWire.URL) })
	_, err := db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.cloud.events, Item: map[string]types.AttributeValue{
		"pk":    &types.AttributeValueMemberS{Value: ulid.Make().String()},
		"sk":    &types.AttributeValueMemberN{Value: strconv.FormatInt(time.Now().UnixMilli(), 10)},
		"event": &types.AttributeValueMemberS{Value: "rubbish"},
	}})
	if err != nil {
		return fmt.Errorf("local: write poison: %w", err)
	}
	ev, err := envelope.New(ctx, "User.Created", map[string]string{"userId": "u-poison", "email": "not an address"})
	if err != nil {
		return err
	}
	w, err := outbox.NewWriter(s.cloud.events, func(o *outbox.Options) { o.Source, o.Region = userServiceName, s.cloud.db.Config().Region })
	if err != nil {
		return err
	}
	in, err := w.PutItem(ev)
	if err != nil {
		return err
	}
	if _, err := db.PutItem(ctx, in); err != nil {
		return fmt.Errorf("local: write poison: %w", err)
	}
	s.notes.fault("Written by hand: an item that is no event, and an event that the messaging service cannot read.")
	return nil
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/examples/internal/lambdapoller"
)

// deliver hands what is new in the event store to the relay, as Lambda does: in
// order, and the whole batch again for as long as the relay answers with an
// error.
func (db *store) deliver(ctx context.Context, relay lambda.Handler) error {
	if db.streams == nil {
		return db.deliverItems(ctx, relay)
	}
	if db.poller == nil {
		var err error
		if db.poller, err = lambdapoller.New(db.streams, db.streamARN, relay); err != nil {
			return err
		}
	}
	return db.poller.Drain(ctx)
}

// deliverItems makes up for the stream that the embedded engine lacks: it hands
// over committed items as the stream records that they would be.
func (db *store) deliverItems(ctx context.Context, relay lambda.Handler) error {
	items, err := db.items(ctx, db.events)
	if err != nil {
		return err
	}
	sort.Slice(items, func(i, j int) bool { return text(items[i]["pk"]) < text(items[j]["pk"]) })
	var records []json.RawMessage
	var ids []string
	for _, item := range items {
		id := text(item["pk"])
		if db.delivered[id] {
			continue
		}
		image, err := attributevalue.MarshalMapJSON(item)
		if err != nil {
			return err
		}
		number := len(db.delivered) + len(ids) + 1
		records = append(records, json.RawMessage(fmt.Sprintf(
			`{"eventID":"%d","eventName":"INSERT","eventSource":"aws:dynamodb","awsRegion":"eu-west-1",`+
				`"eventSourceARN":"arn:aws:dynamodb:eu-west-1:000000000000:table/event-store/stream/quickstart",`+
				`"dynamodb":{"ApproximateCreationDateTime":%d,"SequenceNumber":"%021d","StreamViewType":"NEW_IMAGE","NewImage":%s}}`,
			number, time.Now().Unix(), number, image)))
		ids = append(ids, id)
	}
	if len(records) == 0 {
		return nil
	}
	event, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		return err
	}
	for {
		if _, err := relay.Invoke(ctx, event); err == nil {
			break
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	for _, id := range ids {
		db.delivered[id] = true
	}
	return nil
}

func text(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

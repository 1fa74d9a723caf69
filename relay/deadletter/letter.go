package deadletter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/noanswer"
)

// letter is a dead letter on its way.
type letter struct {
	Letter
	key    Key
	deadAt types.AttributeValue
	table  string
	keys   []byte
	record []byte // no JSON if it is not whole
	item   []byte // a record of the event's item as it is now, nil if there is none

	aggregateID string // of its event, if the letter says
}

// page reads the next page of dead letters.
func (t *Table) page(ctx context.Context, client RedriveAPIClient, opts RedriveOptions, start string) (page []*letter, next string, err error) {
	in := &dynamodb.ScanInput{TableName: &t.name, Limit: aws.Int32(int32(opts.PageSize)), ConsistentRead: aws.Bool(true)}
	if start != "" {
		if in.ExclusiveStartKey, err = attributevalue.UnmarshalMapJSON([]byte(start)); err != nil {
			return nil, "", fmt.Errorf("deadletter: RedriveOptions.Start is not the Next of a report: %w", err)
		}
	}
	out, err := client.Scan(ctx, in)
	if err != nil {
		return nil, "", fmt.Errorf("deadletter: redrive: scan table %s: %w", t.name, err)
	}
	if err := t.movesOn(out.LastEvaluatedKey, in.ExclusiveStartKey); err != nil {
		return nil, "", err
	}
	for _, item := range out.Items {
		l := t.letterOf(item)
		if len(opts.Codes) > 0 && !slices.Contains(opts.Codes, l.Code) || len(opts.EventIDs) > 0 && !slices.Contains(opts.EventIDs, l.EventID) {
			continue
		}
		page = append(page, l)
	}
	if len(out.LastEvaluatedKey) > 0 {
		text, err := attributevalue.MarshalMapJSON(out.LastEvaluatedKey)
		if err != nil {
			return nil, "", fmt.Errorf("deadletter: redrive: last key of table %s: %w", t.name, err)
		}
		next = string(text)
	}
	return page, next, nil
}

// letterOf reads an item that Put has written.
func (t *Table) letterOf(item map[string]types.AttributeValue) *letter {
	k := t.kept(item)
	l := &letter{
		Letter: Letter{EventID: k.EventID, StreamARN: k.StreamARN, SequenceNumber: k.SequenceNumber, Code: k.Code},
		key:    k.Key, deadAt: item[attrDeadAt], table: k.Table, keys: k.Keys, record: k.Record,
	}
	var headers map[string]json.RawMessage // a struct would take names in any case
	if json.Unmarshal(k.Headers, &headers) == nil {
		_ = json.Unmarshal(headers["aggregateId"], &l.aggregateID) // "" if it is no string
	}
	return l
}

// forget deletes the letters of a page whose events are published, unless they
// have been put again since they were read.
func (t *Table) forget(ctx context.Context, client RedriveAPIClient, page []*letter) error {
	deleting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })()
	for _, l := range page {
		if !l.Published {
			continue
		}
		if err := t.delete(deleting, client, l.key, l.deadAt); err != nil && !errors.Is(err, ErrNoLetter) {
			return fmt.Errorf("deadletter: redrive: event %q is published, delete its dead letter from table %s: %w", l.EventID, t.name, err)
		}
	}
	return nil
}

// delete deletes a letter, if it is still the one of that time; else the error is
// ErrNoLetter.
func (t *Table) delete(ctx context.Context, client DeleteItemAPIClient, key Key, deadAt types.AttributeValue) error {
	in := &dynamodb.DeleteItemInput{
		TableName: &t.name, Key: t.keyOf(key),
		ConditionExpression:      aws.String("attribute_not_exists(#t)"),
		ExpressionAttributeNames: map[string]string{"#t": attrDeadAt},
	}
	if deadAt != nil {
		in.ConditionExpression = aws.String("#t = :t")
		in.ExpressionAttributeValues = map[string]types.AttributeValue{":t": deadAt}
	}
	_, err := client.DeleteItem(ctx, in)
	if errors.As(err, new(*types.ConditionalCheckFailedException)) {
		return ErrNoLetter
	}
	return err
}

// The codes of a letter that cannot be completed, beside those of DynamoDB.
var (
	errNoItem = codeError("NoItem")  // the event store has no such item any more
	errNoKeys = codeError("NoKeys")  // the letter does not say where the item is
	errBadKey = codeError("BadKeys") // what it says cannot be read
	errCutID  = codeError("CutID")   // the letter has only a part of the event id, so whose an item is cannot be seen
)

type codeError string

func (e codeError) Error() string { return "deadletter: " + string(e) }

// codeOf returns a name of the error that holds no data: texts of AWS may quote
// the event.
func codeOf(err error) string {
	var api interface{ ErrorCode() string }
	var own codeError
	switch {
	case errors.As(err, &own):
		return string(own)
	case errors.As(err, &api):
		return api.ErrorCode()
	default:
		return noanswer.Name(err)
	}
}

// resolve reads the event's item in the event store as it is now. An error says
// why there is nothing to publish.
func (l *letter) resolve(ctx context.Context, store GetItemAPIClient) error {
	err := l.read(ctx, store)
	var api interface{ ErrorCode() string }
	gone := errors.As(err, new(codeError)) ||
		errors.As(err, &api) && (api.ErrorCode() == "ResourceNotFoundException" || api.ErrorCode() == "ValidationException")
	if err != nil && gone && json.Valid(l.record) { // the table may be gone, or have another key by now
		return nil
	}
	return err
}

func (l *letter) read(ctx context.Context, store GetItemAPIClient) error {
	if l.table == "" || len(l.keys) == 0 {
		return errNoKeys
	}
	if len(l.EventID) >= roomText {
		return errCutID
	}
	key, err := attributevalue.UnmarshalMapJSON(l.keys)
	if err != nil {
		return errBadKey
	}
	out, err := store.GetItem(ctx, &dynamodb.GetItemInput{TableName: &l.table, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return err
	}
	if len(out.Item) == 0 {
		return errNoItem
	}
	image, err := attributevalue.MarshalMapJSON(out.Item)
	if err != nil {
		return errNoItem
	}
	l.item = fmt.Appendf(nil, `{"eventName":"INSERT","dynamodb":{"Keys":%s,"NewImage":%s,"SequenceNumber":%q,"StreamViewType":"NEW_IMAGE"},"eventSourceARN":%q}`,
		l.keys, image, l.SequenceNumber, l.StreamARN)
	return nil
}

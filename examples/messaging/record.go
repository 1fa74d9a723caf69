package messaging

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// record is what is kept about the e-mail of an event, beside the receipt. While
// the e-mail is being sent it is a claim: nobody else sends it before Until. An
// attempt that died leaves its claim behind, and the claim ends by itself.
//
// Until is the invocation's deadline, when Lambda ends the process. The queue's
// visibility timeout is longer than that (AWS asks for six times the function's
// timeout), so a delivery after a crash finds the claim at its end.
type record struct {
	PK      string `dynamodbav:"pk"` // the eventId
	SK      string `dynamodbav:"sk"` // "email"
	State   string `dynamodbav:"state"`
	Attempt string `dynamodbav:"attempt"` // whose claim it is
	Until   int64  `dynamodbav:"until"`   // Unix milliseconds; 0 once it was given back
	UserID  string `dynamodbav:"userId"`
	TTL     int64  `dynamodbav:"ttl"`

	until time.Time
}

// States of a record.
const (
	sending = "sending"
	sent    = "sent"
	bounced = "bounced"
)

// claimWithoutDeadline is how long a claim lasts outside of Lambda.
const claimWithoutDeadline = time.Minute

var (
	errDone = errors.New("messaging: done before")
	errBusy = errors.New("messaging: another attempt at this e-mail is under way")
)

// begin claims the e-mail of an event. The error is errDone if it is sent, and
// errBusy if somebody is at it.
func (s *Service) begin(ctx context.Context, log *slog.Logger, ev envelope.CustomEvent, userID string) (record, error) {
	now := time.Now()
	until, limited := ctx.Deadline()
	if !limited {
		until = now.Add(claimWithoutDeadline)
	}
	mine := record{
		PK: ev.Headers.EventID, SK: "email", State: sending, Attempt: rand.Text(), Until: until.UnixMilli(),
		UserID: userID, TTL: now.Add(ReceiptLifetime).Unix(), until: until,
	}
	item, err := attributevalue.MarshalMap(mine)
	if err != nil {
		return mine, err
	}
	out, err := s.db.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.config.Table, Item: item, ReturnValues: types.ReturnValueAllOld,
		ConditionExpression:      aws.String("attribute_not_exists(pk) OR (#state = :sending AND #until < :now)"),
		ExpressionAttributeNames: map[string]string{"#state": "state", "#until": "until"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":sending": &types.AttributeValueMemberS{Value: sending},
			":now":     &types.AttributeValueMemberN{Value: strconv.FormatInt(now.UnixMilli(), 10)},
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var there record
	var claimed *types.ConditionalCheckFailedException
	if errors.As(err, &claimed) {
		if err := attributevalue.UnmarshalMap(claimed.Item, &there); err != nil {
			return mine, err
		}
		switch {
		case there.State != sending:
			return mine, errDone
		case there.Attempt == mine.Attempt:
			return mine, nil // the SDK tried twice, for the first answer was lost
		}
		return mine, errBusy
	}
	if err != nil {
		return mine, err
	}
	if err := attributevalue.UnmarshalMap(out.Attributes, &there); err != nil {
		return mine, err
	}
	if there.Until > 0 {
		log.WarnContext(ctx, "in doubt: an attempt at this e-mail did not end; it may go out twice, under one Message-ID")
	}
	return mine, nil
}

// release gives a claim back, for no e-mail was sent. If it cannot, the claim
// ends by itself.
func (s *Service) release(ctx context.Context, log *slog.Logger, mine record) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reserve/2)
	defer cancel()
	mine.Until = 0
	item, err := attributevalue.MarshalMap(mine)
	if err == nil {
		_, err = s.db.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: &s.config.Table, Item: item,
			ConditionExpression:       aws.String("attempt = :mine"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":mine": &types.AttributeValueMemberS{Value: mine.Attempt}},
		})
	}
	if err != nil {
		log.WarnContext(ctx, "claim not given back; it ends by itself", "error", err)
	}
}

// finish commits what became of the e-mail: the record, the receipt and the event
// that tells of it, together or not at all.
func (s *Service) finish(ctx context.Context, ev envelope.CustomEvent, mine record, state, name string, payload any) error {
	told, err := envelope.New(ctx, name, payload)
	if err != nil {
		return err
	}
	mine.State, mine.Until = state, 0
	item, err := attributevalue.MarshalMap(mine)
	if err != nil {
		return err
	}
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: &types.Put{
		TableName: &s.config.Table, Item: item,
		ConditionExpression:       aws.String("attempt = :mine"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":mine": &types.AttributeValueMemberS{Value: mine.Attempt}},
	}}}}
	if err := s.inbox.Append(in, ev); err != nil {
		return err
	}
	if err := s.events.Append(in, told); err != nil {
		return err
	}
	err = outbox.Commit(ctx, s.db, in, s.inbox, s.events)
	var failed *outbox.CommitError
	switch {
	case errors.Is(err, outbox.ErrDuplicate):
		return nil
	case errors.As(err, &failed) && failed.Refused(0):
		return errBusy // our claim had ended, and another attempt has it now
	}
	return err
}

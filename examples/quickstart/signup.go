package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// UserCreated is the payload of User.Created.
type UserCreated struct {
	UserID string `json:"userId"`
	Email  string `json:"email"`
}

// userService saves users and announces them.
type userService struct {
	db     outbox.TransactWriteItemsAPIClient // a *dynamodb.Client
	users  string                             // the table's name
	writer *outbox.Writer
}

// signUp saves a user and commits the event with it. The transaction is the
// service's own; the outbox adds one line.
func (s *userService) signUp(ctx context.Context, id string) (envelope.CustomEvent, error) {
	ev, err := envelope.New(ctx, "User.Created", UserCreated{UserID: id, Email: id + "@example.com"})
	if err != nil {
		return ev, err
	}
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: &types.Put{
		TableName: &s.users,
		Item: map[string]types.AttributeValue{
			"userId": &types.AttributeValueMemberS{Value: id},
			"email":  &types.AttributeValueMemberS{Value: id + "@example.com"},
		},
		ConditionExpression: aws.String("attribute_not_exists(userId)"),
	}}}}
	if err := s.writer.Append(in, ev); err != nil { // the one line
		return ev, err
	}
	return ev, outbox.Commit(ctx, s.db, in, s.writer)
}

// messagingService sends an e-mail to each new user, once.
type messagingService struct {
	db    outbox.TransactWriteItemsAPIClient
	sent  string // the table's name
	inbox *outbox.Inbox
}

// handle does the work for one event; ErrDuplicate says that it was done before.
func (s *messagingService) handle(ctx context.Context, ev envelope.CustomEvent) error {
	user, err := envelope.Payload[UserCreated](ev)
	if err != nil {
		return err
	}
	// The work of this consumer is a record that the e-mail is to be sent.
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: &types.Put{
		TableName: &s.sent,
		Item: map[string]types.AttributeValue{
			"userId": &types.AttributeValueMemberS{Value: user.UserID},
			"to":     &types.AttributeValueMemberS{Value: user.Email},
		},
	}}}}
	if err := s.inbox.Append(in, ev); err != nil {
		return err
	}
	return outbox.Commit(ctx, s.db, in, s.inbox)
}

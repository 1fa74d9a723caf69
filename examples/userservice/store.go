package userservice

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// DynamoDBAPIClient is what the service needs of DynamoDB; of permissions, that
// is dynamodb:GetItem and PutItem on the users, and PutItem on the event store.
type DynamoDBAPIClient interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// Store keeps users: an item USER#<id> and, so that an address is given once,
// an item EMAIL#<address>. It is safe for concurrent use.
type Store struct {
	db     DynamoDBAPIClient
	users  string // the table's name
	events *outbox.Writer
}

// userItem is a user in the table; emailItem says whose an address is.
type (
	userItem struct {
		PK string `dynamodbav:"pk"`
		User
	}
	emailItem struct {
		PK     string `dynamodbav:"pk"`
		UserID string `dynamodbav:"userId"`
	}
)

func userKey(id string) string { return "USER#" + id }

// SignUp makes a user and its event User.Created, in one transaction. A key that
// is not empty makes the call repeatable: see claim.go.
func (s *Store) SignUp(ctx context.Context, r SignUp, key string) (User, envelope.CustomEvent, error) {
	id := rand.Text()
	ev, err := envelope.New(ctx, "User.Created", UserCreated{UserID: id, Email: r.Email, Name: r.Name}, func(h *envelope.Headers) {
		h.AggregateID, h.Sequence = id, 1
	})
	if err != nil {
		return User{}, ev, err
	}
	in := &dynamodb.TransactWriteItemsInput{}
	if key != "" {
		if ev, err = s.claim(ctx, key, r, ev); err != nil {
			return User{}, ev, err
		}
		in.ClientRequestToken = s.requestToken(key)
	}

	// The items follow from the event alone: who repeats the event, repeats them.
	user, err := created(ev)
	if err != nil {
		return User{}, ev, err
	}
	const emailAt = 1
	in.TransactItems = []types.TransactWriteItem{
		{Put: s.putNew(userItem{userKey(user.ID), user})},
		emailAt: {Put: s.putNew(emailItem{"EMAIL#" + emailKey(user.Email), user.ID})},
	}
	if err := s.events.Append(in, ev); err != nil {
		return User{}, ev, err
	}
	err = outbox.Commit(ctx, s.db, in, s.events)
	var failed *outbox.CommitError
	if errors.As(err, &failed) && failed.Refused(emailAt) {
		err = emailTaken()
	}
	return user, ev, err
}

// created is the user that a User.Created tells of.
func created(ev envelope.CustomEvent) (User, error) {
	p, err := envelope.Payload[UserCreated](ev)
	return User{ID: p.UserID, Email: p.Email, Name: p.Name, Version: 1, CreatedAt: ev.Headers.Timestamp.UTC()}, err
}

// User returns the user with this id.
func (s *Store) User(ctx context.Context, id string) (User, error) {
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.users, ConsistentRead: aws.Bool(true),
		Key: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: userKey(id)}},
	})
	if err != nil {
		return User{}, fmt.Errorf("userservice: read user: %w", err)
	}
	return userOf(out.Item)
}

func userOf(item map[string]types.AttributeValue) (User, error) {
	if len(item) == 0 {
		return User{}, noSuchUser()
	}
	var u userItem
	err := attributevalue.UnmarshalMap(item, &u)
	return u.User, err
}

// Change changes a user and makes its event User.Updated, in one transaction, on
// condition that nobody has changed it since the client saw it.
func (s *Store) Change(ctx context.Context, id string, c Change) (User, envelope.CustomEvent, error) {
	var ev envelope.CustomEvent
	user, err := s.User(ctx, id)
	if err != nil {
		return User{}, ev, err
	}
	if user.Version != c.Version {
		return User{}, ev, stale(user.Version)
	}
	user.Name = c.Name
	user.Version++
	ev, err = envelope.New(ctx, "User.Updated", UserUpdated{UserID: id, Email: user.Email, Name: user.Name, Version: user.Version}, func(h *envelope.Headers) {
		h.AggregateID, h.Sequence = id, user.Version
	})
	if err != nil {
		return User{}, ev, err
	}
	put := s.put(userItem{userKey(id), user})
	put.ConditionExpression = aws.String("version = :seen")
	seen, err := attributevalue.Marshal(c.Version)
	if err != nil {
		return User{}, ev, err
	}
	put.ExpressionAttributeValues = map[string]types.AttributeValue{":seen": seen}
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: put}}}
	if err := s.events.Append(in, ev); err != nil {
		return User{}, ev, err
	}
	err = outbox.Commit(ctx, s.db, in, s.events)
	var failed *outbox.CommitError
	if errors.As(err, &failed) && failed.Refused(0) {
		var there User
		if there, err = userOf(failed.RefusedItem(0)); err == nil {
			err = stale(there.Version)
		}
	}
	return user, ev, err
}

func (s *Store) putNew(item any) *types.Put {
	put := s.put(item)
	put.ConditionExpression = aws.String("attribute_not_exists(pk)")
	return put
}

func (s *Store) put(item any) *types.Put {
	// Only strings, numbers and times: what marshals once, always does.
	av, _ := attributevalue.MarshalMap(item)
	return &types.Put{TableName: &s.users, Item: av, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld}
}

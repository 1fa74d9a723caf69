package outbox_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// transactor is the one operation that the loop needs; *dynamodb.Client has it.
type transactor interface {
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// commit sends a transaction until its outcome is known, or attempts are used
// up. The input stays the same, so every attempt has the same ClientRequestToken.
func commit(ctx context.Context, ddb transactor, w *outbox.Writer, in *dynamodb.TransactWriteItemsInput) error {
	var unsure error // of an attempt that may have committed
	for attempt := 1; ; attempt++ {
		_, err := ddb.TransactWriteItems(ctx, in)
		err = w.Explain(in, err)
		var refused *outbox.CommitError
		switch {
		case !errors.As(err, &refused):
			return err // nil: it has committed
		case refused.Outcome == outbox.Unknown:
			unsure = err
		case len(refused.Reasons) > 0:
			unsure = nil // the event was looked for, and is not there
		}
		if attempt == 5 || !refused.Retryable {
			return cmp.Or(unsure, err)
		}
		wait := rand.N(25 * time.Millisecond << attempt) // full jitter
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return cmp.Or(unsure, err)
		}
	}
}

// The caller's own loop: a conflict is tried again, a lost answer is found to
// have been a commit, a refusal is final.
func ExampleWriter_Explain_retryLoop() {
	w, err := outbox.NewWriter("event-store", func(o *outbox.Options) { o.Source = "userService" })
	if err != nil {
		panic(err)
	}
	ev, err := envelope.New(context.Background(), "User.Created", UserCreated{"u1", "ada@example.com"}, fixed("e1"))
	if err != nil {
		panic(err)
	}
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: userPut("u1")}}}
	if err := w.Append(in, ev); err != nil {
		panic(err)
	}

	// a database in conflict, then one that had committed before the answer was lost
	conflict := &types.TransactionCanceledException{CancellationReasons: []types.CancellationReason{
		{Code: aws.String("TransactionConflict")}, {Code: aws.String("None")},
	}}
	done := &types.TransactionCanceledException{CancellationReasons: []types.CancellationReason{
		{Code: aws.String("ConditionalCheckFailed")},
		{Code: aws.String("ConditionalCheckFailed"), Item: in.TransactItems[1].Put.Item},
	}}
	fmt.Println(commit(context.Background(), &answers{conflict, done}, w, in))

	// a database in which the user exists, and the event does not
	taken := &types.TransactionCanceledException{CancellationReasons: []types.CancellationReason{
		{Code: aws.String("ConditionalCheckFailed")}, {Code: aws.String("None")},
	}}
	fmt.Println(commit(context.Background(), &answers{taken}, w, in))
	// Output:
	// <nil>
	// outbox: transaction: not committed: TransactItems[0] (table "users", the caller's own item): ConditionalCheckFailed
}

// answers is a database that gives prepared answers.
type answers []error

func (a *answers) TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	err := (*a)[0]
	*a = (*a)[1:]
	return nil, err
}

// A sequence comes from the business item's own version, in the same
// transaction: the condition on the version is what makes it unique.
func Example_sequence() {
	w, err := outbox.NewWriter("event-store", func(o *outbox.Options) {
		o.Source, o.Layout = "userService", envelope.AggregateLayout()
	})
	if err != nil {
		panic(err)
	}
	const read = 6 // the version of user u1 that the service has just read
	ev, err := envelope.New(context.Background(), "User.Renamed", map[string]string{"name": "Ada"}, fixed("e1"),
		func(h *envelope.Headers) { h.AggregateID, h.Sequence = "u1", read+1 })
	if err != nil {
		panic(err)
	}
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Update: &types.Update{
		TableName:           aws.String("users"),
		Key:                 map[string]types.AttributeValue{"userId": &types.AttributeValueMemberS{Value: "u1"}},
		UpdateExpression:    aws.String("SET #name = :name, version = :next"),
		ConditionExpression: aws.String("version = :read"),
		ExpressionAttributeNames: map[string]string{
			"#name": "name",
		},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":name": &types.AttributeValueMemberS{Value: "Ada"},
			":read": &types.AttributeValueMemberN{Value: fmt.Sprint(read)},
			":next": &types.AttributeValueMemberN{Value: fmt.Sprint(read + 1)},
		},
	}}}}
	if err := w.Append(in, ev); err != nil {
		panic(err)
	}
	key := in.TransactItems[1].Put.Item
	fmt.Println("pk", key["pk"].(*types.AttributeValueMemberS).Value, "sk", key["sk"].(*types.AttributeValueMemberN).Value)

	// another service instance was faster: its event has this sequence
	other, err := envelope.New(context.Background(), "User.Renamed", nil, fixed("e2"),
		func(h *envelope.Headers) { h.AggregateID, h.Sequence = "u1", read+1 })
	if err != nil {
		panic(err)
	}
	theirs, err := w.PutItem(other)
	if err != nil {
		panic(err)
	}
	err = w.Explain(in, &types.TransactionCanceledException{CancellationReasons: []types.CancellationReason{
		{Code: aws.String("ConditionalCheckFailed")},
		{Code: aws.String("ConditionalCheckFailed"), Item: theirs.Item},
	}})
	fmt.Println(errors.Is(err, outbox.ErrSequenceTaken))
	// Output:
	// pk u1 sk 7
	// true
}

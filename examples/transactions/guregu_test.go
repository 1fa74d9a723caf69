package transactions_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/guregu/dynamo/v2"
	"github.com/guregu/dynamo/v2/dynamodbiface"
)

// recorder is a client for github.com/guregu/dynamo that sends nothing: it keeps
// the transaction that the library has made.
type recorder struct {
	dynamodbiface.DynamoDBAPI // nil: making a transaction calls nothing else

	in *dynamodb.TransactWriteItemsInput
}

func (r *recorder) TransactWriteItems(_ context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	r.in = in
	return &dynamodb.TransactWriteItemsOutput{}, nil
}

// byGuregu makes the transaction with guregu/dynamo, which has no way to take
// actions that others made, nor to give away its own: so its client is a recorder.
func byGuregu(users, counts string, u User) (*dynamodb.TransactWriteItemsInput, error) {
	var r recorder
	db := dynamo.NewFromIface(&r)
	err := db.WriteTx().
		Put(db.Table(users).Put(u).If("attribute_not_exists($)", "pk")).
		Update(db.Table(counts).Update("pk", "users").Add("members", 1)).
		Run(context.Background())
	if err == nil && r.in == nil {
		err = errors.New("guregu/dynamo has sent no transaction")
	}
	return r.in, err
}

// Built by github.com/guregu/dynamo/v2.
func Example_guregu() {
	in, err := byGuregu("users", "counts", ada)
	if err != nil {
		panic(err)
	}
	if err := writer("event-store").Append(in, signedUp(ada)); err != nil {
		panic(err)
	}
	for _, action := range in.TransactItems {
		fmt.Println(describe(action))
	}
	// Output:
	// Put users if (attribute_not_exists(pk))
	// Update counts: ADD members :v0
	// Put event-store if attribute_not_exists(pk)
}

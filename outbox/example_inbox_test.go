package outbox_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// Consumed, changed and announced in one transaction: the receipt, the work and
// the event that follows from it.
func ExampleInbox() {
	inbox, err := outbox.NewInbox("messaging-receipts", "messagingService")
	if err != nil {
		panic(err)
	}
	w, err := outbox.NewWriter("event-store", func(o *outbox.Options) { o.Source = "messagingService" })
	if err != nil {
		panic(err)
	}

	body := `{"version":"0","id":"6a7e8feb","detail-type":"User.Created","source":"userService","detail":{` +
		`"headers":{"eventId":"e1","correlationId":"c1","eventName":"User.Created","createdBy":"ada","source":"userService",` +
		`"region":"","timestamp":1795521600000},"payload":{"userId":"u1","email":"ada@example.com"}}}`
	received, err := envelope.FromSQS([]byte(body))
	if err != nil {
		panic(err)
	}
	user, err := envelope.Payload[UserCreated](received)
	if err != nil {
		panic(err)
	}
	ctx := envelope.Continue(context.Background(), received)
	follows, err := envelope.New(ctx, "Email.Queued", map[string]string{"to": user.Email}, fixed("e2"))
	if err != nil {
		panic(err)
	}

	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: &types.Put{
		TableName: aws.String("emails"),
		Item:      map[string]types.AttributeValue{"to": &types.AttributeValueMemberS{Value: user.Email}},
	}}}}
	if err := inbox.Append(in, received); err != nil {
		panic(err)
	}
	if err := w.Append(in, follows); err != nil {
		panic(err)
	}
	for _, action := range in.TransactItems {
		fmt.Println(*action.Put.TableName)
	}

	// the same message a second time: DynamoDB refuses the receipt, and shows the first
	receipt := in.TransactItems[1].Put.Item
	err = &types.TransactionCanceledException{CancellationReasons: []types.CancellationReason{
		{Code: aws.String("None")}, {Code: aws.String("ConditionalCheckFailed"), Item: receipt}, {Code: aws.String("None")},
	}}
	err = w.Explain(in, inbox.Explain(in, err))
	fmt.Println("done before:", errors.Is(err, outbox.ErrDuplicate))
	// Output:
	// emails
	// messaging-receipts
	// event-store
	// done before: true
}

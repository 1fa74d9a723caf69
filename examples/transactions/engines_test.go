package transactions_test

import (
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

// Whoever made it: the transaction commits with its event, is recognised when it
// is sent again, and is refused with nothing written when the user exists.
func TestTransactionsOnEngines(t *testing.T) {
	builders := map[string]func(users, counts string, u User) (*dynamodb.TransactWriteItemsInput, error){
		"by hand": byHand, "expression builder": byExpression, "guregu/dynamo": byGuregu,
	}
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		for name, build := range builders {
			t.Run(name, func(t *testing.T) {
				store, users, counts := enginetest.EventStore(t, db), enginetest.BusinessTable(t, db), enginetest.BusinessTable(t, db)
				w, ddb := writer(store.Name), db.DynamoDB()
				send := func(ev envelope.CustomEvent) error {
					in, err := build(users.Name, counts.Name, ada)
					require.NoError(t, err)
					require.NoError(t, w.Append(in, ev))
					_, err = ddb.TransactWriteItems(t.Context(), in)
					return w.Explain(in, err)
				}
				ev := signedUp(ada)
				require.NoError(t, send(ev))
				require.NoError(t, send(ev), "again, under another token")

				var e *outbox.CommitError
				require.ErrorAs(t, send(signedUp(ada)), &e)
				require.Equal(t, outbox.NotCommitted, e.Outcome)
				require.Zero(t, e.Reasons[0].Index)

				require.Len(t, users.Items(t, db), 1)
				require.Len(t, store.Items(t, db), 1)
				count, err := ddb.GetItem(t.Context(), &dynamodb.GetItemInput{
					TableName: &counts.Name, ConsistentRead: aws.Bool(true),
					Key: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "users"}},
				})
				require.NoError(t, err)
				require.Equal(t, &types.AttributeValueMemberN{Value: "1"}, count.Item["members"])
			})
		}
	})
}

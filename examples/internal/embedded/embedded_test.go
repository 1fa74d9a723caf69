package embedded_test

import (
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
	"github.com/truora/minidyn/server"

	"github.com/dynamodb-outbox/dynamodb-outbox/examples/internal/embedded"
)

type item = map[string]types.AttributeValue

func client(t *testing.T, endpoint string) *dynamodb.Client {
	t.Helper()
	db := dynamodb.New(dynamodb.Options{
		Region: "eu-west-1", BaseEndpoint: &endpoint, DisableValidateResponseChecksum: true,
		Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
	})
	_, err := db.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("users"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}},
	})
	require.NoError(t, err)
	return db
}

func refusal(t *testing.T, db *dynamodb.Client) []types.CancellationReason {
	t.Helper()
	put := func(id, name string) types.TransactWriteItem {
		return types.TransactWriteItem{Put: &types.Put{
			TableName: aws.String("users"), ConditionExpression: aws.String("attribute_not_exists(pk)"),
			Item:                                item{"pk": &types.AttributeValueMemberS{Value: id}, "name": &types.AttributeValueMemberS{Value: name}},
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}}
	}
	send := func(actions ...types.TransactWriteItem) error {
		_, err := db.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: actions})
		return err
	}
	require.NoError(t, send(put("u1", "first")))
	var cancelled *types.TransactionCanceledException
	require.ErrorAs(t, send(put("u2", "second"), put("u1", "second")), &cancelled)
	return cancelled.CancellationReasons
}

func TestOldItemOfAPut(t *testing.T) {
	ours := httptest.NewServer(embedded.NewServer())
	defer ours.Close()
	reasons := refusal(t, client(t, ours.URL))
	require.Equal(t, "None", *reasons[0].Code)
	require.Empty(t, reasons[0].Item)
	require.Equal(t, "ConditionalCheckFailed", *reasons[1].Code)
	require.Equal(t, "first", reasons[1].Item["name"].(*types.AttributeValueMemberS).Value)

	theirs := httptest.NewServer(server.NewServer())
	defer theirs.Close()
	require.Empty(t, refusal(t, client(t, theirs.URL))[1].Item, "minidyn shows it itself now: this package has nothing to do")
}

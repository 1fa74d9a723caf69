package preflight

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
)

// schema is a table and its key, as the engine knows it.
type schema struct {
	table          *string
	pk, sk         string // sk "" is none
	pkKind, skKind byte   // 'S', 'N' or 'B'
}

// makeSchemas makes a table of each kind of key; the last two are those of
// events.
func makeSchemas(t *testing.T, db *dynamodb.Client) []schema {
	t.Helper()
	schemas := []schema{
		{aws.String("users"), "pk", "", 'S', 0},
		{aws.String("orders"), "pk", "sk", 'S', 'S'},
		{aws.String("ledger"), "pk", "sk", 'S', 'N'},
		{aws.String("numbers"), "pk", "", 'N', 0},
		{aws.String("binaries"), "pk", "sk", 'B', 'B'},
		{aws.String("event-store"), "pk", "sk", 'S', 'N'},
		{aws.String("single"), "PK", "SK", 'S', 'S'},
	}
	own := enginetest.Unique(t) + "-"
	for _, s := range schemas {
		*s.table = own + *s.table
		in := &dynamodb.CreateTableInput{TableName: s.table, BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: &s.pk, AttributeType: types.ScalarAttributeType(rune(s.pkKind))}},
			KeySchema:            []types.KeySchemaElement{{AttributeName: &s.pk, KeyType: types.KeyTypeHash}}}
		if s.sk != "" {
			in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: &s.sk, AttributeType: types.ScalarAttributeType(rune(s.skKind))})
			in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: &s.sk, KeyType: types.KeyTypeRange})
		}
		_, err := db.CreateTable(t.Context(), in)
		require.NoError(t, err)
		t.Cleanup(func() {
			_, err := db.DeleteTable(background, &dynamodb.DeleteTableInput{TableName: s.table})
			require.NoError(t, err)
		})
	}
	return schemas
}

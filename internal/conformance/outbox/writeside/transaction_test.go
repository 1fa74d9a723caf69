package writeside

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// The items of a transaction's Puts may have 4 MB together. What else counts AWS
// does not say, and engines differ, so the library counts nothing else.
func TestTransactionSizeIsTheEngines(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) {
		table, db := enginetest.BusinessTable(t, e).Name, e.DynamoDB()
		whole := transact(t, db, puts(t, table, outbox.MaxTransactionBytes)...)
		if does := enginetest.Deviation(t, e); does != "" {
			require.Error(t, whole, "it no longer %s", does)
			return
		}
		require.NoError(t, whole)
		err := transact(t, db, puts(t, table, outbox.MaxTransactionBytes+1)...)
		require.ErrorContains(t, err, "4MB")
		require.ErrorContains(t, err, "ValidationException")
	})
}

// puts returns Puts whose items have size bytes together.
func puts(t *testing.T, table string, size int) (actions []types.TransactWriteItem) {
	t.Helper()
	for i := 0; size > 0; i++ {
		part := min(size, 390_000)
		if rest := size - part; rest > 0 && rest < 100 {
			part -= 100
		}
		item := attrs{"pk": text(fmt.Sprintf("fill-%02d", i)), "pad": text("")}
		have, err := itemsize.Check(item)
		require.NoError(t, err)
		item["pad"] = text(strings.Repeat("x", part-have))
		actions = append(actions, types.TransactWriteItem{Put: &types.Put{TableName: &table, Item: item}})
		size -= part
	}
	return actions
}

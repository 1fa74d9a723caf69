package tablename_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/tablename"
)

func TestNames(t *testing.T) {
	const table = "arn:aws:dynamodb:eu-west-1:123456789012:table/event-store"
	require.Equal(t, "event-store", tablename.Of("event-store"))
	require.Equal(t, "event-store", tablename.Of(table))
	require.Equal(t, "event-store", tablename.OfStream(table+"/stream/2026-11-24T00:00:00.000"))
	for _, arn := range []string{"", "event-store", table, table + "/index/i", "arn:aws:kinesis:eu-west-1:1:stream/s"} {
		require.Empty(t, tablename.OfStream(arn), arn)
	}
}

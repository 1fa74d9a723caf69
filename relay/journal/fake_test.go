package journal_test

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/faketable"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/journal"
)

type item = faketable.Item

// failing fails one call of an operation, counted from 0.
func failing(operation string, call int, err error) func(context.Context, string) error {
	var calls atomic.Int64
	return func(_ context.Context, op string) error {
		if op == operation && calls.Add(1) == int64(call)+1 {
			return err
		}
		return nil
	}
}

// add puts an item that no journal has written.
func add(t *testing.T, db *faketable.Tables, it item) {
	t.Helper()
	_, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("journal"), Item: it})
	require.NoError(t, err)
}

// lately is the beginning of a minute, an hour ago.
func lately() time.Time { return time.Now().UTC().Truncate(time.Minute).Add(-time.Hour) }

// all is what the journal has between two times, sorted.
func all(t *testing.T, table *journal.Table, from, to time.Time) []relay.Done {
	t.Helper()
	var done []relay.Done
	for d, err := range table.Accepted(t.Context(), from, to) {
		require.NoError(t, err)
		done = append(done, d)
	}
	return sorted(done)
}

func sorted(done []relay.Done) []relay.Done {
	slices.SortFunc(done, func(a, b relay.Done) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.EventID, b.EventID), cmp.Compare(a.BusID, b.BusID), cmp.Compare(a.Bus, b.Bus))
	})
	return done
}

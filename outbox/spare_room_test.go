package outbox_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// Two transactions may begin as one slice with room behind it: what is appended
// to one must not show in the other, nor in the caller's array.
func TestAppendNeverWritesIntoTheCallersArray(t *testing.T) {
	w := newWriter(t)
	inbox, err := outbox.NewInbox("receipts", "messaging")
	require.NoError(t, err)
	for name, add := range map[string]func(in *dynamodb.TransactWriteItemsInput, id string) error{
		"Writer": func(in *dynamodb.TransactWriteItemsInput, id string) error { return w.Append(in, event(t, id, 1)) },
		"Writer, two events": func(in *dynamodb.TransactWriteItemsInput, id string) error {
			return w.Append(in, event(t, id, 1), event(t, id+"-next", 1))
		},
		"Writer, twice": func(in *dynamodb.TransactWriteItemsInput, id string) error {
			if err := w.Append(in, event(t, id, 1)); err != nil {
				return err
			}
			return w.Append(in, event(t, id+"-next", 1))
		},
		"Inbox": func(in *dynamodb.TransactWriteItemsInput, id string) error { return inbox.Append(in, event(t, id, 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			array := append(make([]types.TransactWriteItem, 0, 8), signup("u1").TransactItems...)
			first := &dynamodb.TransactWriteItemsInput{TransactItems: array}
			second := &dynamodb.TransactWriteItemsInput{TransactItems: array}
			require.NoError(t, add(first, "e1"))
			before := copyOf(t, first)
			require.NoError(t, add(second, "e2"))

			require.Equal(t, before, first, "the first transaction has its own event still")
			require.NotEqual(t, first.TransactItems[1], second.TransactItems[1])
			for i, spare := range array[:cap(array)][1:] {
				require.Zero(t, spare, "place %d behind the caller's slice", i)
			}

			// a transaction that was copied after an append shares nothing either
			third := *first
			require.NoError(t, add(first, "e3"))
			require.NoError(t, add(&third, "e4"))
			at := len(before.TransactItems)
			require.NotEqual(t, first.TransactItems[at], third.TransactItems[at])
		})
	}
}

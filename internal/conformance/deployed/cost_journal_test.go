package deployed

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/journal"
)

// keeper keeps the last item that was put.
type keeper struct {
	journal.APIClient
	put *dynamodb.PutItemInput
}

func (k *keeper) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	k.put = in
	return &dynamodb.PutItemOutput{}, nil
}

// journalItem is the size of the journal's item of an invocation of n events.
func journalItem(t *testing.T, n int) int {
	t.Helper()
	var done []relay.Done
	for i := range n {
		done = append(done, relay.Done{
			EventID: ulid.Make().String(), BusID: fmt.Sprintf("f47ac10b-58cc-4372-a567-0e02b2c3%04x", i), At: time.Now().UTC().Truncate(time.Hour),
		})
	}
	db := &keeper{}
	require.NoError(t, journal.New(db, "journal", func(o *journal.Options) { o.TTL = 90 * 24 * time.Hour }).Record(t.Context(), done))
	size, err := itemsize.Measure(db.put.Item)
	require.NoError(t, err)
	return size
}

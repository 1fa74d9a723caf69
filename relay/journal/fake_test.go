package journal_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/journal"
)

type item = map[string]types.AttributeValue

// fakeTable is a DynamoDB of one table with the key pk, sk, as far as a journal
// needs one. It refuses what it does not know: items above 400 KB, empty keys,
// other questions.
type fakeTable struct {
	pageBytes int                                       // of an answer; zero means 1 MB, as DynamoDB has it
	putFault  func(put int) error                       // puts are counted from 0
	fault     func(query int, pk string) error          // queries are counted from 0
	answer    func(pk string) (items []item, more bool) // in the place of what was put
	stuck     bool                                      // each page ends where it began

	mu      sync.Mutex                 // guards what follows
	parts   map[string]map[string]item // by pk and sk
	puts    int
	queries []string // the pk of each
}

func (f *fakeTable) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.puts++
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if f.putFault != nil {
		if err := f.putFault(f.puts - 1); err != nil {
			return nil, err
		}
	}
	if aws.ToString(in.TableName) != "journal" || in.ConditionExpression != nil {
		return nil, errors.New("fake: another table, or a condition")
	}
	if n, err := itemsize.Measure(in.Item); err != nil || n > 409_600 {
		return nil, fmt.Errorf("fake: item of %d bytes: %w", n, err)
	}
	return &dynamodb.PutItemOutput{}, f.add(in.Item)
}

// add puts an item without a look at it.
func (f *fakeTable) add(it item) error {
	pk, sk := text(it, "pk"), text(it, "sk")
	if pk == "" || sk == "" {
		return errors.New("fake: no key")
	}
	if f.parts == nil {
		f.parts = map[string]map[string]item{}
	}
	if f.parts[pk] == nil {
		f.parts[pk] = map[string]item{}
	}
	if f.parts[pk][sk] != nil {
		return errors.New("fake: an item is overwritten")
	}
	f.parts[pk][sk] = it
	return nil
}

func (f *fakeTable) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	pk := in.ExpressionAttributeValues[":pk"].(*types.AttributeValueMemberS).Value
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queries = append(f.queries, pk)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if f.fault != nil {
		if err := f.fault(len(f.queries)-1, pk); err != nil {
			return nil, err
		}
	}
	if aws.ToString(in.KeyConditionExpression) != "#pk = :pk" || in.ExpressionAttributeNames["#pk"] != "pk" || !aws.ToBool(in.ConsistentRead) ||
		aws.ToString(in.TableName) != "journal" {
		return nil, fmt.Errorf("fake: this question is not modelled: %+v", in)
	}
	out := &dynamodb.QueryOutput{}
	if f.answer != nil {
		items, more := f.answer(pk)
		out.Items = items
		if more {
			out.LastEvaluatedKey = item{"pk": items[0]["pk"], "sk": &types.AttributeValueMemberN{Value: fmt.Sprint(len(f.queries))}}
		}
		return out, nil
	}
	if f.stuck {
		out.LastEvaluatedKey = item{"pk": &types.AttributeValueMemberS{Value: pk}}
		return out, nil
	}
	start := text(in.ExclusiveStartKey, "sk")
	size := 0
	for _, sk := range slices.Sorted(maps.Keys(f.parts[pk])) {
		if sk <= start {
			continue
		}
		it := f.parts[pk][sk]
		n, _ := itemsize.Measure(it)
		out.Items = append(out.Items, maps.Clone(it))
		if size += n; size >= cmp.Or(f.pageBytes, 1<<20) { // as DynamoDB does, also behind the last one
			out.LastEvaluatedKey = item{"pk": it["pk"], "sk": it["sk"]}
			break
		}
	}
	return out, nil
}

// items are all items, in the order of their keys.
func (f *fakeTable) items() (all []item) {
	for _, pk := range slices.Sorted(maps.Keys(f.parts)) {
		for _, sk := range slices.Sorted(maps.Keys(f.parts[pk])) {
			all = append(all, f.parts[pk][sk])
		}
	}
	return all
}

func text(it item, name string) string {
	switch v := it[name].(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberB:
		return string(v.Value)
	default:
		return ""
	}
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

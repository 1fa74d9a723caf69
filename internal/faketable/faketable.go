// Package faketable is a DynamoDB in memory for the tests of packages that read
// tables: an outboxtest.Client that knows Query, Scan and DeleteItem, too, as far as
// this module asks for them.
package faketable

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox/outboxtest"
)

// Item is an item of a table.
type Item = map[string]types.AttributeValue

// Tables are tables with the key pk, sk, of which those that are queried or scanned
// have texts in both. The zero value is ready. It is safe for concurrent use once its
// fields are set. A question that is not modelled is an error.
type Tables struct {
	outboxtest.Client

	// Fault is asked before each call; an error is its answer. Zero means none.
	Fault func(ctx context.Context, operation string) error

	// PageBytes ends a page behind the item that reaches it. Zero means 1 MB, as
	// DynamoDB has it.
	PageBytes int

	// Stuck ends each page where the first one does.
	Stuck bool

	mu      sync.Mutex // guards queries
	queries int
}

func (t *Tables) fault(ctx context.Context, operation string) error {
	if t.Fault == nil {
		return ctx.Err()
	}
	return cmp.Or(t.Fault(ctx, operation), ctx.Err())
}

// Queries says how often Query was called since it was last asked.
func (t *Tables) Queries() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer func() { t.queries = 0 }()
	return t.queries
}

// Items returns the items of a table in the order of their keys.
func (t *Tables) Items(table string) []Item {
	return sorted(t.Client.Items(table))
}

func sorted(items []Item) []Item {
	slices.SortFunc(items, func(a, b Item) int { return cmp.Compare(keyOf(a), keyOf(b)) })
	return items
}

func keyOf(item Item) string { return Text(item["pk"]) + "\x00" + Text(item["sk"]) }

// Text is a value as a text, "" if there is none.
func Text(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberB:
		return string(v.Value)
	case *types.AttributeValueMemberBOOL:
		return fmt.Sprint(v.Value)
	}
	return ""
}

// PutItem puts an item.
func (t *Tables) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	if err := t.fault(ctx, "PutItem"); err != nil {
		return nil, err
	}
	return t.Client.PutItem(ctx, in)
}

// GetItem returns an item.
func (t *Tables) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	if err := t.fault(ctx, "GetItem"); err != nil {
		return nil, err
	}
	return t.Client.GetItem(ctx, in)
}

// Query returns the items of a partition key.
func (t *Tables) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	t.mu.Lock()
	t.queries++
	t.mu.Unlock()
	if err := t.fault(ctx, "Query"); err != nil {
		return nil, err
	}
	if aws.ToString(in.KeyConditionExpression) != "#pk = :pk" || in.FilterExpression != nil || in.ExpressionAttributeNames["#pk"] != "pk" || !aws.ToBool(in.ConsistentRead) {
		return nil, fmt.Errorf("faketable: this Query is not modelled: %+v", in)
	}
	pk := Text(in.ExpressionAttributeValues[":pk"])
	items, last, err := t.page(aws.ToString(in.TableName), in.ExclusiveStartKey, 0, func(item Item) bool { return Text(item["pk"]) == pk })
	return &dynamodb.QueryOutput{Items: items, LastEvaluatedKey: last}, err
}

// Scan returns the items of a table.
func (t *Tables) Scan(ctx context.Context, in *dynamodb.ScanInput, _ ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	if err := t.fault(ctx, "Scan"); err != nil {
		return nil, err
	}
	if in.FilterExpression != nil || in.TotalSegments != nil {
		return nil, fmt.Errorf("faketable: this Scan is not modelled: %+v", in)
	}
	items, last, err := t.page(aws.ToString(in.TableName), in.ExclusiveStartKey, int(aws.ToInt32(in.Limit)), func(Item) bool { return true })
	if in.ProjectionExpression != nil {
		wanted := map[string]bool{}
		for name := range strings.SplitSeq(*in.ProjectionExpression, ", ") {
			wanted[in.ExpressionAttributeNames[name]] = true
		}
		for _, item := range items {
			for name := range item {
				if !wanted[name] {
					delete(item, name)
				}
			}
		}
	}
	return &dynamodb.ScanOutput{Items: items, LastEvaluatedKey: last}, err
}

// page returns the items behind a key, and the last key if there may be more.
func (t *Tables) page(table string, start Item, limit int, keep func(Item) bool) (page []Item, last Item, err error) {
	if start != nil && (len(start) != 2 || !isText(start["pk"]) || !isText(start["sk"])) {
		return nil, nil, &smithy.GenericAPIError{Code: "ValidationException", Message: "ExclusiveStartKey is not the key of an item"}
	}
	items, size := slices.DeleteFunc(t.Client.Items(table), func(item Item) bool {
		return !keep(item) || start != nil && !t.Stuck && keyOf(item) <= keyOf(start)
	}), 0
	for _, item := range sorted(items) {
		n, _ := itemsize.Measure(item) // it was measured when it was put
		page, size = append(page, item), size+n
		if t.Stuck || len(page) == limit || size >= cmp.Or(t.PageBytes, 1<<20) { // as DynamoDB does, also behind the last one
			return page, Item{"pk": item["pk"], "sk": item["sk"]}, nil
		}
	}
	return page, nil, nil
}

func isText(v types.AttributeValue) bool {
	_, ok := v.(*types.AttributeValueMemberS)
	return ok
}

// DeleteItem deletes an item whose attribute #t is :t, or is not there.
func (t *Tables) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	if err := t.fault(ctx, "DeleteItem"); err != nil {
		return nil, err
	}
	got, err := t.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: in.TableName, Key: in.Key})
	if err != nil {
		return nil, err
	}
	var want types.AttributeValue
	switch aws.ToString(in.ConditionExpression) {
	case "attribute_not_exists(#t)":
	case "#t = :t":
		want = in.ExpressionAttributeValues[":t"]
	default:
		return nil, fmt.Errorf("faketable: the condition %q is not modelled", aws.ToString(in.ConditionExpression))
	}
	if !reflect.DeepEqual(got.Item[in.ExpressionAttributeNames["#t"]], want) {
		return nil, &types.ConditionalCheckFailedException{}
	}
	_, err = t.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
		TransactItems: []types.TransactWriteItem{{Delete: &types.Delete{TableName: in.TableName, Key: in.Key}}},
	})
	return &dynamodb.DeleteItemOutput{}, err
}

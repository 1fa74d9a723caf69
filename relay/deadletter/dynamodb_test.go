package deadletter_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// fakeTable is a DynamoDB of tables with the key pk (S) and sk (S or N), as far
// as dead letters need one. It refuses what it does not know: items above 400
// KB, empty keys, other expressions.
type fakeTable struct {
	mu     sync.Mutex
	tables map[string]map[string]map[string]types.AttributeValue // table, key, item
	err    error                                                 // of everything but PutItem
	puts   int
	gets   int
}

func (f *fakeTable) table(name *string) map[string]map[string]types.AttributeValue {
	if f.tables == nil {
		f.tables = make(map[string]map[string]map[string]types.AttributeValue)
	}
	t := f.tables[aws.ToString(name)]
	if t == nil {
		t = make(map[string]map[string]types.AttributeValue)
		f.tables[aws.ToString(name)] = t
	}
	return t
}

func fakeKey(item map[string]types.AttributeValue) (string, error) {
	pk, ok := item["pk"].(*types.AttributeValueMemberS)
	if !ok || pk.Value == "" || len(pk.Value) > 2048 {
		return "", errors.New("fake: pk must be a string of 1 to 2048 bytes")
	}
	switch sk := item["sk"].(type) {
	case *types.AttributeValueMemberS:
		if sk.Value == "" || len(sk.Value) > 1024 {
			return "", errors.New("fake: sk must have 1 to 1024 bytes")
		}
		return pk.Value + "\x00" + sk.Value, nil
	case *types.AttributeValueMemberN:
		return pk.Value + "\x00" + sk.Value, nil
	default:
		return "", errors.New("fake: no sk")
	}
}

func (f *fakeTable) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if in.ConditionExpression != nil {
		return nil, errors.New("fake: conditions of a put are not modelled")
	}
	f.puts++
	if n := itemSize(in.Item); n > 409_600 {
		return nil, fmt.Errorf("fake: item of %d bytes", n)
	}
	key, err := fakeKey(in.Item)
	if err != nil {
		return nil, err
	}
	f.table(in.TableName)[key] = maps.Clone(in.Item)
	return &dynamodb.PutItemOutput{}, nil
}

// itemSize is the size of an item by DynamoDB's rule.
func itemSize(item map[string]types.AttributeValue) int {
	n := 0
	for name, v := range item {
		n += len(name)
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			n += len(v.Value)
		case *types.AttributeValueMemberB:
			n += len(v.Value)
		case *types.AttributeValueMemberN:
			n += (len(v.Value)+1)/2 + 1
		case *types.AttributeValueMemberBOOL:
			n++
		case *types.AttributeValueMemberM:
			n += 3 + len(v.Value) + itemSize(v.Value)
		default:
			n += 409_600 // not modelled
		}
	}
	return n
}

func (f *fakeTable) Scan(_ context.Context, in *dynamodb.ScanInput, _ ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return nil, f.err
	}
	t := f.table(in.TableName)
	start := ""
	if in.ExclusiveStartKey != nil {
		var err error
		if start, err = fakeKey(in.ExclusiveStartKey); err != nil {
			return nil, err
		}
	}
	out := &dynamodb.ScanOutput{}
	for _, key := range slices.Sorted(maps.Keys(t)) {
		if key <= start {
			continue
		}
		item := maps.Clone(t[key])
		if in.ProjectionExpression != nil {
			maps.DeleteFunc(item, func(name string, _ types.AttributeValue) bool {
				return !slices.ContainsFunc(strings.Split(*in.ProjectionExpression, ", "), func(p string) bool { return in.ExpressionAttributeNames[p] == name })
			})
		}
		out.Items = append(out.Items, item)
		if len(out.Items) == int(aws.ToInt32(in.Limit)) {
			out.LastEvaluatedKey = map[string]types.AttributeValue{"pk": t[key]["pk"], "sk": t[key]["sk"]}
			break
		}
	}
	return out, nil
}

func (f *fakeTable) DeleteItem(_ context.Context, in *dynamodb.DeleteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key, err := fakeKey(in.Key)
	if f.err != nil || err != nil {
		return nil, errors.Join(f.err, err)
	}
	t := f.table(in.TableName)
	if aws.ToString(in.ConditionExpression) == "attribute_not_exists(#t)" {
		if t[key][in.ExpressionAttributeNames["#t"]] != nil {
			return nil, &types.ConditionalCheckFailedException{}
		}
		delete(t, key)
		return &dynamodb.DeleteItemOutput{}, nil
	}
	if aws.ToString(in.ConditionExpression) != "#t = :t" {
		return nil, fmt.Errorf("fake: condition %q is not modelled", aws.ToString(in.ConditionExpression))
	}
	want := in.ExpressionAttributeValues[":t"].(*types.AttributeValueMemberN).Value
	if got, ok := t[key][in.ExpressionAttributeNames["#t"]].(*types.AttributeValueMemberN); !ok || got.Value != want {
		return nil, &types.ConditionalCheckFailedException{}
	}
	delete(t, key)
	return &dynamodb.DeleteItemOutput{}, nil
}

func (f *fakeTable) GetItem(_ context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key, err := fakeKey(in.Key)
	if f.err != nil || err != nil {
		return nil, errors.Join(f.err, err)
	}
	f.gets++
	return &dynamodb.GetItemOutput{Item: maps.Clone(f.table(in.TableName)[key])}, nil
}

// put puts an item of DynamoDB JSON into a table.
func (f *fakeTable) put(table, itemJSON string) {
	item, err := attributevalue.UnmarshalMapJSON([]byte(itemJSON))
	if err == nil {
		_, err = f.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: &table, Item: item})
	}
	if err != nil {
		panic(err)
	}
}

func (f *fakeTable) items(table string) []map[string]types.AttributeValue {
	t := f.table(&table)
	var out []map[string]types.AttributeValue
	for _, key := range slices.Sorted(maps.Keys(t)) {
		out = append(out, t[key])
	}
	return out
}

// apiFault is an error of DynamoDB.
func apiFault(code string) error { return &smithy.GenericAPIError{Code: code} }

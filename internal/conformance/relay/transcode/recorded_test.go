package transcode

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lambdapoller"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamgen"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

// TestRecordedStreams holds the library against the others over what the
// engines themselves say in their streams, about generated items.
func TestRecordedStreams(t *testing.T) {
	const items = 200
	for _, view := range []types.StreamViewType{types.StreamViewTypeNewImage, types.StreamViewTypeNewAndOldImages} {
		t.Run(string(view), func(t *testing.T) {
			enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
				t.Parallel()
				table := enginetest.EventStore(t, db, func(o *enginetest.TableOptions) { o.SK, o.Stream = "", view })
				written := map[string]map[string]any{}
				g := streamgen.New(7, 7, false)
				for i := range items {
					id := fmt.Sprintf("event-%03d", i)
					item, err := attributevalue.UnmarshalMapJSON([]byte(g.Image(id)))
					require.NoError(t, err)
					storable(item)
					_, err = db.DynamoDB().PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table.Name, Item: item})
					require.NoError(t, err)
					written[id] = sdkDetail(t, item)
				}
				key := func(id string) map[string]types.AttributeValue {
					return map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: id}}
				}
				for i := range 10 {
					update := "SET changedBy = :x"
					_, err := db.DynamoDB().UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: &table.Name, Key: key(fmt.Sprintf("event-%03d", i)),
						UpdateExpression: &update, ExpressionAttributeValues: map[string]types.AttributeValue{":x": &types.AttributeValueMemberS{Value: fmt.Sprint("changed", i)}}})
					require.NoError(t, err)
					_, err = db.DynamoDB().DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table.Name, Key: key(fmt.Sprintf("event-%03d", 10+i))})
					require.NoError(t, err)
				}

				recorded, err := lambdapoller.Events(t.Context(), db.Streams(), table.StreamARN, 30)
				require.NoError(t, err)
				d := streamrecord.NewDecoder(streamrecord.Config{})
				kinds := map[streamrecord.Kind]int{}
				for _, payload := range recorded {
					requireSame(t, d, payload)
					b, err := d.Decode(payload)
					require.NoError(t, err)
					for _, r := range b.Records {
						kinds[r.Kind]++
						if r.Kind != streamrecord.Event {
							continue
						}
						require.Equal(t, written[r.EventID], parsed(t, r.Detail))
						delete(written, r.EventID)
					}
				}
				require.Empty(t, written, "events that are not in the stream")
				require.Equal(t, map[streamrecord.Kind]int{streamrecord.Event: items, streamrecord.Modify: 10, streamrecord.Remove: 10}, kinds)
			})
		})
	}
}

// TestWrongViews reads streams that carry no new images.
func TestWrongViews(t *testing.T) {
	for _, view := range []types.StreamViewType{types.StreamViewTypeKeysOnly, types.StreamViewTypeOldImage} {
		t.Run(string(view), func(t *testing.T) {
			enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
				t.Parallel()
				table := enginetest.EventStore(t, db, func(o *enginetest.TableOptions) { o.SK, o.Stream = "", view })
				item := map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "a"}}
				_, err := db.DynamoDB().PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table.Name, Item: item})
				require.NoError(t, err)
				recorded, err := lambdapoller.Events(t.Context(), db.Streams(), table.StreamARN, 0)
				require.NoError(t, err)
				require.Len(t, recorded, 1)
				_, err = streamrecord.NewDecoder(streamrecord.Config{}).Decode(recorded[0])
				var wrong *streamrecord.StreamViewError
				require.ErrorAs(t, err, &wrong)
				require.Equal(t, string(view), wrong.ViewType)
				require.Equal(t, table.StreamARN, wrong.StreamARN)
			})
		})
	}
}

// storable changes what DynamoDB does not store as it is: sets that are empty
// or have equal elements, an order of their elements, empty names, and forms of
// numbers that are only read.
func storable(m map[string]types.AttributeValue) {
	for k, v := range m {
		if m[k] = storableValue(v); k == "" {
			delete(m, k)
			m["(empty)"] = storableValue(v)
		}
	}
}

func storableValue(v types.AttributeValue) types.AttributeValue {
	switch v := v.(type) {
	case *types.AttributeValueMemberM:
		storable(v.Value)
	case *types.AttributeValueMemberL:
		for i := range v.Value {
			v.Value[i] = storableValue(v.Value[i])
		}
	case *types.AttributeValueMemberN:
		v.Value = storableNumber(v.Value)
	case *types.AttributeValueMemberSS:
		return &types.AttributeValueMemberSS{Value: []string{"é\"\n"}}
	case *types.AttributeValueMemberNS:
		return &types.AttributeValueMemberNS{Value: []string{"-2.5"}}
	case *types.AttributeValueMemberBS:
		return &types.AttributeValueMemberBS{Value: [][]byte{{2, 255}}}
	}
	return v
}

// stored are the forms of numbers that every engine stores.
var stored = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([eE]-?[0-9]+)?$`)

// storableNumber returns s, or a number where an engine would take s for none.
func storableNumber(s string) string {
	if !stored.MatchString(s) || strings.HasPrefix(s, "0.0000000000") {
		return "5"
	}
	return s
}

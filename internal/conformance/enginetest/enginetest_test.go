package enginetest

import (
	"errors"
	"os"
	"runtime"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

func TestTablesOfEachDynamoDB(t *testing.T) {
	EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		store, business := EventStore(t, db), BusinessTable(t, db)
		require.NotEqual(t, store.Name, business.Name)
		require.NotEmpty(t, store.StreamARN)
		require.Empty(t, business.StreamARN)

		put := func(table string, item map[string]types.AttributeValue) types.TransactWriteItem {
			return types.TransactWriteItem{Put: &types.Put{TableName: &table, Item: item}}
		}
		event := map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "e1"}, "sk": &types.AttributeValueMemberN{Value: "17"}}
		user := map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "u1"}}
		_, err := db.DynamoDB().TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{
			TransactItems: []types.TransactWriteItem{put(store.Name, event), put(business.Name, user)},
		})
		require.NoError(t, err)
		require.Equal(t, []map[string]types.AttributeValue{event}, store.Items(t, db))
		require.Equal(t, []map[string]types.AttributeValue{user}, business.Items(t, db))

		stream, err := db.Streams().DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: &store.StreamARN})
		require.NoError(t, err)
		require.EqualValues(t, "NEW_IMAGE", stream.StreamDescription.StreamViewType)
		require.NotEmpty(t, stream.StreamDescription.Shards)
	})
}

func TestTableOptions(t *testing.T) {
	EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		table := EventStore(t, db, func(o *TableOptions) {
			o.PK, o.SK, o.SKType, o.Stream = "PK", "SK", types.ScalarAttributeTypeS, types.StreamViewTypeKeysOnly
		})
		out, err := db.DynamoDB().DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &table.Name})
		require.NoError(t, err)
		require.Equal(t, types.StreamViewTypeKeysOnly, out.Table.StreamSpecification.StreamViewType)
		require.ElementsMatch(t, []types.AttributeDefinition{
			{AttributeName: aws.String("PK"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("SK"), AttributeType: types.ScalarAttributeTypeS},
		}, out.Table.AttributeDefinitions)
	})
}

func TestBusDeliversToItsQueue(t *testing.T) {
	moto := Moto(t)
	t.Parallel()
	bus := NewBus(t, moto)
	picky := NewBus(t, moto, func(o *BusOptions) { o.Pattern = `{"detail-type":["User.Created"]}` })

	entry := func(bus Bus, detailType, id string) ebtypes.PutEventsRequestEntry {
		return ebtypes.PutEventsRequestEntry{
			EventBusName: &bus.Name, Source: aws.String("users"), DetailType: &detailType,
			Detail: aws.String(`{"headers":{"eventId":"` + id + `"},"payload":{}}`),
		}
	}
	out, err := moto.EventBridge().PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{
		entry(bus, "User.Created", "e1"), entry(bus, "User.Deleted", "e2"),
		entry(picky, "User.Created", "e3"), entry(picky, "User.Deleted", "e4"),
	}})
	require.NoError(t, err)
	require.Zero(t, out.FailedEntryCount)

	require.ElementsMatch(t, []string{"e1", "e2"}, EventIDs(t, bus.Queue.Receive(t, 2)))
	require.Equal(t, []string{"e3"}, EventIDs(t, picky.Queue.Drain(t)))
	require.Empty(t, bus.Queue.Drain(t))
	require.Empty(t, bus.DLQ.Drain(t))
}

func TestOwnEngineIsAnotherOne(t *testing.T) {
	own := Own(t, engine.Dynoxide)
	require.NotEqual(t, Start(t, engine.Dynoxide).URL, own.URL)
	out, err := own.DynamoDB().ListTables(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, out.TableNames)
}

func TestLambdaRIEIsAProgram(t *testing.T) {
	info, err := os.Stat(LambdaRIE(t))
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&0o100, "executable")
}

func TestUniqueNames(t *testing.T) {
	t.Run("a name with / and $ and one that is much too long for a queue", func(t *testing.T) {
		a, b := Unique(t), Unique(t)
		require.NotEqual(t, a, b)
		require.Regexp(t, `^[A-Za-z0-9-]{3,60}$`, a)
	})
}

// fakeT records how check ended a test.
type fakeT struct {
	testing.TB
	skipped, failed bool
}

func (f *fakeT) Helper()              {}
func (f *fakeT) Skipf(string, ...any) { f.skipped = true; runtime.Goexit() }
func (f *fakeT) Fatal(...any)         { f.failed = true; runtime.Goexit() }

func TestMissingEngine(t *testing.T) {
	missing := &engine.MissingError{Name: engine.Moto, Reason: "test"}
	for _, tt := range []struct {
		name, require   string
		err             error
		skipped, failed bool
	}{
		{"is a skip", "", missing, true, false},
		{"is a failure where engines are required", "1", missing, false, true},
		{"that is broken is a failure", "", errors.New("broken"), false, true},
		{"that is there is neither", "1", nil, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv(RequireEnv, tt.require)
			f := &fakeT{}
			done := make(chan struct{})
			go func() {
				defer close(done)
				check(f, tt.err)
			}()
			<-done
			require.Equal(t, tt.skipped, f.skipped, "skipped")
			require.Equal(t, tt.failed, f.failed, "failed")
		})
	}
}

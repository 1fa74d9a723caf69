package lambdapoller

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/stretchr/testify/require"
)

func TestNewRecord(t *testing.T) {
	const arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/2026"
	s := func(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
	got, err := newRecord(types.Record{
		EventID: aws.String("c4ca4238"), EventName: types.OperationTypeModify, EventVersion: aws.String("1.1"),
		EventSource: aws.String("aws:dynamodb"), AwsRegion: aws.String("eu-west-1"),
		UserIdentity: &types.Identity{PrincipalId: aws.String("dynamodb.amazonaws.com"), Type: aws.String("Service")},
		Dynamodb: &types.StreamRecord{
			ApproximateCreationDateTime: aws.Time(time.Unix(1479499740, 999)),
			Keys:                        map[string]types.AttributeValue{"pk": s("<a&b>")},
			NewImage: map[string]types.AttributeValue{
				"n":    &types.AttributeValueMemberN{Value: "12345678901234567890123456789012345678"},
				"b":    &types.AttributeValueMemberB{Value: []byte{0, 255}},
				"bool": &types.AttributeValueMemberBOOL{Value: false},
				"null": &types.AttributeValueMemberNULL{Value: true},
				"ss":   &types.AttributeValueMemberSS{Value: []string{"x"}},
				"ns":   &types.AttributeValueMemberNS{Value: []string{"1.5"}},
				"bs":   &types.AttributeValueMemberBS{Value: [][]byte{{1}}},
				"l":    &types.AttributeValueMemberL{Value: []types.AttributeValue{s("é"), &types.AttributeValueMemberL{}}},
				"m":    &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"k": &types.AttributeValueMemberM{}}},
			},
			OldImage:       map[string]types.AttributeValue{"pk": s("")},
			SequenceNumber: aws.String("000000000000000000042"),
			SizeBytes:      aws.Int64(26), StreamViewType: types.StreamViewTypeNewAndOldImages,
		},
	}, arn)
	require.NoError(t, err)
	require.Equal(t, "000000000000000000042", got.SequenceNumber)
	require.Equal(t, "MODIFY", got.EventName)
	require.Contains(t, string(got.JSON), `"<a&b>"`, "no HTML escapes")
	require.JSONEq(t, `{"eventID":"c4ca4238","eventName":"MODIFY","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"eu-west-1",`+
		`"dynamodb":{"ApproximateCreationDateTime":1479499740,"Keys":{"pk":{"S":"<a&b>"}},`+
		`"NewImage":{"b":{"B":"AP8="},"bool":{"BOOL":false},"bs":{"BS":["AQ=="]},"l":{"L":[{"S":"é"},{"L":[]}]},`+
		`"m":{"M":{"k":{"M":{}}}},"n":{"N":"12345678901234567890123456789012345678"},"ns":{"NS":["1.5"]},"null":{"NULL":true},"ss":{"SS":["x"]}},`+
		`"OldImage":{"pk":{"S":""}},"SequenceNumber":"000000000000000000042","SizeBytes":26,"StreamViewType":"NEW_AND_OLD_IMAGES"},`+
		`"userIdentity":{"principalId":"dynamodb.amazonaws.com","type":"Service"},"eventSourceARN":"`+arn+`"}`, string(got.JSON))
}

func TestNewRecordLeavesOutWhatIsAbsent(t *testing.T) {
	got, err := newRecord(types.Record{
		EventID: aws.String("1"), EventName: types.OperationTypeRemove,
		Dynamodb: &types.StreamRecord{SequenceNumber: aws.String("7"), StreamViewType: types.StreamViewTypeKeysOnly},
	}, "arn")
	require.NoError(t, err)
	require.Equal(t, `{"eventID":"1","eventName":"REMOVE","eventVersion":"","eventSource":"","awsRegion":"",`+
		`"dynamodb":{"SequenceNumber":"7","SizeBytes":0,"StreamViewType":"KEYS_ONLY"},"eventSourceARN":"arn"}`, string(got.JSON))
}

func TestNewRecordRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   types.Record
		want string
	}{
		{"no change", types.Record{EventID: aws.String("e")}, "record e has no sequence number"},
		{"no number", types.Record{Dynamodb: &types.StreamRecord{}}, "no sequence number"},
		{"an unknown type", types.Record{Dynamodb: &types.StreamRecord{
			SequenceNumber: aws.String("7"),
			NewImage:       map[string]types.AttributeValue{"x": &types.UnknownUnionMember{Tag: "Q"}},
		}}, "record 7: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := newRecord(tt.in, "arn")
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestPayload(t *testing.T) {
	require.Equal(t, `{"Records":[]}`, string(payload(nil)))
	require.Equal(t, `{"Records":[{"n":"1"},{"n":"2"}]}`, string(payload([]Record{{JSON: []byte(`{"n":"1"}`)}, {JSON: []byte(`{"n":"2"}`)}})))
}

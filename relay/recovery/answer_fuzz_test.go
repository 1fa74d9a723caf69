package recovery_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/recovery"
)

// sameAnswer answers every request with one text.
type sameAnswer []byte

func (a sameAnswer) Do(*http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(bytes.NewReader(a)), ContentLength: int64(len(a)),
	}, nil
}

// Whatever a server answers, nothing panics or goes on without an end; and a scan
// that is read from the body yields what the SDK reads, or an error.
func FuzzAnswer(f *testing.F) {
	item := wireItem("a", `{"M":{"x":{"L":[{"N":"1e400"},{"B":"AQ=="},{"NULL":true}]}}}`)
	for _, text := range []string{
		`{"Items":[` + item + `],"Count":1,"ScannedCount":1}`,
		`{"Items":[` + item + `,` + item + `],"LastEvaluatedKey":{"pk":{"S":"a"},"sk":{"N":"1"}},"ConsumedCapacity":{"CapacityUnits":1e300}}`,
		`{"Items":[{}],"Items":[]}`, `{"Items":[null,1,"x",[]]}`, `{"Items":[{"pk":{"S":1}}]}`, `{"Items":[{"pk":{"S":"a","N":"1"},"event":{"M":{"headers":{"M":{}}}}}]}`,
		`{"Items":null}`, `{}`, `[]`, `{"Items":[`, `{"LastEvaluatedKey":{},"Items":[]}`, `{"LastEvaluatedKey":{"pk":{"M":{}}},"Items":[]}`, "\xff",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		client := dynamodb.New(dynamodb.Options{
			Region: "eu-west-1", BaseEndpoint: aws.String("http://localhost"), HTTPClient: sameAnswer(text), Retryer: aws.NopRetryer{},
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
			}),
		})
		read := func(client recovery.TableAPIClient) (got []string, failed int, err error) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			bus := &ledger{}
			h, err := relay.NewHandler(bus, relay.Block)
			require.NoError(t, err)
			source := recovery.EventStore(client, "t", envelope.Layout{}, envelope.MinTimestamp, envelope.MaxTimestamp, func(o *recovery.ScanOptions) { o.Segments = 1 })
			report, err := relay.Replay(ctx, source, h, toSameBus)
			require.NotErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, report.Read, report.Published+report.Failed+report.Held+report.Skipped+report.Filtered)
			require.Zero(t, report.Skipped)
			return bus.got, report.Failed, err
		}
		raw, failed, err := read(client)
		plain, _, plainErr := read(typed{client})
		if err == nil && plainErr == nil {
			require.GreaterOrEqual(t, len(raw)+failed, len(plain))
			for _, id := range raw {
				require.True(t, slices.Contains(plain, id), id)
			}
		}
	})
}

package recovery_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/recovery"
)

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
		client := answering(200, nil, string(text))
		read := func(client recovery.TableAPIClient) (got []string, failed int, err error) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			source := recovery.EventStore(client, "t", envelope.Layout{}, envelope.MinTimestamp, envelope.MaxTimestamp, oneSegment)
			got, report, err := replayWithin(ctx, t, source)
			require.NotErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, report.Read, report.Published+report.Failed+report.Held+report.Skipped+report.Filtered)
			require.Zero(t, report.Skipped)
			return got, report.Failed, err
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

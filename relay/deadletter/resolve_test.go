package deadletter_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// A dead letter that does not hold the whole record needs the event's item. When
// that is gone, time to live has deleted it: the log says so, and not that there
// was no answer.
func TestARedriveThatFindsNoItemSaysSo(t *testing.T) {
	db, sink := lettersOf(t, storedEvent{n: 1, withoutWhole: true})
	var log bytes.Buffer
	h := letterHandler(t, &letterBus{}, sink)
	report, err := sink.Redrive(t.Context(), db, h, func(o *redriveOptions) { o.Logger = slog.New(slog.NewJSONHandler(&log, nil)) })
	require.NoError(t, err)
	require.Equal(t, 1, report.Failed)
	require.Contains(t, log.String(), "event-1")
	require.NotContains(t, log.String(), "NoAnswer")
	require.Regexp(t, `"code":"NoItem"`, log.String())
}

// reserved is a client of EventBridge that refuses AWS's own sources, by the
// entry or by the call.
type reserved struct {
	whole bool
	sent  int // and accepted
}

func (c *reserved) PutEvents(_ context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	const code = "NotAuthorizedForSourceException"
	out := &eventbridge.PutEventsOutput{}
	for _, e := range in.Entries {
		switch own := strings.HasPrefix(aws.ToString(e.Source), "aws."); {
		case own && c.whole:
			return nil, &smithy.GenericAPIError{Code: code}
		case own:
			out.Entries = append(out.Entries, types.PutEventsResultEntry{ErrorCode: aws.String(code)})
		default:
			c.sent++
			out.Entries = append(out.Entries, types.PutEventsResultEntry{EventId: aws.String("x")})
		}
	}
	return out, nil
}

// A dead letter whose source is AWS's own is refused again, for its own data. It
// stays, and the redrive goes on: that is no fault of the configuration.
func TestARedriveGoesOnBehindASourceOfAWSItself(t *testing.T) {
	for name, whole := range map[string]bool{"the entry is refused": false, "the call is refused": true} {
		for _, size := range []int{1, 10} {
			t.Run(name, func(t *testing.T) {
				bad := storedEvent{n: 1}
				bad.record = strings.Replace(bad.inserted(), `"userService"`, `"aws.users"`, 1)
				db, sink := lettersOf(t, bad, storedEvent{n: 2})
				client := &reserved{whole: whole}
				h := letterHandler(t, relay.NewEventBridge(client, "orders"), sink)
				report, err := sink.Redrive(t.Context(), db, h, func(o *redriveOptions) { o.PageSize = size })
				require.NoError(t, err)
				require.Equal(t, redriveReport{Read: 2, Published: 1, Failed: 1}, report)
				require.Equal(t, 1, client.sent)
				require.Len(t, db.items("dead"), 1)
			})
		}
	}
}

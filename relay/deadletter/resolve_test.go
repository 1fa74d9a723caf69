package deadletter_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay/deadletter"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// A dead letter that does not hold the whole record needs the event's item. When
// that is gone, time to live has deleted it: the log says so, and not that there
// was no answer.
func TestARedriveThatFindsNoItemSaysSo(t *testing.T) {
	db, sink := lettersOf(t, storedEvent{n: 1, withoutWhole: true})
	var log bytes.Buffer
	h := letterHandler(t, &relaytest.Bus{}, sink)
	report, err := sink.Redrive(t.Context(), db, h, func(o *deadletter.RedriveOptions) { o.Logger = slog.New(slog.NewJSONHandler(&log, nil)) })
	require.NoError(t, err)
	require.Equal(t, 1, report.Failed)
	require.Contains(t, log.String(), "event-1")
	require.NotContains(t, log.String(), "NoAnswer")
	require.Regexp(t, `"code":"NoItem"`, log.String())
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
				bus := &relaytest.Bus{Script: func(call int, entries []relaytest.Entry) relaytest.Answer {
					a := relaytest.RefuseEvents("NotAuthorizedForSourceException", "event-1")(call, entries)
					if len(a.Codes) > 0 && whole {
						a.Err = &smithy.GenericAPIError{Code: "NotAuthorizedForSourceException"}
					}
					return a
				}}
				report, err := sink.Redrive(t.Context(), db, letterHandler(t, bus, sink), func(o *deadletter.RedriveOptions) { o.PageSize = size })
				require.NoError(t, err)
				require.Equal(t, deadletter.Report{Read: 2, Published: 1, Failed: 1}, report)
				require.Len(t, bus.Entries(), 1)
				require.Len(t, db.Items("dead"), 1)
			})
		}
	}
}

package deadletter_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/faketable"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/deadletter"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// quoting is a bus whose messages quote the event.
type quoting struct{ *relaytest.Bus }

func (q quoting) PutEvents(ctx context.Context, in *eventbridge.PutEventsInput, optFns ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	out, err := q.Bus.PutEvents(ctx, in, optFns...)
	if err == nil {
		for i := range out.Entries {
			if out.Entries[i].ErrorCode != nil {
				out.Entries[i].ErrorMessage = aws.String(secret)
			}
		}
	}
	return out, err
}

// A redrive handles payloads, and errors that may quote them, as the stream
// does: neither comes into the log or the report.
func TestRedriveLogsNoPayloads(t *testing.T) {
	says := func(code string) *relaytest.Bus { return &relaytest.Bus{Script: relaytest.RefuseShare(1, 1, code)} }
	cut := []byte(`{"eventName":"INSERT","` + secret)
	keys := []byte(storedEvent{n: 9}.keys())
	for _, tt := range []struct {
		name   string
		letter *relay.DeadLetter // beside two sound ones
		store  error             // of the event store
		bus    *relaytest.Bus
		opt    func(*relay.Options)
		want   string // to be found in the log
	}{
		{name: "all is well"},
		{name: "transient", bus: says("InternalFailure")},
		{name: "configuration", bus: says("AccessDeniedException")},
		{name: "event fault", bus: says("MalformedDetail")},
		{name: "whole call", bus: &relaytest.Bus{Script: relaytest.Answers(relaytest.Answer{Err: errors.New(secret)})}},
		{name: "publisher panics", bus: &relaytest.Bus{Script: relaytest.Answers(relaytest.Answer{Panic: secret})}, want: "panic contained"},
		{name: "route fails", opt: func(o *relay.Options) { o.Route = func(*relay.Entry) error { return errors.New(secret) } }, want: "Options.Route"},
		{name: "route panics", opt: func(o *relay.Options) { o.Route = func(*relay.Entry) error { panic(secret) } }, want: "panic contained"},
		{name: "route sends to the dead letters", opt: func(o *relay.Options) {
			o.Route = func(*relay.Entry) error { return fmt.Errorf("%s: %w", secret, relay.ErrDeadLetter) }
		}},
		{name: "the event store refuses", letter: &relay.DeadLetter{Record: cut, Keys: keys},
			store: &smithy.GenericAPIError{Code: "AccessDeniedException", Message: secret}, want: "AccessDeniedException"},
		{name: "the event store has it no longer", letter: &relay.DeadLetter{Record: cut, Keys: keys}, want: "cannot be read from the event store"},
		{name: "no keys", letter: &relay.DeadLetter{Record: cut}, want: "cannot be read from the event store"},
		{name: "keys that are cut off", letter: &relay.DeadLetter{Record: cut, Keys: []byte(`{"` + secret)}, want: "cannot be read from the event store"},
		{name: "keys of another type", letter: &relay.DeadLetter{Record: cut, Keys: []byte(`{"pk":{"` + secret + `":"x"}}`)}, want: "cannot be read from the event store"},
		{name: "a record of another kind of stream", letter: &relay.DeadLetter{Record: []byte(`{"eventName":"` + secret + `","dynamodb":{"StreamViewType":"KEYS_ONLY"}}`)}},
		{name: "a payload that cannot be read", letter: &relay.DeadLetter{Record: []byte(storedEvent{n: 9, payload: `{"` + secret + `":1}`}.inserted())}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db, sink := lettersOf(t, storedEvents(2)...)
			if tt.letter != nil {
				letter := storedEvent{n: 9}.letter()
				letter.Record, letter.Keys = tt.letter.Record, tt.letter.Keys
				require.NoError(t, sink.Put(t.Context(), letter))
			}
			if tt.bus == nil {
				tt.bus = &relaytest.Bus{}
			}
			var log bytes.Buffer
			report := ""
			h := letterHandler(t, quoting{tt.bus}, sink, tt.opt, func(o *relay.Options) {
				o.Logger, o.MaxAttempts = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), 1
			})
			sum, err := sink.Redrive(t.Context(), db, h, func(o *deadletter.RedriveOptions) {
				o.EventStore = &faketable.Tables{Fault: broken(tt.store)}
				o.Logger = slog.New(slog.NewJSONHandler(&log, nil))
				o.Progress = func(page []deadletter.Letter, sum deadletter.Report) { report += fmt.Sprint(page, sum) }
			})
			require.NotContains(t, log.String(), secret)
			require.NotContains(t, report+fmt.Sprint(sum, err), secret)
			require.Contains(t, log.String(), tt.want)
		})
	}
}

package deadletter_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// A redrive handles payloads, and errors that may quote them, as the stream
// does: neither comes into the log or the report.
func TestRedriveLogsNoPayloads(t *testing.T) {
	says := func(class relay.Class) *letterBus {
		return &letterBus{says: always(relay.Result{Class: class, Code: "Code", Message: storeSecret})}
	}
	cut := []byte(`{"eventName":"INSERT","` + storeSecret)
	keys := []byte(storedEvent{n: 9}.keys())
	for _, tt := range []struct {
		name   string
		letter *tableLetter // beside two sound ones
		store  error        // of the event store
		bus    *letterBus
		opt    func(*relay.Options)
		want   string // to be found in the log
	}{
		{name: "all is well"},
		{name: "transient", bus: says(relay.Transient)},
		{name: "configuration", bus: says(relay.ConfigFault)},
		{name: "event fault", bus: says(relay.EventFault)},
		{name: "whole call", bus: &letterBus{err: errors.New(storeSecret)}},
		{name: "publisher panics", bus: &letterBus{says: func(relay.Entry) relay.Result { panic(storeSecret) }}, want: "panic contained"},
		{name: "route fails", opt: func(o *relay.Options) { o.Route = func(*relay.Entry) error { return errors.New(storeSecret) } }, want: "Options.Route"},
		{name: "route panics", opt: func(o *relay.Options) { o.Route = func(*relay.Entry) error { panic(storeSecret) } }, want: "panic contained"},
		{name: "route sends to the dead letters", opt: func(o *relay.Options) {
			o.Route = func(*relay.Entry) error { return fmt.Errorf("%s: %w", storeSecret, relay.ErrDeadLetter) }
		}},
		{name: "the event store refuses", letter: &tableLetter{Record: cut, Keys: keys},
			store: &smithy.GenericAPIError{Code: "AccessDeniedException", Message: storeSecret}, want: "AccessDeniedException"},
		{name: "the event store has it no longer", letter: &tableLetter{Record: cut, Keys: keys}, want: "cannot be read from the event store"},
		{name: "no keys", letter: &tableLetter{Record: cut}, want: "cannot be read from the event store"},
		{name: "keys that are cut off", letter: &tableLetter{Record: cut, Keys: []byte(`{"` + storeSecret)}, want: "cannot be read from the event store"},
		{name: "keys of another type", letter: &tableLetter{Record: cut, Keys: []byte(`{"pk":{"` + storeSecret + `":"x"}}`)}, want: "cannot be read from the event store"},
		{name: "a record of another kind of stream", letter: &tableLetter{Record: []byte(`{"eventName":"` + storeSecret + `","dynamodb":{"StreamViewType":"KEYS_ONLY"}}`)}},
		{name: "a payload that cannot be read", letter: &tableLetter{Record: []byte(storedEvent{n: 9, payload: `{"` + storeSecret + `":1}`}.inserted())}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db, sink := lettersOf(t, storedEvents(2)...)
			if tt.letter != nil {
				letter := storedEvent{n: 9}.letter()
				letter.Record, letter.Keys = tt.letter.Record, tt.letter.Keys
				require.NoError(t, sink.Put(t.Context(), letter))
			}
			if tt.bus == nil {
				tt.bus = &letterBus{}
			}
			var log bytes.Buffer
			report := ""
			h := letterHandler(t, tt.bus, sink, tt.opt, func(o *relay.Options) {
				o.Logger, o.MaxAttempts = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), 1
			})
			sum, err := sink.Redrive(t.Context(), db, h, func(o *redriveOptions) {
				o.EventStore = &fakeTable{err: tt.store}
				o.Logger = slog.New(slog.NewJSONHandler(&log, nil))
				o.Progress = func(page []redriveLetter, sum redriveReport) { report += fmt.Sprint(page, sum) }
			})
			require.NotContains(t, log.String(), storeSecret)
			require.NotContains(t, report+fmt.Sprint(sum, err), storeSecret)
			require.Contains(t, log.String(), tt.want)
		})
	}
}

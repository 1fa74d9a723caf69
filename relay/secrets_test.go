package relay

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
)

// An AWS error may quote anything. The look at the bus logs its code alone.
func TestTheLookAtTheBusLogsNoTextOfAWS(t *testing.T) {
	says := func(status int, code string) func(string) (int, string) {
		return func(string) (int, string) { return status, fmt.Sprintf(`{"__type":%q,"message":%q}`, code, testSecret) }
	}
	for _, tt := range []struct {
		name     string
		bus      string
		describe func(string) (int, string)
		want     string // to be found in the log
	}{
		{"no permission", "orders", says(400, "AccessDeniedException"), "AccessDeniedException"},
		{"absent", "orders", says(400, "ResourceNotFoundException"), "does not exist"},
		{"another account's", otherARN, says(400, "ResourceNotFoundException"), "not found in the client's own account"},
		{"a code that nobody knows", "orders", says(400, "BrandNewException"), "BrandNewException"},
		{"throttled", "orders", says(400, "ThrottlingException"), "ThrottlingException"},
		{"broken", "orders", says(500, "InternalException"), "InternalException"},
		{"no code", "orders", func(string) (int, string) { return 500, testSecret }, "HTTP500"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, log := newWireBus(t), &logRecorder{}
			b.describe = tt.describe
			h := newTestHandler(t, NewEventBridge(b.client(), tt.bus), Block, func(o *Options) { o.Logger = log.logger() })
			_, err := h.Invoke(t.Context(), events(1, 3))
			require.Contains(t, log.String(), tt.want)
			require.NotContains(t, log.String(), testSecret)
			require.NotContains(t, fmt.Sprint(err, h.Check(t.Context())), testSecret)
		})
	}
	t.Run("a publisher that passes the error on", func(t *testing.T) {
		log := &logRecorder{}
		bus := &checkedBus{check: func(context.Context, string) error {
			return fmt.Errorf("%s: %w", testSecret, &smithy.GenericAPIError{Code: "SlowDown", Message: testSecret})
		}}
		h := newTestHandler(t, bus, Block, func(o *Options) { o.Logger = log.logger() })
		_, err := h.Invoke(t.Context(), events(1, 3))
		require.NoError(t, err)
		require.Contains(t, log.String(), "SlowDown")
		require.NotContains(t, log.String(), testSecret)
	})
}

// A redrive handles payloads, and errors that may quote them, as the stream
// does: neither comes into the log or the report.
func TestRedriveLogsNoPayloads(t *testing.T) {
	answers := func(class Class) func(context.Context, int, []Entry) ([]Result, error) {
		return func(_ context.Context, _ int, entries []Entry) ([]Result, error) {
			return fill(len(entries), Result{Class: class, Code: "Code", Message: testSecret}), nil
		}
	}
	cut := []byte(`{"eventName":"INSERT","` + testSecret)
	keys := []byte(`{"pk":{"S":"event-9"},"sk":{"N":"1"}}`)
	for _, tt := range []struct {
		name   string
		letter *DeadRecord // beside two sound ones
		store  error       // of the event store
		answer func(context.Context, int, []Entry) ([]Result, error)
		opt    func(*Options)
		want   string // to be found in the log
	}{
		{name: "all is well"},
		{name: "transient", answer: answers(Transient)},
		{name: "configuration", answer: answers(ConfigFault)},
		{name: "event fault", answer: answers(EventFault)},
		{name: "whole call", answer: func(context.Context, int, []Entry) ([]Result, error) { return nil, errors.New(testSecret) }},
		{name: "publisher panics", answer: func(context.Context, int, []Entry) ([]Result, error) { panic(testSecret) }, want: "panic contained"},
		{name: "route fails", opt: func(o *Options) { o.Route = func(*Entry) error { return errors.New(testSecret) } }, want: "Options.Route"},
		{name: "route panics", opt: func(o *Options) { o.Route = func(*Entry) error { panic(testSecret) } }, want: "panic contained"},
		{name: "route sends to the dead letters", opt: func(o *Options) {
			o.Route = func(*Entry) error { return fmt.Errorf("%s: %w", testSecret, ErrDeadLetter) }
		}},
		{name: "the event store refuses", letter: &DeadRecord{Record: cut, Keys: keys},
			store: &smithy.GenericAPIError{Code: "AccessDeniedException", Message: testSecret}, want: "AccessDeniedException"},
		{name: "the event store has it no longer", letter: &DeadRecord{Record: cut, Keys: keys}, want: "cannot be completed"},
		{name: "no keys", letter: &DeadRecord{Record: cut}, want: "cannot be completed"},
		{name: "keys that are none", letter: &DeadRecord{Record: cut, Keys: []byte(`{"` + testSecret)}, want: "cannot be completed"},
		{name: "keys of another type", letter: &DeadRecord{Record: cut, Keys: []byte(`{"pk":{"` + testSecret + `":"x"}}`)}, want: "cannot be completed"},
		{name: "a record that is none", letter: &DeadRecord{Record: []byte(`{"eventName":"` + testSecret + `","dynamodb":{"StreamViewType":"KEYS_ONLY"}}`)}},
		{name: "a payload that cannot be read", letter: &DeadRecord{Record: []byte(testRecord{sequence: 9, payload: `{"` + testSecret + `":1}`}.String())}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db, sink := buried(t, 2)
			if tt.letter != nil {
				tt.letter.EventID, tt.letter.StreamARN, tt.letter.SequenceNumber, tt.letter.Time = "event-9", testARN, "9", time.Now()
				require.NoError(t, sink.Put(t.Context(), *tt.letter))
			}
			log, report := &logRecorder{}, ""
			h := newTestHandler(t, &scriptBus{answer: tt.answer}, sink, tt.opt, func(o *Options) { o.Logger, o.MaxAttempts = log.logger(), 1 })
			sum, err := sink.Redrive(t.Context(), db, h, func(o *RedriveOptions) {
				o.EventStore = &fakeTable{err: tt.store}
				o.Progress = func(page []RedriveLetter, sum RedriveReport) { report += fmt.Sprint(page, sum) }
			})
			require.NotContains(t, log.String(), testSecret)
			require.NotContains(t, report+fmt.Sprint(sum, err), testSecret)
			require.Contains(t, log.String(), tt.want)
		})
	}
}

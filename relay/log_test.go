package relay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// Nothing of a payload comes into the log, the metrics or the error of an
// invocation, whatever goes wrong, even where the bus, the sink and the route
// quote it.
func TestPayloadsAreNotLogged(t *testing.T) {
	quote := func(class relay.Class) answer {
		return refuse(relay.Result{Class: class, Code: "Code", Message: testSecret}, "event-2", "event-3")
	}
	for _, tt := range []struct {
		name   string
		answer answer
		sink   relay.DeadLetterSink
		opt    func(*relay.Options)
		rec    testRecord
		want   string // to be found in the log
	}{
		{name: "all is well"},
		{name: "transient", answer: quote(relay.Transient), want: "event-2"},
		{name: "configuration", answer: quote(relay.ConfigFault), want: `"level":"ERROR"`},
		{name: "event fault", answer: quote(relay.EventFault), want: `"msg":"relay: dead letter","eventId":"event-2"`},
		{name: "event fault, blocked", answer: quote(relay.EventFault), sink: relay.Block, want: "dead letters are blocked"},
		{name: "event fault, sink fails", answer: quote(relay.EventFault), sink: refusing(errors.New(testSecret)), want: "sink refused"},
		{name: "sink panics", answer: quote(relay.EventFault), sink: relay.DeadLetterFunc(func(context.Context, relay.DeadLetter) error { panic(testSecret) }), want: "panic contained"},
		{name: "whole call", answer: fail(errors.New(testSecret)), want: "NoAnswer"},
		{name: "whole call, classed", answer: fail(&relay.CallError{Class: relay.EventFault, Code: "Code", Err: errors.New(testSecret)}), want: "Code"},
		{name: "publisher panics", answer: panics(errors.New(testSecret)), want: "panic contained"},
		{name: "route fails", opt: func(o *relay.Options) { o.Route = func(*relay.Entry) error { return errors.New(testSecret) } }, want: "RouteError"},
		{name: "route panics", opt: func(o *relay.Options) { o.Route = func(*relay.Entry) error { panic(testSecret) } }, want: "panic contained"},
		{name: "route panics by the runtime", opt: func(o *relay.Options) {
			o.Route = func(e *relay.Entry) error { e.Resources[3] = testSecret; return nil }
		}, want: "index out of range"},
		{name: "route sends to the dead letters", opt: func(o *relay.Options) {
			o.Route = func(*relay.Entry) error { return fmt.Errorf("%s: %w", testSecret, relay.ErrDeadLetter) }
		}, want: "Routed"},
		{name: "cannot be read", rec: testRecord{payload: `{"M":{"a":{"??":"` + testSecret + `"}}}`}, want: "UnsupportedType"},
		{name: "payload is no JSON", rec: testRecord{payload: `{"S":"` + testSecret + `"}`}, want: "BadPayload"},
		{name: "metrics panic", opt: func(o *relay.Options) {
			emit := o.Metrics
			o.Metrics = func(ctx context.Context, m relay.Metrics) { emit(ctx, m); panic(testSecret) }
		}, want: "panic contained"},
	} {
		for _, answers := range []func(*relay.Options){nil, partial} {
			t.Run(tt.name, func(t *testing.T) {
				log, metrics := &logRecorder{}, &bytes.Buffer{}
				if tt.sink == nil {
					tt.sink = &recordingSink{}
				}
				bus := &scriptedBus{answer: tt.answer}
				h := newHandler(t, bus, tt.sink, answers, func(o *relay.Options) {
					o.Logger, o.Metrics, o.MaxAttempts = log.logger(), relay.EMF(metrics), 1
				}, tt.opt)
				rec := tt.rec
				rec.sequence = 4
				out, err := h.Invoke(t.Context(), batch(testRecord{sequence: 1}, testRecord{sequence: 2}, testRecord{sequence: 3}, rec))
				for _, text := range []string{log.String(), metrics.String(), string(out), fmt.Sprintf("%v %+v", err, err)} {
					require.NotContains(t, text, testSecret)
				}
				require.Contains(t, log.String(), tt.want)
				if sink, ok := tt.sink.(*recordingSink); ok {
					for _, d := range sink.dead {
						requireYoung(t, string(d.Record))
					}
				}
				require.True(t, json.Valid(metrics.Bytes()), "metrics are reported whatever happens")
			})
		}
	}
}

func TestALoudLineOfTheConfiguration(t *testing.T) {
	log := &logRecorder{}
	h := newHandler(t, &scriptedBus{answer: refuseAll(relay.Result{Class: relay.ConfigFault, Code: "AccessDeniedException"})}, relay.Block, func(o *relay.Options) { o.Logger = log.logger() })
	_, err := h.Invoke(t.Context(), events(1, 30))
	require.Error(t, err)
	require.Equal(t, 1, log.count("ERROR"), "one line, not one a record")
	require.Contains(t, log.String(), "ConfigFault AccessDeniedException × 10")
}

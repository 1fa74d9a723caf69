package relay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// logRecorder keeps what is logged, at every level, as JSON lines.
type logRecorder struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logRecorder) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logRecorder) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logRecorder) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (l *logRecorder) count(level string) int {
	return strings.Count(l.String(), fmt.Sprintf(`"level":%q`, level))
}

// Nothing of a payload comes into the log, the metrics or the error of an
// invocation, whatever goes wrong, even where the bus, the sink and the route
// quote it.
func TestPayloadsAreNotLogged(t *testing.T) {
	quote := func(class Class) func(context.Context, int, []Entry) ([]Result, error) {
		return refuse(Result{Class: class, Code: "Code", Message: testSecret}, "event-2", "event-3")
	}
	for _, tt := range []struct {
		name   string
		answer func(context.Context, int, []Entry) ([]Result, error)
		sink   DeadLetter
		opt    func(*Options)
		rec    testRecord
		want   string // to be found in the log
	}{
		{name: "all is well"},
		{name: "transient", answer: quote(Transient), want: "event-2"},
		{name: "configuration", answer: quote(ConfigFault), want: `"level":"ERROR"`},
		{name: "event fault", answer: quote(EventFault), want: `"msg":"relay: dead letter","eventId":"event-2"`},
		{name: "event fault, blocked", answer: quote(EventFault), sink: Block, want: "NewDynamoDBDeadLetters"},
		{name: "event fault, sink fails", answer: quote(EventFault), sink: &graveyard{err: errors.New(testSecret)}, want: "sink refused"},
		{name: "sink panics", answer: quote(EventFault), sink: DeadLetterFunc(func(context.Context, DeadRecord) error { panic(testSecret) }), want: "panic contained"},
		{name: "whole call", answer: func(context.Context, int, []Entry) ([]Result, error) { return nil, errors.New(testSecret) }, want: "NoAnswer"},
		{name: "whole call, classed", answer: func(context.Context, int, []Entry) ([]Result, error) {
			return nil, &CallError{Class: EventFault, Code: "Code", Err: errors.New(testSecret)}
		}, want: "Code"},
		{name: "publisher panics", answer: func(context.Context, int, []Entry) ([]Result, error) { panic(errors.New(testSecret)) }, want: "panic contained"},
		{name: "route fails", opt: func(o *Options) { o.Route = func(*Entry) error { return errors.New(testSecret) } }, want: "RouteError"},
		{name: "route panics", opt: func(o *Options) { o.Route = func(*Entry) error { panic(testSecret) } }, want: "panic contained"},
		{name: "route panics by the runtime", opt: func(o *Options) { o.Route = func(e *Entry) error { e.Resources[3] = testSecret; return nil } }, want: "index out of range"},
		{name: "route sends to the dead letters", opt: func(o *Options) {
			o.Route = func(*Entry) error { return fmt.Errorf("%s: %w", testSecret, ErrDeadLetter) }
		}, want: "Routed"},
		{name: "cannot be read", rec: testRecord{payload: `{"M":{"a":{"??":"` + testSecret + `"}}}`}, want: "UnsupportedType"},
		{name: "payload is no JSON", rec: testRecord{payload: `{"S":"` + testSecret + `"}`}, want: "BadPayload"},
		{name: "metrics panic", opt: func(o *Options) {
			emit := o.Metrics
			o.Metrics = func(ctx context.Context, m Metrics) { emit(ctx, m); panic(testSecret) }
		}, want: "panic contained"},
	} {
		for _, answers := range []func(*Options){nil, partial} {
			t.Run(tt.name, func(t *testing.T) {
				log, metrics := &logRecorder{}, &bytes.Buffer{}
				if tt.sink == nil {
					tt.sink = &graveyard{}
				}
				bus := &scriptBus{answer: tt.answer}
				h := newTestHandler(t, bus, tt.sink, answers, func(o *Options) {
					o.Logger, o.Metrics, o.MaxAttempts = log.logger(), EMF(metrics), 1
				}, tt.opt)
				rec := tt.rec
				rec.sequence = 4
				out, err := h.Invoke(t.Context(), batch(testRecord{sequence: 1}, testRecord{sequence: 2}, testRecord{sequence: 3}, rec))
				for _, text := range []string{log.String(), metrics.String(), string(out), fmt.Sprintf("%v %+v", err, err)} {
					require.NotContains(t, text, testSecret)
				}
				require.Contains(t, log.String(), tt.want)
				if sink, ok := tt.sink.(*graveyard); ok {
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
	h := newTestHandler(t, &scriptBus{answer: func(_ context.Context, _ int, entries []Entry) ([]Result, error) {
		return fill(len(entries), Result{Class: ConfigFault, Code: "AccessDeniedException"}), nil
	}}, Block, func(o *Options) { o.Logger = log.logger() })
	_, err := h.Invoke(t.Context(), events(1, 30))
	require.Error(t, err)
	require.Equal(t, 1, log.count("ERROR"), "one line, not one a record")
	require.Contains(t, log.String(), "ConfigFault AccessDeniedException × 10")
}

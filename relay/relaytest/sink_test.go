package relaytest_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// sinkOf is a Sink that behaves as a condition says.
func sinkOf(c relaytest.Condition) *relaytest.Sink {
	s := &relaytest.Sink{}
	if c == relaytest.Failing {
		s.Refuse = func(relay.DeadLetter) error { return errors.New("full") }
	}
	if c == relaytest.Hanging {
		s.Delay = 24 * time.Hour
	}
	return s
}

func TestSinkKeepsTheContract(t *testing.T) {
	judge := func(t *testing.T) {
		relaytest.TestSink(t, func(c relaytest.Condition) (relay.DeadLetterSink, func() []relay.DeadLetter) {
			s := sinkOf(c)
			return s, s.Letters
		})
	}
	t.Run("in virtual time", func(t *testing.T) { synctest.Test(t, judge) })
	t.Run("in real time", judge)
}

// validSink is a sink that is asked whether it is sound.
type validSink struct {
	relay.DeadLetterFunc
	err error
}

func (v validSink) Validate() error { return v.err }

// Each broken rule is found, under its name, and no other one is reported.
func TestASinkThatBreaksARule(t *testing.T) {
	var busy sync.Mutex
	type letter = relay.DeadLetter
	for _, tt := range []struct {
		name  string
		rules []string
		put   func(ctx context.Context, next *relaytest.Sink, l letter) error // nil means that of next
		err   error
	}{
		{"nothing", nil, nil, nil},
		{"keeps nothing", []string{"kept", "unreadable record", "unreadable records apart", "streams apart", "again", "concurrent puts", "context that has ended", "store that does not answer", "failing store"},
			func(context.Context, *relaytest.Sink, letter) error { return nil }, nil},
		{"swallows errors", []string{"context that has ended", "store that does not answer", "failing store"},
			func(ctx context.Context, next *relaytest.Sink, l letter) error { _ = next.Put(ctx, l); return nil }, nil},
		{"takes only what has an id", []string{"unreadable record", "unreadable records apart"},
			func(ctx context.Context, next *relaytest.Sink, l letter) error {
				if l.EventID == "" {
					return errors.New("no id")
				}
				return next.Put(ctx, l)
			}, nil},
		{"keeps text alone", []string{"unreadable record"},
			func(ctx context.Context, next *relaytest.Sink, l letter) error {
				l.Record = []byte(string([]rune(string(l.Record))))
				return next.Put(ctx, l)
			}, nil},
		{"one key for what has none", []string{"unreadable records apart"},
			func(ctx context.Context, next *relaytest.Sink, l letter) error {
				if l.SequenceNumber == "" && len(next.Letters()) > 0 {
					return nil
				}
				return next.Put(ctx, l)
			}, nil},
		{"the number alone as the key", []string{"streams apart"},
			func(ctx context.Context, next *relaytest.Sink, l letter) error {
				if slices.ContainsFunc(next.Letters(), func(o letter) bool { return o.SequenceNumber == l.SequenceNumber && o.StreamARN != l.StreamARN }) {
					return nil
				}
				return next.Put(ctx, l)
			}, nil},
		{"nothing twice", []string{"again"},
			func(ctx context.Context, next *relaytest.Sink, l letter) error {
				if slices.ContainsFunc(next.Letters(), func(o letter) bool { return string(o.Record)+o.StreamARN == string(l.Record)+l.StreamARN }) {
					return errors.New("again")
				}
				return next.Put(ctx, l)
			}, nil},
		{"256 KB at most", []string{"large record"},
			func(ctx context.Context, next *relaytest.Sink, l letter) error {
				if len(l.Record) > 262_144 {
					return errors.New("too large")
				}
				return next.Put(ctx, l)
			}, nil},
		{"one at a time", []string{"concurrent puts"},
			func(ctx context.Context, next *relaytest.Sink, l letter) error {
				if !busy.TryLock() {
					return errors.New("busy")
				}
				defer busy.Unlock()
				<-time.After(time.Millisecond)
				return next.Put(ctx, l)
			}, nil},
		{"the context is not looked at", []string{"store that does not answer"},
			func(ctx context.Context, next *relaytest.Sink, l letter) error {
				return next.Put(context.WithoutCancel(ctx), l)
			}, nil},
		{"panics", []string{"failing store"},
			func(ctx context.Context, next *relaytest.Sink, l letter) error {
				err := next.Put(ctx, l)
				if err != nil && ctx.Err() == nil {
					panic(err)
				}
				return err
			}, nil},
		{"invalid", []string{"optional parts"}, nil, errors.New("no client")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeT{ctx: t.Context()}
				relaytest.TestSink(f, func(c relaytest.Condition) (relay.DeadLetterSink, func() []relay.DeadLetter) {
					s := sinkOf(c)
					put := s.Put
					if tt.put != nil {
						put = func(ctx context.Context, l letter) error { return tt.put(ctx, s, l) }
					}
					return validSink{put, tt.err}, s.Letters
				})
				requireRules(t, f, tt.rules)
				<-time.After(25 * time.Hour) // what was left hanging ends
			})
		})
	}
}

func TestWhatASinkKeeps(t *testing.T) {
	var s relaytest.Sink
	l := relay.DeadLetter{EventID: "event-1", StreamARN: "arn", SequenceNumber: "1", Code: "first"}
	require.NoError(t, s.Put(t.Context(), l))
	l.Code = "second"
	require.NoError(t, s.Put(t.Context(), l))
	require.Equal(t, []relay.DeadLetter{l}, s.Letters(), "one for each record, the latest")
	require.Equal(t, 2, s.Puts())
	s.Refuse = func(relay.DeadLetter) error { panic("no") }
	require.Panics(t, func() { _ = s.Put(t.Context(), l) })
	require.Equal(t, 3, s.Puts())
}

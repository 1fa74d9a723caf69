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
	type put = func(context.Context, relay.DeadLetter) error
	for _, tt := range []struct {
		name  string
		rules []string
		wrong func(next *relaytest.Sink) put
		err   error
	}{
		{"nothing", nil, func(next *relaytest.Sink) put { return next.Put }, nil},
		{"keeps nothing", []string{"kept", "unreadable record", "unreadable records apart", "streams apart", "again", "concurrent puts", "context that has ended", "store that does not answer", "failing store"},
			func(*relaytest.Sink) put { return func(context.Context, relay.DeadLetter) error { return nil } }, nil},
		{"swallows errors", []string{"context that has ended", "store that does not answer", "failing store"},
			func(next *relaytest.Sink) put {
				return func(ctx context.Context, l relay.DeadLetter) error { _ = next.Put(ctx, l); return nil }
			}, nil},
		{"takes only what has an id", []string{"unreadable record", "unreadable records apart"},
			func(next *relaytest.Sink) put {
				return func(ctx context.Context, l relay.DeadLetter) error {
					if l.EventID == "" {
						return errors.New("no id")
					}
					return next.Put(ctx, l)
				}
			}, nil},
		{"keeps text alone", []string{"unreadable record"},
			func(next *relaytest.Sink) put {
				return func(ctx context.Context, l relay.DeadLetter) error {
					l.Record = []byte(string([]rune(string(l.Record))))
					return next.Put(ctx, l)
				}
			}, nil},
		{"one key for what has none", []string{"unreadable records apart"},
			func(next *relaytest.Sink) put {
				var mu sync.Mutex
				var first *relay.DeadLetter
				return func(ctx context.Context, l relay.DeadLetter) error {
					mu.Lock()
					defer mu.Unlock()
					if l.SequenceNumber == "" && first != nil {
						return nil
					}
					first = &l
					return next.Put(ctx, l)
				}
			}, nil},
		{"the number alone as the key", []string{"streams apart"},
			func(next *relaytest.Sink) put {
				return func(ctx context.Context, l relay.DeadLetter) error {
					if slices.ContainsFunc(next.Letters(), func(o relay.DeadLetter) bool {
						return o.SequenceNumber == l.SequenceNumber && o.StreamARN != l.StreamARN
					}) {
						return nil
					}
					return next.Put(ctx, l)
				}
			}, nil},
		{"nothing twice", []string{"again"},
			func(next *relaytest.Sink) put {
				return func(ctx context.Context, l relay.DeadLetter) error {
					if slices.ContainsFunc(next.Letters(), func(o relay.DeadLetter) bool { return string(o.Record)+o.StreamARN == string(l.Record)+l.StreamARN }) {
						return errors.New("again")
					}
					return next.Put(ctx, l)
				}
			}, nil},
		{"256 KB at most", []string{"large record"},
			func(next *relaytest.Sink) put {
				return func(ctx context.Context, l relay.DeadLetter) error {
					if len(l.Record) > 262_144 {
						return errors.New("too large")
					}
					return next.Put(ctx, l)
				}
			}, nil},
		{"one at a time", []string{"concurrent puts"},
			func(next *relaytest.Sink) put {
				var mu sync.Mutex
				return func(ctx context.Context, l relay.DeadLetter) error {
					if !mu.TryLock() {
						return errors.New("busy")
					}
					defer mu.Unlock()
					<-time.After(time.Millisecond)
					return next.Put(ctx, l)
				}
			}, nil},
		{"the context is not looked at", []string{"store that does not answer"},
			func(next *relaytest.Sink) put {
				return func(ctx context.Context, l relay.DeadLetter) error {
					return next.Put(context.WithoutCancel(ctx), l)
				}
			}, nil},
		{"panics", []string{"failing store"},
			func(next *relaytest.Sink) put {
				return func(ctx context.Context, l relay.DeadLetter) error {
					err := next.Put(ctx, l)
					if err != nil && ctx.Err() == nil {
						panic(err)
					}
					return err
				}
			}, nil},
		{"invalid", []string{"optional parts"}, func(next *relaytest.Sink) put { return next.Put }, errors.New("no client")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeT{ctx: t.Context()}
				relaytest.TestSink(f, func(c relaytest.Condition) (relay.DeadLetterSink, func() []relay.DeadLetter) {
					s := sinkOf(c)
					return validSink{tt.wrong(s), tt.err}, s.Letters
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

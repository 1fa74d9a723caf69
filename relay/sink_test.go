package relay_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// recordingSink keeps what it is given.
type recordingSink struct {
	before func(context.Context, relay.DeadLetter) error // may refuse, panic or wait

	mu   sync.Mutex // guards what follows
	puts int
	dead []relay.DeadLetter
}

func (s *recordingSink) Put(ctx context.Context, d relay.DeadLetter) error {
	s.mu.Lock()
	s.puts++
	s.mu.Unlock()
	if s.before != nil {
		if err := s.before(ctx, d); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = append(s.dead, d)
	return nil
}

// ids are the events whose dead letters it has, nil for none.
func (s *recordingSink) ids() []string {
	var ids []string
	for _, d := range s.dead {
		ids = append(ids, d.EventID)
	}
	return ids
}

// refusing is a sink that takes nothing.
func refusing(err error) *recordingSink {
	return &recordingSink{before: func(context.Context, relay.DeadLetter) error { return err }}
}

// hanging is a sink that does not answer until its context ends.
func hanging() *recordingSink {
	return &recordingSink{before: func(ctx context.Context, _ relay.DeadLetter) error { <-ctx.Done(); return ctx.Err() }}
}

// slow is a sink that takes a while for each dead letter.
func slow(latency time.Duration) *recordingSink {
	return &recordingSink{before: func(context.Context, relay.DeadLetter) error { <-time.After(latency); return nil }}
}

// requireDead checks that the sink has taken these events and no other, in that
// order, for the code that the bus or the relay gave, and none for its age.
func requireDead(t *testing.T, s *recordingSink, code string, ids ...string) {
	t.Helper()
	require.Equal(t, ids, s.ids())
	for _, d := range s.dead {
		require.Equal(t, code, d.Code)
		requireYoung(t, string(d.Record))
	}
}

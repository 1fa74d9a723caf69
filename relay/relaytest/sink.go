package relaytest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// Sink is a relay.DeadLetterSink that keeps what it is given. The zero value takes
// everything. It is safe for concurrent use once its fields are set.
type Sink struct {
	// Refuse is asked about each dead letter before it is taken: an error means
	// that it is not, and Put returns it. It may panic. Zero means that all are
	// taken.
	Refuse func(relay.DeadLetter) error

	// Delay is how long each Put takes before the letter is taken; when the
	// context ends first it is not. Zero means no time.
	Delay time.Duration

	mu      sync.Mutex // guards what follows
	puts    int
	letters []relay.DeadLetter
}

var _ relay.DeadLetterSink = (*Sink)(nil)

// Put takes a dead letter. One of a record that it has already replaces it: the
// stream and the sequence number say which record it is, unless either could not
// be read.
func (s *Sink) Put(ctx context.Context, l relay.DeadLetter) error {
	s.mu.Lock()
	s.puts++
	s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := wait(ctx, s.Delay); err != nil {
		return err
	}
	if s.Refuse != nil {
		if err := s.Refuse(l); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	same := func(other relay.DeadLetter) bool {
		return l.StreamARN != "" && l.SequenceNumber != "" && l.StreamARN == other.StreamARN && l.SequenceNumber == other.SequenceNumber
	}
	if i := slices.IndexFunc(s.letters, same); i >= 0 {
		s.letters[i] = l
	} else {
		s.letters = append(s.letters, l)
	}
	return nil
}

// Letters returns the dead letters that were taken, one for each record, in the
// order in which they came first.
func (s *Sink) Letters() []relay.DeadLetter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.letters)
}

// Puts returns how often Put was called.
func (s *Sink) Puts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.puts
}

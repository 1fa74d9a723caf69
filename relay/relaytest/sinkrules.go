package relaytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// TestSink judges a relay.DeadLetterSink by the contract that the relay relies on.
// It reports each rule that is broken as an error of t, with the rule in words.
//
// newSink makes a sink over a new store, an engine or a fake of yours, that behaves
// as the condition says; stored returns the letters that the store has, of which
// EventID, Record, Code, StreamARN and SequenceNumber are looked at. A nil sink
// means that the condition cannot be had: its rules are left out, and t logs that.
// A sink is never asked for Refusing.
func TestSink(t T, newSink func(Condition) (s relay.DeadLetterSink, stored func() []relay.DeadLetter)) {
	t.Helper()
	judge(t, "sink", sinkRules, func(c Condition) (sink, bool) {
		s, stored := newSink(c)
		return sink{s, stored}, s != nil
	})
}

type sink struct {
	relay.DeadLetterSink
	stored func() []relay.DeadLetter
}

// letter is a dead letter that can be read, the nth of its stream.
func letter(n int) relay.DeadLetter {
	id := fmt.Sprintf("relaytest-%d", n)
	return relay.DeadLetter{
		EventID: id, Headers: fmt.Appendf(nil, `{"eventId":%q}`, id), Keys: fmt.Appendf(nil, `{"pk":{"S":%q}}`, id),
		Record: fmt.Appendf(nil, `{"eventName":"INSERT","dynamodb":{"SequenceNumber":"4%020d"}}`, n),
		Bus:    "orders", Code: "MalformedDetail", Message: "about the event", Attempts: 1,
		StreamARN: streamARN, SequenceNumber: fmt.Sprintf("4%020d", n), Time: time.Now().UTC(),
	}
}

// unreadable is a dead letter of a record of which nothing could be read.
func unreadable(record string) relay.DeadLetter {
	return relay.DeadLetter{Record: []byte(record), Code: "BadRecord", Time: time.Now().UTC()}
}

// keeps puts letters and returns what is wrong with what is stored then.
func (s sink) keeps(ctx context.Context, letters ...relay.DeadLetter) string {
	for i, l := range letters {
		if err := s.Put(ctx, l); err != nil {
			return fmt.Sprintf("letter %d was not taken: %v", i, err)
		}
	}
	return s.lacks(letters)
}

// lacks returns which of the letters is not stored, "" if all are.
func (s sink) lacks(letters []relay.DeadLetter) string {
	stored := s.stored()
	for i, l := range letters {
		if !slices.ContainsFunc(stored, func(other relay.DeadLetter) bool { return sameLetter(l, other) }) {
			return fmt.Sprintf("letter %d of %d was taken and is not stored as it was; there are %d", i, len(letters), len(stored))
		}
	}
	return ""
}

func sameLetter(a, b relay.DeadLetter) bool {
	return a.EventID == b.EventID && a.Code == b.Code && a.StreamARN == b.StreamARN && a.SequenceNumber == b.SequenceNumber && bytes.Equal(a.Record, b.Record)
}

var sinkRules = []rule[sink]{
	{name: "kept", asks: "When Put returns nil the letter is stored, for the record counts as done from then on.",
		check: func(ctx context.Context, s sink) string { return s.keeps(ctx, letter(1), letter(2)) }},
	{name: "unreadable record", asks: "A record that could not be read is a dead letter too: not valid JSON or UTF-8, without an id, a stream or a sequence number. It is kept byte for byte.",
		check: func(ctx context.Context, s sink) string { return s.keeps(ctx, unreadable("{\"dynamodb\":\xff\x00")) }},
	{name: "unreadable records apart", asks: "Letters without a stream and a sequence number do not replace each other.",
		check: func(ctx context.Context, s sink) string { return s.keeps(ctx, unreadable("{1"), unreadable("{2")) }},
	{name: "streams apart", asks: "A letter is identified by the stream and the sequence number together: two streams may have one number.",
		check: func(ctx context.Context, s sink) string {
			other := letter(1)
			other.StreamARN = strings.Replace(streamARN, "event-store", "another-store", 1)
			return s.keeps(ctx, letter(1), other)
		}},
	{name: "again", asks: "A record may be put more than once, for Lambda may deliver it again after Put has succeeded. That is no error.",
		check: func(ctx context.Context, s sink) string { return s.keeps(ctx, letter(1), letter(1)) }},
	{name: "large record", asks: "An item may have 400 KB, and its record more. A sink that refuses it holds the shard up until the stream forgets it; it may cut the record off.",
		check: func(ctx context.Context, s sink) string {
			l := letter(1)
			l.Record = fmt.Appendf(nil, `{"dynamodb":{"NewImage":{"text":{"S":%q}}}}`, strings.Repeat("x", 500_000))
			if err := s.Put(ctx, l); err != nil {
				return fmt.Sprintf("a letter with a record of %d bytes was not taken: %v", len(l.Record), err)
			}
			return ""
		}},
	{name: "concurrent puts", asks: "A sink is used by several goroutines at once when the process runs several invocations.",
		check: func(ctx context.Context, s sink) string {
			letters := make([]relay.DeadLetter, 8)
			errs := make([]error, len(letters))
			var all sync.WaitGroup
			for i := range letters {
				letters[i] = letter(i)
				all.Go(func() { errs[i] = s.Put(ctx, letters[i]) })
			}
			all.Wait()
			if err := errors.Join(errs...); err != nil {
				return fmt.Sprintf("a letter was not taken: %v", err)
			}
			return s.lacks(letters)
		}},
	{name: "context that has ended", asks: "Put returns when its context ends, and nil only if the letter is stored.",
		check: func(ctx context.Context, s sink) string { return s.interrupted(ended(ctx)) }},
	{name: "store that does not answer", when: Hanging, asks: "Put returns when its context ends, and nil only if the letter is stored.",
		check: func(ctx context.Context, s sink) string {
			ctx, cancel := soonEnded(ctx)
			defer cancel()
			return s.interrupted(ctx)
		}},
	{name: "failing store", when: Failing, asks: "Put returns an error if the letter is not stored: the record is then reported as failed and comes again.",
		check: func(ctx context.Context, s sink) string { return s.interrupted(ctx) }},
	{name: "optional parts", asks: "Validate finds nothing wrong with a good sink.",
		check: func(_ context.Context, s sink) string {
			if v, ok := s.DeadLetterSink.(relay.Validator); ok && v.Validate() != nil {
				return fmt.Sprintf("Validate: %v", v.Validate())
			}
			return ""
		}},
}

// interrupted puts a letter that may not be stored.
func (s sink) interrupted(ctx context.Context) string {
	if err := s.Put(ctx, letter(1)); err == nil && len(s.stored()) == 0 {
		return "Put returned nil and the letter is not stored"
	}
	return ""
}

package relay_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// shard is what a shard of the stream holds, and the event source mapping that
// delivers it: a batch comes again until it is done, and with a partial answer
// from the record on that the answer names.
type shard struct {
	size    int           // records of a batch; zero means 100
	timeout time.Duration // of the function; zero means none

	open  []shardRecord // in the order of the stream
	again int           // records of the batch that comes again, 0 for none
}

// shardRecord is a record as it stands on the stream. It keeps its time when the
// clock goes on.
type shardRecord struct {
	sequence int
	text     string
}

// shardOf is a shard that holds these records.
func shardOf(records ...testRecord) *shard {
	s := &shard{}
	s.put(records...)
	return s
}

// put brings records to the stream, now or as long ago as they say.
func (s *shard) put(records ...testRecord) {
	for _, r := range records {
		s.open = append(s.open, shardRecord{r.sequence, r.String()})
	}
}

// deliver makes one delivery and reports whether everything is done.
func (s *shard) deliver(t testing.TB, h *relay.Handler) (done bool, err error) {
	t.Helper()
	n := min(len(s.open), max(s.size, 0))
	if s.size == 0 {
		n = min(len(s.open), 100)
	}
	if s.again > 0 {
		n = s.again
	}
	if n == 0 {
		return true, nil
	}
	ctx := t.Context()
	if s.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.timeout)
		defer cancel()
	}
	out, err := h.Invoke(ctx, payloadOf(s.open[:n]))
	require.NoError(t, ctx.Err(), "the answer is in time")
	if err != nil {
		s.again = n
		return false, err
	}
	failed := failure(out)
	if failed == "" {
		s.open, s.again = s.open[n:], 0
		return len(s.open) == 0, nil
	}
	at := slices.IndexFunc(s.open[:n], func(r shardRecord) bool { return fmt.Sprint(r.sequence) == failed })
	require.GreaterOrEqual(t, at, 0, "the answer names a record of the batch")
	s.open, s.again = s.open[at:], n-at
	return false, nil
}

// payloadOf is the payload of an invocation with these records.
func payloadOf(records []shardRecord) []byte {
	parts := make([]string, len(records))
	for i, r := range records {
		parts[i] = r.text
	}
	return []byte(`{"Records":[` + strings.Join(parts, ",") + `]}`)
}

// bubble runs a subtest on a clock of its own, which does not wait.
func bubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

// bothAnswers runs a subtest with error answers and with partial ones, each in a
// bubble.
func bothAnswers(t *testing.T, name string, test func(t *testing.T, answers func(*relay.Options))) {
	t.Helper()
	bubble(t, name+", error answers", func(t *testing.T) { test(t, nil) })
	bubble(t, name+", partial answers", func(t *testing.T) { test(t, partial) })
}

// logged are the lines of a log that have each of these texts in them.
func logged(l *logRecorder, texts ...string) []string {
	var found []string
	for line := range strings.Lines(l.String()) {
		if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(line, text) }) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

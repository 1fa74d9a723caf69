package lambdapoller

import (
	"context"
	"fmt"
	"slices"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/checkpoint"
)

// work invokes the handler with the shard's batches, in order, until none is
// left.
func (p *Poller) work(ctx context.Context, s *shard) error {
	for len(s.queue) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		batch := s.queue[0]
		n, err := p.invoke(ctx, s.id, batch)
		if ctx.Err() != nil && n < len(batch) {
			// Our own end, not the handler's fault: what it did stays undone,
			// and the batch comes again.
			return ctx.Err()
		}
		if n > 0 {
			s.tries = 0
		} else if s.tries++; s.tries >= p.opts.StuckAfter {
			return fmt.Errorf("lambdapoller: the handler makes no progress: %d invocations without a record done, shard %s, record %s, last error: %w",
				s.tries, s.id, batch[0].SequenceNumber, err)
		}
		if n < len(batch) && p.opts.GiveUp {
			p.mu.Lock()
			p.discarded = append(p.discarded, Discard{s.id, batch[n:], p.streamARN})
			p.mu.Unlock()
			n, s.tries = len(batch), 0
		}
		s.queue = slices.Concat(next(batch, n, p.opts.Bisect), s.queue[1:])
	}
	return nil
}

// next returns what comes again of a batch whose first n records are done.
//
// AWS documents that with a checkpoint and bisect the batch is split at the
// checkpoint.
func next(batch []Record, n int, bisect bool) [][]Record {
	left := batch[n:]
	switch {
	case len(left) == 0:
		return nil
	case bisect && n == 0 && len(left) > 1:
		half := (len(left) + 1) / 2
		return [][]Record{left[:half], left[half:]}
	}
	return [][]Record{left}
}

// invoke calls the handler and returns how many records are done, and why not
// more, if that is known.
func (p *Poller) invoke(ctx context.Context, shardID string, records []Record) (int, error) {
	inv := Invocation{ShardID: shardID, Payload: payload(records)}
	for _, r := range records {
		inv.SequenceNumbers = append(inv.SequenceNumbers, r.SequenceNumber)
	}
	// The handler may keep or change its bytes; ours are for assertions.
	inv.Response, inv.Err = p.handler.Invoke(ctx, slices.Clone(inv.Payload))
	inv.Done = checkpoint.Done(inv.SequenceNumbers, inv.Response, inv.Err, p.opts.ReportBatchItemFailures)
	p.mu.Lock()
	p.invocations = append(p.invocations, inv)
	p.mu.Unlock()
	err := inv.Err
	if err == nil && inv.Done < len(records) {
		err = fmt.Errorf("answer %s", inv.Response)
	}
	return inv.Done, err
}

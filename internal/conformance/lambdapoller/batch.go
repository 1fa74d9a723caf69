package lambdapoller

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/checkpoint"
)

// maxPayload is the largest event of a synchronous invocation:
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxPayload = 6 << 20

// cut makes batches of at most size records whose events fit in an invocation.
func cut(records []Record, size int) [][]Record {
	var batches [][]Record
	for len(records) > 0 {
		n, bytes := 0, len(payload(nil))
		for n < len(records) && n < size {
			bytes += len(records[n].JSON) + 1 // and a comma
			if bytes > maxPayload && n > 0 {
				break
			}
			n++
		}
		batches = append(batches, records[:n:n])
		records = records[n:]
	}
	return batches
}

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
			return fmt.Errorf("%w: %d invocations without a record done, shard %s, record %s, last error: %w",
				ErrStuck, s.tries, s.id, batch[0].SequenceNumber, err)
		}
		if n < len(batch) && p.opts.GiveUp {
			p.discard(s.id, batch[n:])
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
	inv.Response, inv.Err = call(ctx, p.handler, slices.Clone(inv.Payload))
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

// call invokes the handler; a panic is an error, as in Lambda.
func call(ctx context.Context, h lambda.Handler, payload []byte) (response []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			response, err = nil, fmt.Errorf("lambdapoller: the handler panicked: %v", r)
		}
	}()
	return h.Invoke(ctx, payload)
}

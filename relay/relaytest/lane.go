package relaytest

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/backoff"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/checkpoint"
)

// lane is what is delivered in order: the records of a shard, or with a
// ParallelizationFactor those of a part of its items.
type lane struct {
	*delivery
	shard   int
	records []view   // that were in no batch yet
	process *process // that runs its invocations, nil for a new one
}

// batch is what one invocation gets.
type batch struct {
	records []view
	retries int // of MaximumRetryAttempts
	tries   int // how often it, or what it was cut from, was invoked
}

// run delivers the lane.
func (l *lane) run() {
	var queue []batch // the parts of the batch that is under way
	failed := 0       // invocations in a row without progress
	for len(queue) > 0 || len(l.records) > 0 {
		if len(queue) == 0 {
			b, full := l.cut()
			if !full && wait(l.ctx, l.mapping.MaximumBatchingWindow) != nil {
				return
			}
			queue = []batch{b}
		}
		b := queue[0]
		queue = queue[1:]
		l.giveUpOld(&b)
		if len(b.records) == 0 {
			continue
		}
		b.tries++
		n := l.invoke(b)
		if l.ctx.Err() != nil {
			return
		}
		if failed++; n > 0 {
			failed = 1
		}
		if rest := l.again(b, n); len(rest) > 0 {
			queue = append(rest, queue...)
			if wait(l.ctx, backoff.Ceiling(failed+1, 100*time.Millisecond, time.Minute)) != nil {
				return
			}
		}
	}
}

// maxPayload is the largest event of an invocation, in bytes
// (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
const maxPayload = 6 << 20

// cut takes the next batch from the records, and reports whether it can get no
// more.
func (l *lane) cut() (b batch, full bool) {
	n, size := 0, len(StreamEvent())
	for n < len(l.records) && n < l.mapping.BatchSize {
		if size += len(l.records[n].raw) + 1; size > maxPayload && n > 0 {
			break
		}
		n++
	}
	b.records, l.records = l.records[:n:n], l.records[n:]
	return b, n == l.mapping.BatchSize || len(l.records) > 0
}

// giveUpOld takes the records out of a batch that are too old.
func (l *lane) giveUpOld(b *batch) {
	condition := RecordAgeExceeded
	if l.mapping.MaximumRecordAge >= retention {
		condition = StreamExpired
	}
	var old, young []view
	for _, v := range b.records {
		if !v.created.IsZero() && time.Since(v.created) >= min(l.mapping.MaximumRecordAge, retention) {
			old = append(old, v)
		} else {
			young = append(young, v)
		}
	}
	l.giveUp(old, b.tries, condition)
	b.records = young
}

// again returns what comes again of a batch whose first n records are done.
func (l *lane) again(b batch, n int) []batch {
	left, most := b.records[n:], l.mapping.MaximumRetryAttempts
	switch {
	case len(left) == 0:
		return nil
	case l.mapping.BisectBatchOnFunctionError && n > 0:
		return []batch{{left, b.retries, b.tries}}
	case l.mapping.BisectBatchOnFunctionError && len(left) > 1:
		half := (len(left) + 1) / 2
		return []batch{{left[:half], b.retries, b.tries}, {left[half:], b.retries, b.tries}}
	case most == NoRetry, most > 0 && b.retries >= most:
		l.giveUp(left, b.tries, RetryAttemptsExhausted)
		return nil
	}
	return []batch{{left, b.retries + 1, b.tries}}
}

func (l *lane) giveUp(records []view, tries int, condition string) {
	if len(records) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out.GivenUp = append(l.out.GivenUp, GivenUp{
		Condition: condition, Invocations: tries, Shard: l.shard, Records: rawOf(records),
		from: records[0], to: records[len(records)-1],
	})
}

// invoke makes one invocation and returns how many records are done.
func (l *lane) invoke(b batch) int {
	l.mu.Lock()
	l.invocations++
	crash := l.mapping.CrashEvery > 0 && l.invocations%l.mapping.CrashEvery == 0
	l.mu.Unlock()
	if l.process == nil {
		l.process = l.start()
	}
	in := Invocation{Shard: l.shard, Process: l.process.number, Records: rawOf(b.records), Begin: time.Now()}
	ctx, cancel := context.WithTimeout(l.ctx, l.mapping.Timeout)
	defer cancel()
	var died bool
	in.Answer, died, in.Err = l.process.run(ctx, StreamEvent(in.Records...))
	if crash {
		in.Answer, died, in.Err = nil, true, errors.New("relaytest: the process died before Lambda had its answer")
	}
	if died || l.process.invocations == l.mapping.InvocationsPerProcess {
		l.process = nil
	}
	in.End = time.Now()
	in.Done = checkpoint.Done(numbersOf(b.records), in.Answer, in.Err, l.mapping.ReportBatchItemFailures)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out.Invocations = append(l.out.Invocations, in)
	return in.Done
}

func rawOf(records []view) []json.RawMessage {
	out := make([]json.RawMessage, len(records))
	for i, v := range records {
		out[i] = v.raw
	}
	return out
}

func numbersOf(records []view) []string {
	out := make([]string, len(records))
	for i, v := range records {
		out[i] = v.sequence
	}
	return out
}

package lambdapoller

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// batch is what one invocation gets.
type batch struct {
	records []Record
	retries int // how often it, or what it was cut from, came again
}

// maxPayload is the largest event of a synchronous invocation:
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxPayload = 6 << 20

// cut makes batches of at most size records whose events fit in an invocation.
func cut(records []Record, size int) []batch {
	var batches []batch
	for len(records) > 0 {
		n, bytes := 0, len(payload(nil))
		for n < len(records) && n < size {
			bytes += len(records[n].JSON) + 1 // and a comma
			if bytes > maxPayload && n > 0 {
				break
			}
			n++
		}
		batches = append(batches, batch{records: records[:n:n]})
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
		b := s.queue[0]
		n, err := p.invoke(ctx, s.id, b.records)
		if ctx.Err() != nil && n < len(b.records) {
			// Our own end, not the handler's fault: what it did stays undone,
			// and the batch comes again.
			return ctx.Err()
		}
		if n > 0 {
			s.tries = 0
		} else if s.tries++; s.tries >= p.opts.StuckAfter {
			return fmt.Errorf("%w: %d invocations without a record done, shard %s, record %s, last error: %w",
				ErrStuck, s.tries, s.id, b.records[0].SequenceNumber, err)
		}
		rest, exhausted := next(b, n, p.opts)
		if exhausted {
			p.discard(s.id, b)
			s.tries = 0
		}
		s.queue = slices.Concat(rest, s.queue[1:])
	}
	return nil
}

// next returns what comes again of a batch whose first n records are done;
// exhausted reports that the retries are used up, so that nothing does.
//
// AWS documents that a split does not use up retries, and that with a checkpoint
// and bisect the batch is split at the checkpoint. It does not say whether a
// checkpoint without bisect counts as a retry; here it does.
func next(b batch, n int, opts Options) (rest []batch, exhausted bool) {
	left := b.records[n:]
	switch {
	case len(left) == 0:
		return nil, false
	case opts.Bisect && n > 0:
		return []batch{{left, b.retries}}, false
	case opts.Bisect && len(left) > 1:
		half := (len(left) + 1) / 2
		return []batch{{left[:half], b.retries}, {left[half:], b.retries}}, false
	}
	if opts.MaxRetries == NoRetry || opts.MaxRetries > 0 && b.retries >= opts.MaxRetries {
		return nil, true
	}
	return []batch{{left, b.retries + 1}}, false
}

// invoke calls the handler and returns how many records are done, and why not
// more, if that is known.
func (p *Poller) invoke(ctx context.Context, shardID string, records []Record) (int, error) {
	if p.opts.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.opts.Timeout)
		defer cancel()
	}
	inv := Invocation{ShardID: shardID, Payload: payload(records)}
	for _, r := range records {
		inv.SequenceNumbers = append(inv.SequenceNumbers, r.SequenceNumber)
	}
	// The handler may keep or change its bytes; ours are for assertions.
	inv.Response, inv.Err = call(ctx, p.handler, slices.Clone(inv.Payload))
	if inv.Err == nil && p.opts.Timeout > 0 && ctx.Err() != nil {
		inv.Err = fmt.Errorf("lambdapoller: the answer came after the timeout of %s: %w", p.opts.Timeout, ctx.Err())
	}
	inv.Done = done(records, inv.Response, inv.Err, p.opts.ReportBatchItemFailures)
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

// Discard is a batch that was given up: what Lambda tells the on-failure
// destination, and the records, which it does not tell (except to S3).
type Discard struct {
	ShardID string
	Records []Record
	// Invocations is how often the batch, or what it was cut from, was invoked.
	Invocations int
	streamARN   string
}

func (p *Poller) discard(shardID string, b batch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.discarded = append(p.discarded, Discard{ShardID: shardID, Records: b.records, Invocations: b.retries + 1, streamARN: p.streamARN})
}

// requestContext and batchInfo are parts of an on-failure record, in the shape of
// https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html.
type requestContext struct {
	Condition              string `json:"condition"`
	ApproximateInvokeCount int    `json:"approximateInvokeCount"`
}

type batchInfo struct {
	ShardID             string    `json:"shardId"`
	StartSequenceNumber string    `json:"startSequenceNumber"`
	EndSequenceNumber   string    `json:"endSequenceNumber"`
	FirstArrival        time.Time `json:"approximateArrivalOfFirstRecord,omitzero"`
	LastArrival         time.Time `json:"approximateArrivalOfLastRecord,omitzero"`
	BatchSize           int       `json:"batchSize"`
	StreamARN           string    `json:"streamArn"`
}

// onFailure is what Lambda tells of a batch that it gave up. Payload is the
// invocation's event, as text, which only S3 gets.
type onFailure struct {
	RequestContext requestContext `json:"requestContext"`
	Version        string         `json:"version"`
	BatchInfo      batchInfo      `json:"DDBStreamBatchInfo"`
	Payload        string         `json:"payload,omitempty"`
}

func (d Discard) onFailure() onFailure {
	first, last := d.Records[0], d.Records[len(d.Records)-1]
	return onFailure{
		RequestContext: requestContext{"RetryAttemptsExhausted", d.Invocations}, Version: "1.0",
		BatchInfo: batchInfo{d.ShardID, first.SequenceNumber, last.SequenceNumber, first.Arrival, last.Arrival, len(d.Records), d.streamARN},
	}
}

// JSON is the message that Lambda sends to an SQS or SNS on-failure destination,
// as far as a stream reader needs it. Its records must be read from the stream
// or the table again.
func (d Discard) JSON() ([]byte, error) { return json.Marshal(d.onFailure()) }

// S3 is the object that Lambda writes into an S3 on-failure destination: the
// same, and the invocation's event.
func (d Discard) S3() ([]byte, error) {
	record := d.onFailure()
	record.Payload = string(payload(d.Records))
	return json.Marshal(record)
}

// Package lambdapoller plays Lambda's event source mapping for a DynamoDB
// stream: it reads the stream's shards and hands their records to a handler as
// the JSON that Lambda sends, in Lambda's batches, and does with the answer what
// Lambda does.
//
// The rules are those of
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
// and https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html:
//
//   - What an answer makes done, package checkpoint says, as for relaytest.Deliver.
//     The batch comes again from the first record that is not.
//   - A batch that failed as a whole is halved, if the mapping says so.
//   - A batch waits for the one before it.
//
// Whoever wants the rest of a mapping (retries that end, timeouts, processes that
// die) has it from relaytest.Deliver, without an engine. A shard does not wait for
// its parent: the engines split none.
//
// It calls the handler from one goroutine, one batch at a time, and does not
// wait between two tries of a batch.
package lambdapoller

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
)

// HandlerFunc is a function as a lambda.Handler.
type HandlerFunc func(ctx context.Context, payload []byte) ([]byte, error)

// Invoke calls f.
func (f HandlerFunc) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return f(ctx, payload)
}

// Options are the settings of the event source mapping.
type Options struct {
	// BatchSize is the largest number of records in a batch. Zero means 100.
	BatchSize int
	// ReportBatchItemFailures makes the poller heed the handler's
	// batchItemFailures. False means that the list is ignored, as Lambda does.
	ReportBatchItemFailures bool
	// Bisect is BisectBatchOnFunctionError: a batch that failed as a whole comes
	// again in two halves. A split does not count as a retry.
	Bisect bool
	// GiveUp is a MaximumRetryAttempts of 0: what a batch leaves undone is given
	// up, and does not come again.
	GiveUp bool
	// StuckAfter is the number of invocations in a row without a record done
	// after which Drain and Run give up with an error. Lambda would go on for a
	// day. Zero means 100.
	StuckAfter int
}

// Poller reads one stream. It keeps its place in every shard from one call of
// Drain or Run to the next. Only one of these may run at a time; the other
// methods are safe at any time.
type Poller struct {
	client    *dynamodbstreams.Client
	streamARN string
	handler   lambda.Handler
	opts      Options

	running sync.Mutex // held by Drain and Run; guards shards
	shards  []*shard

	mu          sync.Mutex // guards invocations and discarded
	invocations []Invocation
	discarded   []Discard
}

// New returns a poller of the stream, from the oldest record on (TRIM_HORIZON).
func New(client *dynamodbstreams.Client, streamARN string, h lambda.Handler, optFns ...func(*Options)) (*Poller, error) {
	opts := Options{}
	for _, fn := range optFns {
		fn(&opts)
	}
	if opts.BatchSize == 0 {
		opts.BatchSize = 100
	}
	if opts.StuckAfter == 0 {
		opts.StuckAfter = 100
	}
	switch {
	case client == nil || h == nil:
		return nil, errors.New("lambdapoller: client and handler must not be nil")
	case streamARN == "":
		return nil, errors.New("lambdapoller: the stream's ARN is empty")
	}
	return &Poller{client: client, streamARN: streamARN, handler: h, opts: opts}, nil
}

// Invocation is one call of the handler.
type Invocation struct {
	ShardID         string
	SequenceNumbers []string // of the batch, in its order
	Payload         []byte   // the event that the handler got
	Response        []byte   // what it answered
	Err             error    // what it returned as its error
	// Done is the number of records, from the batch's start, that the poller
	// took for done because of the answer.
	Done int
}

// Invocations returns what was invoked so far, in order.
func (p *Poller) Invocations() []Invocation {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.invocations)
}

// Discarded returns what was given up, in order.
func (p *Poller) Discarded() []Discard {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.discarded)
}

// Drain hands over what the stream holds and returns when no shard has a record
// left, when ctx ends (with its error), or when the handler is stuck.
func (p *Poller) Drain(ctx context.Context) error {
	p.running.Lock()
	defer p.running.Unlock()
	for {
		n, err := p.pass(ctx)
		if err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
	}
}

// idle is the pause of Run when the stream has nothing new; Lambda polls a
// shard four times a second.
const idle = 25 * time.Millisecond

// Run hands over records as they come, until ctx ends, which is no error, or
// until the stream cannot be read or the handler is stuck.
func (p *Poller) Run(ctx context.Context) error {
	p.running.Lock()
	defer p.running.Unlock()
	ticker := time.NewTicker(idle)
	defer ticker.Stop()
	for {
		n, err := p.pass(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if n > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Events returns what Lambda would send for all that the stream holds now, in
// batches of batchSize (zero means 100): recorded streams for a test.
func Events(ctx context.Context, client *dynamodbstreams.Client, streamARN string, batchSize int) ([][]byte, error) {
	var events [][]byte
	h := HandlerFunc(func(_ context.Context, payload []byte) ([]byte, error) {
		events = append(events, slices.Clone(payload))
		return nil, nil
	})
	p, err := New(client, streamARN, h, func(o *Options) { o.BatchSize = batchSize })
	if err != nil {
		return nil, err
	}
	return events, p.Drain(ctx)
}

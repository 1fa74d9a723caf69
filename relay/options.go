package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

// Defaults of [Options].
const (
	DefaultConcurrency = 1
	DefaultMaxAttempts = 4
	DefaultMargin      = time.Second
	DefaultCallTimeout = 10 * time.Second
	DefaultMemory      = 10_000
)

// The upper ends of what options may be.
const (
	maxConcurrency = 64
	maxMaxAttempts = 20
	maxMargin      = 5 * time.Minute
	maxCallTimeout = 15 * time.Minute
	maxMemory      = 1_000_000
)

// Options of a [Handler]. The zero value is ready to use and is the safe one:
// with it nothing is lost, whether the event source mapping asks for partial
// answers or not.
type Options struct {
	// Layout is how the writer lays out event items. Give the relay the same
	// one. Zero means the zero [envelope.Layout]. Of it the relay uses Event,
	// Marker and Ordered. With Ordered, an event is never sent while an
	// earlier one of its aggregateId is neither accepted by the bus nor by the
	// dead-letter sink; so a call holds at most one event of an aggregate.
	Layout envelope.Layout

	// PartialBatchResponse makes Invoke answer with the lowest unpublished
	// sequence number instead of an error.
	//
	// Set it only together with ReportBatchItemFailures in the
	// FunctionResponseTypes of the event source mapping. Without that, Lambda
	// ignores the answer and every record that failed is LOST
	// (https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html).
	//
	// Zero means an error: the whole batch comes again, whatever the mapping
	// says about partial answers.
	PartialBatchResponse bool

	// Region is for global tables, where each region's stream carries every
	// region's writes: events whose headers.region is set and is another one
	// are skipped and counted. Zero means that everything is published.
	Region string

	// Route is called for each event before it is sent. It may change Bus,
	// Source, DetailType, Resources and TraceHeader; every other change is
	// undone. It must not keep or change Detail. It is called by several
	// goroutines at once if the process runs several invocations.
	//
	// An error or a panic means that the event is reported as failed: a bad
	// deploy must not drain the table into the dead letters. An error that
	// wraps [ErrDeadLetter] sends this one event to the dead letters.
	//
	// Zero means headers.source, headers.eventName and the publisher's bus.
	Route func(*Entry) error

	// Concurrency is the number of calls in flight at once, 1 to 64. Zero
	// means 1. With Layout.Ordered each aggregate keeps its order at any
	// Concurrency.
	//
	// One is enough for most tables: a partition takes 1,000 write units a
	// second and an event of up to 1 KB costs two of them in a transaction, so
	// a shard carries at most 500 such events a second. That is 50 calls of 10:
	// one at a time keeps up with a bus that answers within 20 ms.
	// ParallelizationFactor of the mapping multiplies it.
	Concurrency int

	// MaxAttempts is how often an entry is sent in one invocation while the
	// bus answers with a transient fault of that entry, 1 to 20. Zero means 4.
	// A call that fails as a whole is repeated at most once, and not at all
	// when the publisher says that it has retried: the SDK does.
	MaxAttempts int

	// Margin is the time kept for the answer before the deadline of the
	// context, up to 5 minutes. Zero means 1 s. No call is started in the
	// margin, except that an invocation always makes one call; calls and sink
	// are cut off within it, so that the answer is in time. Without a deadline
	// it has no meaning.
	Margin time.Duration

	// CallTimeout limits each call of the publisher, with its retries, and
	// each call of the dead-letter sink; up to 15 minutes. Zero means 10 s.
	CallTimeout time.Duration

	// MaxAge sends a record to the dead letters when it is older than this
	// (by its time on the stream) and still fails, after MaxAttempts, with a
	// fault of its own entry that is transient or unknown and no throttling,
	// in an invocation in which the same bus accepted another entry: an outage
	// is not the event's fault. Zero means never: the record is reported as
	// failed until the stream forgets it. The stream keeps 24 h, so a useful
	// value is well below that.
	MaxAge time.Duration

	// Memory is how many records the handler remembers at least, the latest
	// ones, as accepted by the bus or by the dead-letter sink; up to 1,000,000.
	// A batch that Lambda delivers again to this process is then not published
	// again. Zero means 10,000 (at most 2 MB); negative switches it off. It only
	// saves duplicates; nothing depends on it.
	Memory int

	// SkipBusCheck switches off the look at the bus on the first invocation.
	// Zero means that it is made, if the publisher is a [BusChecker].
	SkipBusCheck bool

	// Metrics is called once at the end of each invocation, whatever became of
	// it. It is called by several goroutines at once if the process runs
	// several invocations. A panic in it is contained. See [EMF]. Zero means
	// none.
	Metrics func(context.Context, Metrics)

	// Logger is given event ids, sequence numbers and codes; never payloads
	// and never the texts of AWS errors, which may quote them. Zero means
	// silent.
	Logger *slog.Logger
}

// withDefaults returns the options with every zero filled in, or an error that
// names each field that is out of range.
func (o Options) withDefaults() (Options, error) {
	var errs []error
	if err := o.Layout.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("relay: Options.Layout: %w", err))
	}
	o.Layout = o.Layout.WithDefaults()
	errs = append(errs,
		inRange("Concurrency", &o.Concurrency, DefaultConcurrency, 1, maxConcurrency),
		inRange("MaxAttempts", &o.MaxAttempts, DefaultMaxAttempts, 1, maxMaxAttempts),
		inRange("Margin", &o.Margin, DefaultMargin, time.Millisecond, maxMargin),
		inRange("CallTimeout", &o.CallTimeout, DefaultCallTimeout, time.Millisecond, maxCallTimeout),
	)
	if o.MaxAge < 0 {
		errs = append(errs, fmt.Errorf("relay: Options.MaxAge: %v is negative; zero switches it off", o.MaxAge))
	}
	if o.Memory < 0 {
		o.Memory = -1
	} else {
		errs = append(errs, inRange("Memory", &o.Memory, DefaultMemory, 1, maxMemory))
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Logger = slog.New(containedLog{o.Logger.Handler()})
	return o, errors.Join(errs...)
}

// inRange sets a zero field to its default and checks any other value.
func inRange[T int | time.Duration](field string, v *T, def, low, high T) error {
	if *v == 0 {
		*v = def
	}
	if *v < low || *v > high {
		return fmt.Errorf("relay: Options.%s: %v is out of range, %v to %v; zero means %v", field, *v, low, high, def)
	}
	return nil
}

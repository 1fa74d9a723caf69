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
	DefaultMemory      = largestBatch
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
	// An error or a panic means that the event is reported as failed, and so
	// does an entry that only Route has made invalid: a bad deploy must not
	// empty the table into the dead letters. An error that wraps
	// [ErrDeadLetter] sends this one event to the dead letters.
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
	// ParallelizationFactor of the mapping multiplies it, but breaks the order of
	// an Ordered layout.
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
	// each call of the dead-letter sink and, if it is below two seconds, of the
	// journal; up to 15 minutes. Zero means 10 s.
	CallTimeout time.Duration

	// MaxAge sends an event to the dead letters that has been on the stream for
	// longer than this and still fails, after MaxAttempts, with a fault of its
	// own entry that is transient or unknown, and no throttling. But only if
	// the same bus has accepted another entry of this process since the event
	// first failed here: an outage is not the event's fault. A record without a
	// time on the stream (ApproximateCreationDateTime) has no age.
	//
	// An event that comes alone, with no other one behind it, holds its shard
	// up until another one comes, Probe is accepted, or the stream forgets it.
	//
	// Zero means never: the event is reported as failed until the stream
	// forgets it. The stream keeps 24 h, so a useful value is well below that.
	MaxAge time.Duration

	// Probe is an entry of your own that the relay sends when a bus has refused
	// an event, as invalid or past MaxAge, and nothing shows whether the event
	// or the configuration is to blame: a quiet table. If the bus accepts it,
	// the event goes to the dead letters. Without a probe such an event holds
	// its shard up until the bus accepts another event, or for 20 h if it is
	// refused as invalid.
	//
	// Source, DetailType and Detail are required; choose a detail-type that no
	// rule matches, such as "Outbox.Probe". Bus and Time are set by the relay.
	// It is sent at most once in five minutes to each bus.
	//
	// Zero means none.
	Probe *Entry

	// Memory is how many records the handler remembers at least, the latest
	// ones, as accepted by the bus or by the dead-letter sink; up to 1,000,000.
	// A batch that Lambda delivers again to this process is then not published
	// again. Less than 10,000, the largest batch that Lambda delivers, counts as
	// 10,000 (at most 1 MB): a batch that takes more time than one invocation
	// has comes to an end only because what was accepted of it is remembered.
	// A process that runs several invocations of large batches at once needs
	// more.
	Memory int

	// Journal is told once per invocation which events are done; see [Journal].
	// It adds its own time to each invocation that publishes something. Zero
	// means none.
	Journal Journal

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
	if o.Memory > maxMemory {
		errs = append(errs, fmt.Errorf("relay: Options.Memory: %d is out of range, up to %d", o.Memory, maxMemory))
	}
	o.Memory = max(o.Memory, largestBatch)
	errs = append(errs, validateProbe(o.Probe))
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

// validateProbe returns what is wrong with [Options].Probe.
func validateProbe(e *Entry) error {
	if e != nil && (e.Source == "" || e.DetailType == "" || len(e.Detail) == 0) {
		return errors.New("relay: Options.Probe: Source, DetailType and Detail are required")
	}
	return nil
}

package relaytest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// Handler is a Lambda function: a *relay.Handler, a consumer's, or a
// lambda.Handler of aws-lambda-go.
type Handler interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// NoRetry is the [Mapping].MaximumRetryAttempts of a batch that comes once only.
const NoRetry = -1

// Mapping is how Lambda delivers a stream to a function: the settings of an event
// source mapping by their AWS names
// (https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html), and
// what happens to the function's processes. The zero value has Lambda's defaults.
type Mapping struct {
	// BatchSize is the most records of a batch, 1 to 10,000. Zero means 100.
	BatchSize int

	// MaximumBatchingWindow is how long Lambda waits for more records when a
	// batch is not full, up to 300 s. Zero means not at all.
	MaximumBatchingWindow time.Duration

	// ParallelizationFactor is how many batches of a shard are under way at once,
	// 1 to 10. Lambda keeps the order of each item, by both parts of its key, and
	// no other (https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html): two
	// events of one aggregate may be in two batches at once. Zero means 1.
	ParallelizationFactor int

	// ReportBatchItemFailures has Lambda read the function's answer. Zero means
	// that every answer that is no error is success, whatever it says.
	ReportBatchItemFailures bool

	// BisectBatchOnFunctionError halves a batch that has failed, which does not
	// count as a retry. With a partial answer it is split where that says.
	BisectBatchOnFunctionError bool

	// MaximumRetryAttempts is how often a batch is tried again, up to 10,000; then
	// it is given up. Zero means until its records are too old, which is Lambda's
	// -1; [NoRetry] means not at all, which is Lambda's 0. AWS does not say
	// whether the rest of a batch after a partial answer has all its retries again;
	// here it has not.
	MaximumRetryAttempts int

	// MaximumRecordAge is when a record is given up, 60 s to 7 days. Zero means
	// when the stream forgets it, after 24 h.
	MaximumRecordAge time.Duration

	// Timeout is that of the function, 1 s to 15 min: then its context ends, and
	// its process is gone with all it knew. A handler that does not return by
	// itself goes on in the background, which it cannot in Lambda. Zero means 3 s,
	// Lambda's default (https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html).
	Timeout time.Duration

	// Shards is how many shards the records are spread over, by their partition
	// key. Shards times ParallelizationFactor is the number of lanes: each has one
	// invocation at a time, and is delivered in order. Zero means 1.
	Shards int

	// PartitionKey names the partition key of the table. Zero means "pk".
	PartitionKey string

	// ColdStart makes the handler of each process after the first one, whose
	// handler is the one that Deliver was given. Each lane has a process of its
	// own. Zero means that all processes share the one handler, with what it
	// remembers, and with an invocation of each lane at a time.
	ColdStart func() Handler

	// InvocationsPerProcess is after how many invocations a process is replaced.
	// Zero means never, while nothing goes wrong.
	InvocationsPerProcess int

	// CrashEvery lets a process die at every nth invocation, when its work is done
	// and before Lambda has the answer: the batch comes again, to another process.
	// 2 means every second one. 1 would let nothing through, and is an error. Zero
	// means none.
	CrashEvery int
}

// withDefaults returns the mapping with every zero filled in, or an error that
// names each field that AWS would refuse.
func (m Mapping) withDefaults() (Mapping, error) {
	err := errors.Join(
		field("BatchSize", &m.BatchSize, 100, 1, 10_000),
		field("MaximumBatchingWindow", &m.MaximumBatchingWindow, 0, 0, 300*time.Second),
		field("ParallelizationFactor", &m.ParallelizationFactor, 1, 1, 10),
		field("MaximumRetryAttempts", &m.MaximumRetryAttempts, 0, NoRetry, 10_000),
		field("MaximumRecordAge", &m.MaximumRecordAge, retention, time.Minute, 7*24*time.Hour),
		field("Timeout", &m.Timeout, 3*time.Second, time.Second, 15*time.Minute),
		field("Shards", &m.Shards, 1, 1, 1000),
		field("InvocationsPerProcess", &m.InvocationsPerProcess, 0, 0, 1<<30),
		field("CrashEvery", &m.CrashEvery, 0, 0, 1<<30),
	)
	if m.CrashEvery == 1 {
		err = errors.Join(err, errors.New("relaytest: Mapping.CrashEvery: 1 lets nothing through; 2 is every second invocation"))
	}
	m.PartitionKey = cmp.Or(m.PartitionKey, "pk")
	return m, err
}

// retention is how long a stream keeps a record
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html).
const retention = 24 * time.Hour

func field[N int | time.Duration](name string, v *N, def, low, high N) error {
	if *v == 0 {
		*v = def
	}
	if *v < low || *v > high {
		return fmt.Errorf("relaytest: Mapping.%s: %v is out of range, %v to %v", name, *v, low, high)
	}
	return nil
}

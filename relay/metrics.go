package relay

import "time"

// Metrics of one invocation. Each record of the batch is counted once, in one
// of Published, Suppressed, DeadLettered, Failed and the Skipped ones; a
// record that was not reached because of an earlier failure counts as Failed.
type Metrics struct {
	Records int // records in the batch

	Published    int // accepted by the bus
	Deduplicated int // of those, the ones that the bus says it had already
	Suppressed   int // not sent: this process has seen them accepted before
	DeadLettered int // accepted by the dead-letter sink
	Failed       int // reported as failed: they come again

	SkippedModify   int // MODIFY records
	SkippedRemove   int // REMOVE records of a user's delete
	SkippedService  int // REMOVE records of DynamoDB itself, by TTL
	SkippedNotEvent int // new items that are not events, by the layout's marker
	SkippedRegion   int // events of another region, by [Options].Region

	// OutOfOrder counts events that came with a lower sequence than one that
	// this process has had accepted for the same aggregate, with an Ordered
	// layout. They are published: the stream has brought them late.
	OutOfOrder int

	Retried      int   // entries sent again
	Calls        int   // calls of the publisher, without probes
	FailedCalls  int   // of those, the ones that failed as a whole
	Bytes        int64 // size of the entries sent, by the bus's own formula
	ConfigFaults int   // records held because of the configuration; of Failed

	// JournalFailed counts events that are done and that [Options].Journal did
	// not take in time, or without an error. Nothing is lost by that: a replay
	// of what the journal lacks would publish them again.
	JournalFailed int

	// Oldest and Newest are the ages of the oldest and the newest event of the
	// batch, by their time on the stream, when the invocation began. Never
	// negative; zero if there was none.
	Oldest, Newest time.Duration

	Duration  time.Duration // of the invocation
	Remaining time.Duration // time left until the deadline at its end; zero without one

	// Error says that Invoke returned an error.
	Error bool
}

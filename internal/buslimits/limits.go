// Package buslimits holds the limits of EventBridge's PutEvents that the write
// side checks before a commit and the relay's publisher packs by, in one place.
//
// Every number has its source beside it. Where AWS's own wording leaves a
// choice, the smaller number is taken and the comment says so.
package buslimits

import "github.com/dynamodb-outbox/dynamodb-outbox/envelope"

const (
	// MaxEntries is the number of entries of one PutEvents call
	// (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html).
	MaxEntries = 10

	// MaxCallSize is the sum of [EntrySize] over the entries of one PutEvents
	// call, in bytes. AWS says "under 1 MB"
	// (https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/eventbridge@v1.55.10#Client.PutEvents)
	// and does not say whether that is 1,000,000 or 1,048,576; this is the
	// smaller.
	MaxCallSize = 1_000_000

	// MaxEntrySize is the [EntrySize] of one entry, in bytes. The cap is on
	// the call, so an entry alone in its call has the same one.
	MaxEntrySize = MaxCallSize

	// TimeSize is what an entry's Time counts for in [EntrySize]
	// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size).
	TimeSize = 14

	// MaxDetailType is the length of a detail-type, in characters: that of the
	// header that becomes it.
	MaxDetailType = envelope.MaxEventName

	// ReservedSource is the prefix that a source must not have: AWS's own
	// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html).
	ReservedSource = "aws."

	// MaxBusName is the length of a bus's name or ARN, in characters
	// (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html).
	MaxBusName = 1600

	// MaxTraceHeader is the length of a trace header, in characters
	// (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html).
	MaxTraceHeader = 500

	// MaxDetailDepth is how deep arrays and objects of a Detail may nest, the
	// outermost object being level 1
	// (https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/eventbridge@v1.55.10/types#PutEventsRequestEntry).
	MaxDetailDepth = 1000
)

// EntrySize returns the size of an entry in bytes as PutEvents counts it: 14
// if it has a time, and the UTF-8 bytes of source, detail-type, detail and
// each resource. The bus's name and the trace header do not count
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size).
func EntrySize(hasTime bool, source, detailType string, detailLen int, resources []string) int {
	size := len(source) + len(detailType) + detailLen
	if hasTime {
		size += TimeSize
	}
	for _, r := range resources {
		size += len(r)
	}
	return size
}

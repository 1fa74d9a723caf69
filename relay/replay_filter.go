package relay

import (
	"slices"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// keep returns whether the filters leave an event in.
func (o *ReplayOptions) keep(rec *streamrecord.Record) bool {
	readable := rec.Kind == streamrecord.Event
	return among(rec.EventName, o.Names, readable) && among(rec.Source, o.Sources, readable) && among(rec.AggregateID, o.Aggregates, readable)
}

// among reports whether a header is one of those that are asked for. One that
// could not be read may be.
func among(header string, wanted []string, readable bool) bool {
	return len(wanted) == 0 || header == "" && !readable || slices.Contains(wanted, header)
}

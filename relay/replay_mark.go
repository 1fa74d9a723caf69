package relay

import (
	"slices"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// markHeader is the header that a marked replay sets.
const markHeader = "replay"

// marked returns a Detail with headers.replay, in the place of one that is there.
// The Detail is one of ours: an object with an object "headers" in it. It is not
// changed.
func marked(detail, mark []byte) []byte {
	from, to := -1, -1
	for m := range jsonlex.Members(detail, 0) {
		if m.Name(detail) == "headers" {
			from, to = m.Value, m.End
		}
	}
	if from < 0 {
		return detail
	}
	out := make([]byte, 0, len(detail)+len(`"":,`)+len(markHeader)+len(mark))
	out = append(out, detail[:from]...)
	out = append(out, `{"`+markHeader+`":`...)
	out = append(out, mark...)
	for m := range jsonlex.Members(detail, from) {
		if m.Name(detail) != markHeader {
			out = append(append(out, ','), detail[m.Key:m.End]...)
		}
	}
	out = append(out, '}')
	return slices.Clip(append(out, detail[to:]...))
}

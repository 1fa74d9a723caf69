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
	from, to := headersOf(detail)
	if from < 0 {
		return detail
	}
	out := make([]byte, 0, len(detail)+len(`"":,`)+len(markHeader)+len(mark))
	out = append(out, detail[:from]...)
	out = append(out, `{"`+markHeader+`":`...)
	out = append(out, mark...)
	members(detail, from, func(name string, start, end int) {
		if name != markHeader {
			out = append(append(out, ','), detail[start:end]...)
		}
	})
	out = append(out, '}')
	return slices.Clip(append(out, detail[to:]...))
}

// headersOf returns where the headers are in a Detail, -1 if nowhere.
func headersOf(detail []byte) (from, to int) {
	from = -1
	members(detail, jsonlex.Space(detail, 0), func(name string, start, end int) {
		if name == "headers" {
			value, _ := jsonlex.Colon(detail, jsonlex.SkipString(detail, start))
			from, to = value, end
		}
	})
	return from, to
}

// members calls f with each member of the object at p: its name, where its key
// begins and where its value ends.
func members(src []byte, p int, f func(name string, start, end int)) {
	if jsonlex.At(src, p) != '{' {
		return
	}
	p, more := jsonlex.First(src, p)
	for more {
		start := p
		value, bad := jsonlex.Colon(src, jsonlex.SkipString(src, start))
		end := jsonlex.Skip(src, value)
		if bad != jsonlex.None || end < 0 {
			return
		}
		f(string(jsonlex.AppendText(nil, src, start)), start, end)
		if p, more, bad = jsonlex.Next(src, end, '}'); bad != jsonlex.None {
			return
		}
	}
}

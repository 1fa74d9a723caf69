package relaytest

import (
	"slices"
	"sync"
	"time"
)

// Answer is what a [Bus] does with a call. The zero Answer does what EventBridge
// does.
type Answer struct {
	// Codes are error codes of entries, by their index: InternalFailure,
	// ThrottlingException, AccessDeniedException and so on. These entries are
	// not accepted; every other one is.
	Codes map[int]string

	// Err fails the call as a whole, and nothing of it is accepted: an error of
	// the SDK, such as a *smithy.GenericAPIError, or one of the network.
	Err error

	// Lost cuts the connection before the answer: the bus has done its part, and
	// the relay does not hear of it.
	Lost bool

	// Short is how many results are missing at the end of the answer.
	Short int

	// Delay is how long the answer takes. The bus does its part at once, so a
	// relay that does not wait has lost the answer. A bus that never answers has
	// a Delay that is longer than any context.
	Delay time.Duration

	// Panic is what the client panics with instead of an answer, when the bus
	// has done its part. Zero means that it does not.
	Panic any
}

// Answers is a [Bus].Script with these answers for the first calls, in their
// order. Everything after them is done as it should be.
func Answers(answers ...Answer) func(int, []Entry) Answer {
	return func(call int, _ []Entry) Answer {
		if call < len(answers) {
			return answers[call]
		}
		return Answer{}
	}
}

// RefuseEvents is a [Bus].Script that always refuses the events of these ids,
// with that code.
func RefuseEvents(code string, eventIDs ...string) func(int, []Entry) Answer {
	return refuseIf(code, func(e Entry) bool { return slices.Contains(eventIDs, e.EventID) })
}

// RefuseShare is a [Bus].Script that refuses a share of all entries, 0.2 for one
// in five, at random, with that code. Equal seeds make equal choices, as long as
// there is one call at a time.
func RefuseShare(seed uint64, share float64, code string) func(int, []Entry) Answer {
	var mu sync.Mutex // guards rng
	rng := random(seed)
	return refuseIf(code, func(Entry) bool {
		mu.Lock()
		defer mu.Unlock()
		return rng.Float64() < share
	})
}

func refuseIf(code string, refused func(Entry) bool) func(int, []Entry) Answer {
	return func(_ int, entries []Entry) Answer {
		codes := map[int]string{}
		for i, e := range entries {
			if refused(e) {
				codes[i] = code
			}
		}
		return Answer{Codes: codes}
	}
}

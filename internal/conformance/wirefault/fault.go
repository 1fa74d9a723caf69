// Package wirefault breaks the wire between an SDK client and a real server:
// entries of PutEvents that fail, calls that are refused, and connections that end
// before the server got a request or after it had accepted it.
// What it lets through reaches the real server, and it keeps a ledger of what
// that server accepted.
//
// Transport stands inside the client, as its http.RoundTripper. Proxy is a
// server on loopback for a client in another process, or for a client that
// should see real connections break.
//
// EventBridge is spoken in AWS JSON 1.1, DynamoDB and SQS in AWS JSON 1.0, as
// the SDK for Go of November 2026 does. Faults of whole calls work on any
// protocol; faults of single entries need PutEvents in JSON.
package wirefault

import (
	"net/http"
	"slices"
	"sync"
)

// Operations that tests break; any other name of an AWS operation will do.
const (
	PutEvents          = "PutEvents"
	TransactWriteItems = "TransactWriteItems"
)

// Call is a request that is about to be sent.
type Call struct {
	// N counts the calls of the operation through this wire, from 1. A retry by
	// the SDK is a call of its own.
	N         int
	Operation string
	// EventIDs has headers.eventId of each entry of a PutEvents call, in its
	// order, "" for an entry without one. Nil for other operations.
	EventIDs []string
}

// Script says what happens to a call. It may be called by several goroutines at
// once.
type Script func(Call) Fault

// Fault is what happens to a call. The zero value lets it through.
type Fault struct {
	// Drop ends the connection without an answer.
	Drop Drop
	// Status, if not zero, is the answer's HTTP status: the server gets
	// nothing. Code and Message are its AWS error.
	Status        int
	Code, Message string
	// Entries are faults of single entries of a PutEvents call, by index. The
	// server gets the other entries; its results and these are put together in
	// the order of the request. An index beyond the call is ignored.
	Entries map[int]EntryFault
	// Results, if not zero, changes the number of results in the answer to a
	// PutEvents call by that many: those at the end are left out, or repeated.
	Results int
}

// Drop says when the connection ends.
type Drop int

// The ways to end a connection.
const (
	DropNever Drop = iota
	// DropBefore ends it before the server gets the request.
	DropBefore
	// DropAfter ends it after the server has answered: what was asked is done,
	// and the client cannot know.
	DropAfter
)

// EntryFault is the result of an entry that fails. With both fields empty it is
// a result with neither an EventId nor an ErrorCode.
type EntryFault struct{ Code, Message string }

// None lets the call through.
func None() Fault { return Fault{} }

// FailEntries fails the entries at the indexes with the error code.
func FailEntries(code string, indexes ...int) Fault {
	f := Fault{Entries: map[int]EntryFault{}}
	for _, i := range indexes {
		f.Entries[i] = EntryFault{Code: code, Message: "injected " + code}
	}
	return f
}

// BlankEntries answers the entries at the indexes with a result that has neither
// an EventId nor an ErrorCode.
func BlankEntries(indexes ...int) Fault {
	f := Fault{Entries: map[int]EntryFault{}}
	for _, i := range indexes {
		f.Entries[i] = EntryFault{}
	}
	return f
}

// InternalFailure answers the call with HTTP 500.
func InternalFailure() Fault {
	return Fault{Status: http.StatusInternalServerError, Code: "InternalFailure", Message: "injected"}
}

// Throttled answers the call with a ThrottlingException.
func Throttled() Fault {
	return Fault{Status: http.StatusBadRequest, Code: "ThrottlingException", Message: "injected: rate exceeded"}
}

// Denied answers the call with an AccessDeniedException.
func Denied() Fault {
	return Fault{Status: http.StatusBadRequest, Code: "AccessDeniedException", Message: "injected: not authorized"}
}

// LostRequest ends the connection before the server gets the request.
func LostRequest() Fault { return Fault{Drop: DropBefore} }

// LostAnswer ends the connection after the server has done what it was asked.
func LostAnswer() Fault { return Fault{Drop: DropAfter} }

// On applies the script to the calls of one operation. The others go through.
func On(operation string, s Script) Script {
	return func(c Call) Fault {
		if c.Operation != operation {
			return Fault{}
		}
		return s(c)
	}
}

// Calls gives the faults to the operation's calls in order, one each. Later
// calls go through.
func Calls(operation string, faults ...Fault) Script {
	faults = slices.Clone(faults)
	return On(operation, func(c Call) Fault {
		if c.N > len(faults) {
			return Fault{}
		}
		return faults[c.N-1]
	})
}

// Always gives the fault to each call of the operation.
func Always(operation string, f Fault) Script {
	return On(operation, func(Call) Fault { return f })
}

// counter numbers the calls of each operation.
type counter struct {
	mu sync.Mutex // guards n
	n  map[string]int
}

func (c *counter) next(operation string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[operation]++
	return c.n[operation]
}

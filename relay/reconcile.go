package relay

import (
	"errors"
	"fmt"
	"time"
)

// reconcile makes one result per entry of what a Publisher returned for n
// entries, and says whether the call failed as a whole. Nothing is taken for
// accepted that does not say so at its own index.
func reconcile(n int, results []Result, err error) ([]Result, *CallError) {
	if err != nil {
		var ce *CallError
		if !errors.As(err, &ce) || ce == nil {
			code, _ := faultCode(err)
			ce = &CallError{Class: Transient, Code: code, Err: err}
		}
		c := *ce // the publisher's own is left alone
		if c.Class != EventFault && c.Class != ConfigFault {
			c.Class = Transient
		}
		if c.Code == "" {
			c.Code = "CallFailed"
		}
		return fill(n, Result{Class: c.Class, Code: c.Code, Message: "the call failed as a whole"}), &c
	}
	if len(results) != n {
		return fill(n, Result{
			Class: Transient, Code: codeResultCount,
			Message: fmt.Sprintf("%d results for %d entries", len(results), n),
		}), nil
	}
	out := make([]Result, n)
	for i, r := range results {
		switch {
		case r.Class > ConfigFault:
			r.Class = Transient
		case r.Class == Transient && r.Code == "":
			r.Code = "NoResult"
		}
		out[i] = r
	}
	return out, nil
}

// codeResultCount is the code of entries whose call has not one result for each.
// It says nothing of any of them.
const codeResultCount = "ResultCount"

func fill(n int, r Result) []Result {
	out := make([]Result, n)
	for i := range out {
		out[i] = r
	}
	return out
}

// lastResort is the age at which a record that is refused as invalid goes to
// the dead letters even though the configuration may be to blame: the stream is
// about to forget it, at 24 h.
const lastResort = 20 * time.Hour

// refusal is what is known about an entry that the bus refused as invalid.
type refusal struct {
	entries   int  // entries of the call
	accepted  int  // of those, accepted
	invalid   int  // of those, refused as invalid
	explained bool // the event's own data, as they were committed, break a known rule of the bus
	proven    bool // the bus has accepted an entry of this process before
	before    bool // the entry was in a call that was refused altogether, in an earlier invocation
	age       time.Duration
}

// verdict says what to do with an entry that was refused as invalid.
type verdict uint8

const (
	verdictDeadLetter verdict = iota // it is the event's own fault
	verdictHold                      // it may be the configuration's
	verdictAgain                     // it can't be told yet: send it again
	verdictProbe                     // it can't be told yet: see what becomes of the next call
)

// judge decides whose fault it is that the bus refuses an entry as invalid: the
// event's, which then belongs to the dead letters, or the configuration's. A bad
// deploy makes every entry invalid and must not drain the table into the dead
// letters; so an event is blamed only on proof that the way of sending works.
// What is sent is made by this process alone, so what proves it is an entry of
// this process that the same bus has accepted.
func (r refusal) judge() verdict {
	switch {
	case r.accepted > 0:
		return verdictDeadLetter // in the same call
	case r.explained:
		return verdictDeadLetter // no deploy changes what is committed
	case r.age >= lastResort:
		return verdictDeadLetter // or it is lost
	case r.invalid < r.entries && r.proven:
		return verdictDeadLetter // others of the call have other troubles
	case r.invalid < r.entries:
		return verdictAgain // with the others, which may be accepted then
	case r.entries == 1 && r.proven:
		return verdictDeadLetter // alone in its call, and others were accepted before
	case r.entries == 1:
		return verdictProbe
	case r.before && r.proven:
		return verdictDeadLetter // refused again, and others were accepted in between or before
	default:
		return verdictHold // every single entry of the call
	}
}

package relay

import (
	"context"
	"errors"
	"fmt"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/noanswer"
)

// The relay's own codes of faults, beside those of the bus and those of
// internal/noanswer and internal/streamrecord.
const (
	codeNotReached      = "NotReached"      // an earlier record failed, or the time was over
	codeResultCount     = "ResultCount"     // the publisher gave a wrong number of results
	codeNoResult        = "NoResult"        // the zero Result
	codeCallFailed      = "CallFailed"      // a CallError without a code
	codePanic           = "Panic"           // in a callback
	codeRouted          = "Routed"          // Route asked for a dead letter
	codeRouteError      = "RouteError"      // Route failed
	codeRouteIncomplete = "RouteIncomplete" // Route left no source or detail-type
	codeRouteTooLarge   = "RouteTooLarge"   // Route made the entry too large
	codeRouteInvalid    = "RouteInvalid"    // Route broke a rule of the bus
	codeTooLarge        = "TooLarge"        // the event is too large for a call
	codeRuleBroken      = "RuleBroken"      // a dry run: the event breaks a known rule of the bus
	codeNoSuchBus       = "NoSuchBus"       // the bus does not exist
	codeWrongLayout     = "WrongLayout"     // no item of the batch has the event attribute
)

// attempt is the last that is known of an event: a result, and for a call that
// failed as a whole its cause.
type attempt struct {
	Result
	cause error
}

// publish makes one call and returns one result for each entry; whole is not nil
// if the call failed as a whole. A panic is a fault of the call, also one of the
// publisher's error.
func (h *Handler) publish(ctx context.Context, p Publisher, entries []Entry) (results []Result, whole *CallError) {
	defer func() {
		if v := recover(); v != nil {
			h.logPanic(ctx, "publishing", entries[0].EventID, v)
			results, whole = reconcile(len(entries), nil, &CallError{Class: Transient, Code: codePanic})
		}
	}()
	out, err := p.Publish(ctx, entries)
	return reconcile(len(entries), out, err)
}

// reconcile makes one result for each of n entries from what a Publisher
// returned. Nothing counts as accepted that does not say so at its own index.
func reconcile(n int, results []Result, err error) ([]Result, *CallError) {
	if err != nil {
		whole := callError(err)
		return repeat(n, Result{Class: whole.Class, Code: whole.Code, Message: "the call failed as a whole"}), whole
	}
	if len(results) != n {
		return repeat(n, Result{Code: codeResultCount, Message: fmt.Sprintf("%d results for %d entries", len(results), n)}), nil
	}
	out := make([]Result, n)
	for i, r := range results {
		if r.Class > ConfigFault {
			r.Class = Transient
		}
		if r.Class == Transient && r.Code == "" {
			r.Code = codeNoResult
		}
		out[i] = r
	}
	return out, nil
}

// callError returns a CallError with a class and a code that can be used. The
// publisher's own is left as it is.
func callError(err error) *CallError {
	var given *CallError
	if !errors.As(err, &given) || given == nil {
		code, _ := noanswer.Code(err)
		return &CallError{Class: Transient, Code: code, Err: err}
	}
	e := *given
	if e.Class != EventFault && e.Class != ConfigFault {
		e.Class = Transient
	}
	if e.Code == "" {
		e.Code = codeCallFailed
	}
	return &e
}

func repeat(n int, r Result) []Result {
	out := make([]Result, n)
	for i := range out {
		out[i] = r
	}
	return out
}

// accepting is the publisher of a dry run: it accepts what it would be sent,
// but for what breaks a rule of the bus that is known.
type accepting struct{ Publisher }

func (a accepting) Publish(_ context.Context, entries []Entry) ([]Result, error) {
	results := repeat(len(entries), Result{Class: Accepted})
	for i, e := range entries {
		if a.Explain(e) != "" {
			results[i] = Result{Class: EventFault, Code: codeRuleBroken}
		}
	}
	return results, nil
}

func (a accepting) Explain(e Entry) string {
	if x, ok := a.Publisher.(Explainer); ok {
		return x.Explain(e)
	}
	return ""
}

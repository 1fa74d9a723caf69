package relay

import (
	"context"
	"errors"
	"fmt"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/delivery"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/noanswer"
)

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

// coreClass is the class as the core has it.
func coreClass(c Class) delivery.Class {
	switch c {
	case Accepted, Deduplicated:
		return delivery.Accepted
	case EventFault:
		return delivery.EventFault
	case ConfigFault:
		return delivery.ConfigFault
	default:
		return delivery.Transient
	}
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

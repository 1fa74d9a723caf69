package custombus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/noanswer"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// CheckBus looks for a bus by DescribeEventBus. It returns nil if the bus takes
// events, an error that wraps [relay.ErrNoSuchBus] if it does not exist, could not
// be created or is being deleted, and one that wraps [relay.ErrBusUnchecked] if it
// is not permitted to look. Any other error means that asking again may help: so
// it is while the bus is being created. An empty bus is the publisher's own.
func (p *Publisher) CheckBus(ctx context.Context, bus string) error {
	arn, err := p.busOf(bus)
	if err != nil {
		return fmt.Errorf("%w: %w", relay.ErrNoSuchBus, err)
	}
	state, err := p.api.describeEventBus(ctx, arn)
	if err != nil {
		code, _ := noanswer.Code(err)
		switch classOf(code) {
		case relay.ConfigFault, relay.EventFault:
			if code == "ResourceNotFoundException" {
				return &stateError{code: codeNoSuchBus, class: relay.ConfigFault, err: fmt.Errorf("%w: %s", relay.ErrNoSuchBus, arn.text)}
			}
			return fmt.Errorf("%w: %s: %s", relay.ErrBusUnchecked, arn.text, code)
		default:
			return &unanswered{bus: arn.text, code: code, err: err}
		}
	}
	return stateFault(arn.text, state)
}

// stateFault returns what a state of a bus keeps from being published, nil if
// nothing. A state that is not known keeps nothing back
// (https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_DescribeEventBus.html).
func stateFault(bus, state string) error {
	switch state {
	case "CREATING":
		return &stateError{code: codeBusCreating, class: relay.Transient, err: fmt.Errorf("custombus: %s is still being created", bus)}
	case "CREATE_FAILED":
		return &stateError{code: codeBusCreateFailed, class: relay.ConfigFault, err: fmt.Errorf("%w: the creation of %s has failed", relay.ErrNoSuchBus, bus)}
	case "DELETING":
		return &stateError{code: codeBusDeleting, class: relay.ConfigFault, err: fmt.Errorf("%w: %s is being deleted", relay.ErrNoSuchBus, bus)}
	default:
		return nil
	}
}

// stateError is a look that says that nothing can be published to the bus now.
type stateError struct {
	code  string
	class relay.Class
	err   error
}

func (e *stateError) Error() string { return e.err.Error() }
func (e *stateError) Unwrap() error { return e.err }

// unanswered is a question that went unanswered. Its text holds the code only.
type unanswered struct {
	bus, code string
	err       error
}

func (e *unanswered) Error() string {
	return "custombus: looking for event bus " + e.bus + ": " + e.code
}
func (e *unanswered) Unwrap() error { return e.err }

// askAgain is the least time between two questions after a bus, when the first
// went unanswered for a passing reason.
const askAgain = time.Minute

// lookForBus returns an error if the bus of a call takes no events. What cannot be
// found out is a warning, and nothing is held up for it.
func (p *Publisher) lookForBus(ctx context.Context, bus busARN) error {
	if p.opts.SkipBusCheck {
		return nil
	}
	return p.looks.Look(ctx, bus.text, func(ctx context.Context) (again time.Time, held error) {
		log := func(level slog.Level, msg string, attr slog.Attr) {
			p.opts.Logger.LogAttrs(ctx, level, msg, slog.String("bus", bus.text), attr)
		}
		err := p.CheckBus(ctx, bus.text)
		var state *stateError
		var open *unanswered
		switch {
		case errors.As(err, &state):
			level := slog.LevelError
			if state.class == relay.Transient {
				level = slog.LevelWarn
			}
			log(level, "custombus: the event bus takes no events now; nothing is published to it", slog.String("code", state.code))
			return time.Now(), &relay.CallError{Class: state.class, Code: state.code, Err: err}
		case errors.As(err, &open):
			log(slog.LevelWarn, "custombus: looking for the event bus went wrong; publishing anyway, and looking again in a minute", slog.String("code", open.code))
			return time.Now().Add(askAgain), nil
		case err != nil:
			log(slog.LevelWarn, "custombus: it cannot be found out whether the event bus exists; publishing anyway", slog.String("error", err.Error()))
		}
		return time.Time{}, nil
	})
}

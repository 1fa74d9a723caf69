package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/noanswer"
)

// CheckBus looks for a bus by DescribeEventBus; the permission is
// events:DescribeEventBus. It returns nil if the bus exists, an error that
// wraps [ErrNoSuchBus] if it does not, and one that wraps [ErrBusUnchecked] if
// it cannot be found out: the client has no DescribeEventBus, it is not
// permitted, the bus is that of another account, or a global endpoint stands
// before it. An empty bus is the publisher's own.
func (e *EventBridge) CheckBus(ctx context.Context, bus string) error {
	if bus == "" {
		bus = e.bus
	}
	if e.opts.EndpointID != "" {
		return fmt.Errorf("%w: %s is behind the global endpoint %s", ErrBusUnchecked, bus, e.opts.EndpointID)
	}
	client, ok := e.client.(DescribeEventBusAPIClient)
	if !ok {
		return fmt.Errorf("%w: the client has no DescribeEventBus", ErrBusUnchecked)
	}
	_, err := client.DescribeEventBus(ctx, &eventbridge.DescribeEventBusInput{Name: &bus})
	if err == nil {
		return nil
	}
	code, status := noanswer.Code(err)
	switch {
	case code == "ResourceNotFoundException" && foreign(bus):
		// another account's bus, or another region's: not found here says nothing
		return fmt.Errorf("%w: %s is not found in the client's own account and region", ErrBusUnchecked, bus)
	case code == "ResourceNotFoundException":
		return fmt.Errorf("%w: %q", ErrNoSuchBus, bus)
	case codeClass[code] != Transient:
		return fmt.Errorf("%w: %s: %s", ErrBusUnchecked, bus, code)
	case status >= 400 && status < 500 && status != 429 && !throttled(code):
		return fmt.Errorf("%w: %s: %s", ErrBusUnchecked, bus, code)
	default:
		return &checkError{bus: bus, code: code, err: err}
	}
}

// checkError is a question that went unanswered. Its text holds the code only.
type checkError struct {
	bus, code string
	err       error
}

func (e *checkError) Error() string {
	return fmt.Sprintf("relay: looking for event bus %s: %s", e.bus, e.code)
}

func (e *checkError) Unwrap() error { return e.err }

// askAgain is the least time between two questions after a bus, when the first
// went unanswered for a passing reason.
const askAgain = time.Minute

// lookForBus returns an error if the bus of a call does not exist. What cannot be
// found out is a warning, and nothing is held up for it.
func (e *EventBridge) lookForBus(ctx context.Context, bus string) error {
	if bus == "" {
		bus = e.bus
	}
	if e.opts.SkipBusCheck {
		return nil
	}
	return e.looks.Look(ctx, bus, func(ctx context.Context) (time.Time, error) { return e.ask(ctx, bus) })
}

// ask asks for a bus. It returns an error if the bus does not exist, and when to
// ask again. A panic of the client is a warning too.
func (e *EventBridge) ask(ctx context.Context, bus string) (again time.Time, absent error) {
	log := func(level slog.Level, msg string, attr slog.Attr) {
		e.opts.Logger.LogAttrs(ctx, level, msg, slog.String("bus", bus), attr)
	}
	defer func() {
		if v := recover(); v != nil {
			log(slog.LevelWarn, "relay: the client panicked while looking for the event bus; publishing anyway", slog.String("panic", fmt.Sprintf("%T", v)))
		}
	}()
	err := e.CheckBus(ctx, bus)
	var unanswered *checkError
	switch {
	case errors.Is(err, ErrNoSuchBus):
		log(slog.LevelError, "relay: the event bus does not exist; nothing is published to it: create the bus or correct its name", slog.String("code", codeNoSuchBus))
		return time.Now(), &CallError{Class: ConfigFault, Code: codeNoSuchBus, Err: err}
	case errors.As(err, &unanswered):
		log(slog.LevelWarn, "relay: looking for the event bus went wrong; publishing anyway, and looking again in a minute", slog.String("code", unanswered.code))
		return time.Now().Add(askAgain), nil
	case err != nil:
		log(slog.LevelWarn, "relay: it cannot be found out whether the event bus exists; publishing anyway", slog.String("error", err.Error()))
	}
	return time.Time{}, nil
}

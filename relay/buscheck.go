package relay

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
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
	code, status := faultCode(err)
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

// foreign reports whether a bus is given as an ARN: then it may be another
// account's or another region's, which DescribeEventBus may not see.
func foreign(bus string) bool { return strings.HasPrefix(bus, "arn:") }

// checkError is a question that went unanswered. Its text holds the code only.
type checkError struct {
	bus, code string
	err       error
}

func (e *checkError) Error() string {
	return fmt.Sprintf("relay: looking for event bus %s: %s", e.bus, e.code)
}

func (e *checkError) Unwrap() error { return e.err }

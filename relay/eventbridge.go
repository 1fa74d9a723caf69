package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/buslimits"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/buslook"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/isnil"
)

// PutEventsAPIClient is the operation that [EventBridge] needs of a client.
type PutEventsAPIClient interface {
	PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

// DescribeEventBusAPIClient is the operation by which a client can look whether
// a bus exists. [EventBridge] uses it if its client has it.
type DescribeEventBusAPIClient interface {
	DescribeEventBus(context.Context, *eventbridge.DescribeEventBusInput, ...func(*eventbridge.Options)) (*eventbridge.DescribeEventBusOutput, error)
}

var (
	_ PutEventsAPIClient        = (*eventbridge.Client)(nil)
	_ DescribeEventBusAPIClient = (*eventbridge.Client)(nil)
	_ Publisher                 = (*EventBridge)(nil)
	_ BusChecker                = (*EventBridge)(nil)
	_ Explainer                 = (*EventBridge)(nil)
	_ Validator                 = (*EventBridge)(nil)
)

// The range of [EventBridgeOptions].MaxCallBytes. The lower end is there because
// an event that does not fit a call goes to the dead letters: a slip of the
// unit must not send them all there.
const (
	minCallBytes = 64 * 1024
	maxCallBytes = 1024 * 1024
)

// EventBridgeOptions of [NewEventBridge].
type EventBridgeOptions struct {
	// EndpointID sends through a global endpoint: the subdomain of its URL,
	// such as "abcde.veo". Both regions must have a bus of the same name. Zero
	// means the client's region.
	EndpointID string

	// MaxEntries per call, 1 to 10. Zero means 10, which is all that PutEvents
	// takes (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html).
	MaxEntries int

	// MaxCallBytes is the size of a call, by EventBridge's formula, in bytes:
	// 65,536 to 1,048,576. Zero means 1,000,000: AWS says "less than 1MB", and
	// not which of the two it means
	// (https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/eventbridge@v1.55.10#Client.PutEvents).
	MaxCallBytes int

	// SkipBusCheck leaves out the look at a bus before the first call to it;
	// see [EventBridge]. Zero means that it is made.
	SkipBusCheck bool

	// Logger is told when it cannot be found out whether a bus exists. Zero
	// means silent.
	Logger *slog.Logger
}

// EventBridge publishes to an Amazon EventBridge event bus by PutEvents. It is
// safe for concurrent use if its client is; the SDK's is.
//
// Before the first call to a bus it looks whether the bus exists: PutEvents to
// one that does not has been seen to answer success
// (https://github.com/aws/aws-sdk/issues/186). The permission is
// events:DescribeEventBus. An absent bus is a [ConfigFault] with the code
// "NoSuchBus"; what cannot be found out is a warning in the log.
//
// Of the codes of an entry, MalformedDetail, InvalidArgument and RedactionFailure
// are an [EventFault]. AccessDeniedException, ResourceNotFoundException and
// others of permissions and set-up are a [ConfigFault]. InternalFailure,
// ThrottlingException and every code that is not known are [Transient].
//
// With the SDK's own client it writes the body of a request itself, and hands it
// to the client: middleware of yours in that client sees the entries without their
// Detail. Any other client gets the ordinary input.
type EventBridge struct {
	client PutEventsAPIClient
	bus    string
	opts   EventBridgeOptions
	err    error // what Validate returns
	looks  buslook.Looks

	ordinary atomic.Bool // the SDK's client does not take a body of ours
}

// NewEventBridge returns a publisher to the bus of that name or ARN; the name
// of the default bus is "default". The client brings region, credentials and
// retries: it retries calls that fail as a whole, and the relay does not
// multiply that.
//
// What is wrong with the arguments is returned by Validate, and so by
// [NewHandler].
func NewEventBridge(client PutEventsAPIClient, bus string, optFns ...func(*EventBridgeOptions)) *EventBridge {
	e := &EventBridge{client: client, bus: bus}
	for _, fn := range optFns {
		if fn != nil {
			fn(&e.opts)
		}
	}
	if e.opts.MaxEntries == 0 {
		e.opts.MaxEntries = buslimits.MaxEntries
	}
	if e.opts.MaxCallBytes == 0 {
		e.opts.MaxCallBytes = buslimits.MaxCallSize
	}
	if e.opts.Logger == nil {
		e.opts.Logger = slog.New(slog.DiscardHandler)
	}
	e.opts.Logger = slog.New(containedLog{e.opts.Logger.Handler()})
	e.err = e.validate()
	return e
}

// Validate returns an error that names what is wrong with the arguments of
// [NewEventBridge], nil if nothing is.
func (e *EventBridge) Validate() error { return e.err }

// endpointID is the pattern of the API's own model.
var endpointID = regexp.MustCompile(`^[A-Za-z0-9\-]+[\.][A-Za-z0-9\-]+$`)

func (e *EventBridge) validate() error {
	var errs []error
	if isnil.Value(e.client) {
		errs = append(errs, errors.New("relay: eventbridge client is nil"))
	}
	switch n := utf8.RuneCountInString(e.bus); {
	case n == 0:
		errs = append(errs, errors.New(`relay: event bus name is empty; the default bus is named "default"`))
	case n > buslimits.MaxBusName:
		errs = append(errs, fmt.Errorf("relay: event bus name of %d characters; at most %d", n, buslimits.MaxBusName))
	}
	if foreign(e.bus) && strings.Contains(e.bus, ":event-busv2/") {
		errs = append(errs, fmt.Errorf("relay: %s is not a classic event bus; its publisher is relay/custombus", e.bus))
	}
	if id := e.opts.EndpointID; id != "" && (len(id) > 50 || !endpointID.MatchString(id)) {
		errs = append(errs, fmt.Errorf("relay: EventBridgeOptions.EndpointID: %q is not of the form label.label, at most 50 characters", id))
	}
	if n := e.opts.MaxEntries; n < 1 || n > buslimits.MaxEntries {
		errs = append(errs, fmt.Errorf("relay: EventBridgeOptions.MaxEntries: %d is out of range, 1 to %d", n, buslimits.MaxEntries))
	}
	if n := e.opts.MaxCallBytes; n < minCallBytes || n > maxCallBytes {
		errs = append(errs, fmt.Errorf("relay: EventBridgeOptions.MaxCallBytes: %d is out of range, %d to %d", n, minCallBytes, maxCallBytes))
	}
	return errors.Join(errs...)
}

// Limits returns the limits of one PutEvents call.
func (e *EventBridge) Limits() Limits {
	return Limits{Entries: e.opts.MaxEntries, Bytes: e.opts.MaxCallBytes}
}

// Size returns the size of an entry in bytes as EventBridge counts it
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size).
func (e *EventBridge) Size(entry Entry) int {
	return buslimits.EntrySize(!entry.Time.IsZero(), entry.Source, entry.DetailType, len(entry.Detail), entry.Resources)
}

// foreign reports whether a bus is given as an ARN: then it may be another
// account's or another region's, which DescribeEventBus may not see.
func foreign(bus string) bool { return strings.HasPrefix(bus, "arn:") }

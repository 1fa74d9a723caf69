package custombus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/buslimits"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/buslook"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/isnil"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// maxEntries is the number of entries of one call
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html#eb-custom-bus-quotas-fixed).
const maxEntries = 100

// The size of a call, in bytes. AWS does not document it for this bus, so the
// default is that of classic EventBridge. The least value is there because an
// event that does not fit a call goes to the dead letters: a slip of the unit
// must not send them all there.
const (
	defaultCallBytes = buslimits.MaxCallSize
	minCallBytes     = 64 * 1024
)

// Options of [New].
type Options struct {
	// MaxEntries per call, 1 to 100. Zero means 100, which is all that PutEvents
	// takes (https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_PutEvents.html).
	MaxEntries int

	// MaxCallBytes is the size of a call as [Publisher.Size] counts it, in bytes,
	// at least 65,536. Zero means 1,000,000. AWS does not document the limit: a call
	// that the bus refuses for its size is split, and an event that is larger than
	// this alone goes to the dead letters.
	MaxCallBytes int

	// BaseEndpoint is the URL to send to in place of AWS's own. Zero means that of
	// the aws.Config; without one it is found from the ARN of the bus.
	BaseEndpoint string

	// SkipBusCheck leaves out the look at a bus before the first call to it; see
	// [Publisher]. Zero means that it is made.
	SkipBusCheck bool

	// Logger is told when a bus takes no events, and when that cannot be found out.
	// Zero means silent.
	Logger *slog.Logger
}

var (
	_ relay.Publisher  = (*Publisher)(nil)
	_ relay.BusChecker = (*Publisher)(nil)
	_ relay.Explainer  = (*Publisher)(nil)
	_ relay.Validator  = (*Publisher)(nil)
)

// Publisher publishes to a Custom Event Bus by PutEvents. It is safe for
// concurrent use if the credentials and the HTTP client of its aws.Config are; the
// SDK's are.
//
// Before the first call to a bus it looks at its state. A bus that does not exist,
// is being deleted or could not be created is a [relay.ConfigFault], one that is
// still being created [relay.Transient]; both are looked at again at the next call.
// What cannot be found out is a warning in the log.
type Publisher struct {
	api   api
	bus   busARN
	opts  Options
	err   error // what Validate returns
	looks buslook.Looks
}

// New returns a publisher to the bus of that ARN,
// arn:aws:events:REGION:ACCOUNT:event-busv2/NAME/ID. Region and endpoint are those of
// the ARN, also of one that [relay.Options].Route sets; the region of cfg is not
// used. cfg brings credentials, HTTP client and retries: calls that fail as a whole
// are retried by the SDK's retryer, and the relay does not multiply that.
//
// What is wrong with the arguments is returned by Validate, and so by
// [relay.NewHandler].
func New(cfg aws.Config, busARN string, optFns ...func(*Options)) *Publisher {
	p := &Publisher{}
	for _, fn := range optFns {
		if fn != nil {
			fn(&p.opts)
		}
	}
	if p.opts.MaxEntries == 0 {
		p.opts.MaxEntries = maxEntries
	}
	if p.opts.MaxCallBytes == 0 {
		p.opts.MaxCallBytes = defaultCallBytes
	}
	if p.opts.Logger == nil {
		p.opts.Logger = slog.New(slog.DiscardHandler)
	}
	var errs []error
	fail := func(err error) { errs = append(errs, err) }
	var err error
	if p.bus, err = parseARN(busARN); err != nil {
		fail(err)
	}
	if isnil.Value(cfg.Credentials) {
		fail(errors.New("custombus: the aws.Config has no credentials"))
	}
	if n := p.opts.MaxEntries; n < 1 || n > maxEntries {
		fail(fmt.Errorf("custombus: Options.MaxEntries: %d is out of range, 1 to %d", n, maxEntries))
	}
	if n := p.opts.MaxCallBytes; n < minCallBytes {
		fail(fmt.Errorf("custombus: Options.MaxCallBytes: %d is too small, at least %d", n, minCallBytes))
	}
	endpoints, err := newEndpoints(cfg, p.opts.BaseEndpoint)
	if err != nil {
		fail(err)
	} else if p.bus.text != "" {
		if _, err := endpoints.of(p.bus); err != nil {
			fail(err)
		}
	}
	p.err = errors.Join(errs...)
	p.api = newClient(cfg, endpoints)
	return p
}

// Validate returns an error that names what is wrong with the arguments of [New],
// nil if nothing is.
func (p *Publisher) Validate() error { return p.err }

// Limits returns the limits of one PutEvents call.
func (p *Publisher) Limits() relay.Limits {
	return relay.Limits{Entries: p.opts.MaxEntries, Bytes: p.opts.MaxCallBytes}
}

// Size returns the size of an entry in bytes. AWS documents no formula for this
// bus. This is the one of classic EventBridge: 14 for the time, and the UTF-8 bytes
// of source, detail-type, Detail and each resource. The write side checks every
// event by it before the commit, so an event that was committed always fits a call.
// The ids are not counted.
func (p *Publisher) Size(e relay.Entry) int {
	return buslimits.EntrySize(!e.Time.IsZero(), e.Source, e.DetailType, len(e.Detail), e.Resources)
}

// Publish makes one PutEvents call and classes what comes back, per entry or for
// the call as a whole. FailedEntryCount is not looked at.
func (p *Publisher) Publish(ctx context.Context, entries []relay.Entry) ([]relay.Result, error) {
	bus, err := p.busOf(entries[0].Bus)
	if err != nil {
		return nil, &relay.CallError{Class: relay.ConfigFault, Code: codeInvalidBusARN, Err: err}
	}
	if err := p.lookForBus(ctx, bus); err != nil {
		return nil, err
	}
	answer, err := p.api.putEvents(ctx, bus, entries)
	if err != nil {
		return nil, classifyCall(err)
	}
	results := make([]relay.Result, len(answer))
	for i := range answer {
		results[i] = classifyEntry(answer[i])
	}
	return results, nil
}

// busOf returns the bus of an entry or a question, which is the publisher's own if
// it is empty.
func (p *Publisher) busOf(bus string) (busARN, error) {
	if p.err != nil {
		return busARN{}, p.err
	}
	if bus == "" || bus == p.bus.text {
		return p.bus, nil
	}
	return parseARN(bus)
}

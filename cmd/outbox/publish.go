package main

import (
	"log/slog"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/custombus"
)

// destination says which bus; one of the two is needed, so that nobody publishes
// to the relay's own bus by leaving something out.
type destination struct {
	ToSameBus bool   `group:"to" xor:"to" help:"Publish to the relay's own bus (--bus): every rule and every archive of it sees the events again."`
	ToBus     string `group:"to" xor:"to" placeholder:"BUS" help:"Publish to this bus: a name or an ARN."`
}

// to returns the bus, and what it is for a replay; the relay's own is given.
func (d destination) to(relays string) (bus string, to relay.Destination, err error) {
	switch {
	case d.ToSameBus:
		return relays, relay.ToSameBus(), nil
	case d.ToBus != "":
		return d.ToBus, relay.ToBus(d.ToBus), nil
	}
	return "", relay.Destination{}, usage("--to-same-bus or --to-bus is needed: where are the events to go?")
}

// text says it for people.
func (d destination) text(bus string) string {
	if d.ToSameBus {
		return "bus " + bus + ", the relay's own: every rule and every archive of it sees the events again"
	}
	return "bus " + bus
}

// handler returns what publishes to that bus. Nothing of it goes to the dead
// letters.
func (a *app) handler(cfg aws.Config, bus string, l envelope.Layout, told relay.Journal) (*relay.Handler, error) {
	// The warnings of a relay say that records come again: here they do not, and the
	// result has them.
	logger := slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	var p relay.Publisher
	if strings.Contains(bus, ":event-busv2/") {
		p = custombus.New(cfg, bus, func(o *custombus.Options) { o.Logger = logger })
	} else {
		p = relay.NewEventBridge(eventbridge.NewFromConfig(cfg), bus, func(o *relay.EventBridgeOptions) { o.Logger = logger })
	}
	h, err := relay.NewHandler(p, relay.Block, func(o *relay.Options) { o.Layout, o.Journal, o.Logger = l, told, logger })
	if err != nil {
		return nil, usageError{err}
	}
	return h, nil
}

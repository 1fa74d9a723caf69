package relay

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// Publish makes one PutEvents call and classes what comes back, per entry or
// for the call as a whole. FailedEntryCount is not looked at.
func (e *EventBridge) Publish(ctx context.Context, entries []Entry) ([]Result, error) {
	if err := e.lookForBus(ctx, entries[0].Bus); err != nil {
		return nil, err
	}
	out, err := e.put(ctx, entries)
	if err != nil {
		return nil, classifyCall(entries, err)
	}
	if out == nil {
		return nil, &CallError{Class: Transient, Code: "NoOutput"}
	}
	results := make([]Result, len(out.Entries))
	for i, r := range out.Entries {
		results[i] = classifyEntry(entries[min(i, len(entries)-1)], r)
	}
	return results, nil
}

// put makes one call: with a body of our own if the client is the SDK's.
func (e *EventBridge) put(ctx context.Context, entries []Entry) (*eventbridge.PutEventsOutput, error) {
	client, ok := e.client.(*eventbridge.Client)
	if ok && !e.ordinary.Load() {
		out, err := e.putBody(ctx, client, e.input(entries, false), entries)
		if !errors.Is(err, errNoSerializer) {
			return out, err
		}
		if !e.ordinary.Swap(true) {
			e.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "relay: this version of the SDK makes its requests in another way than expected; "+
				"events are published by its own serializer, which takes more CPU")
		}
	}
	return e.client.PutEvents(ctx, e.input(entries, true))
}

// request holds what the pointers of one request entry point to, so that a
// call needs one allocation for all of them.
type request struct {
	detail, source, detailType, bus, trace string
	time                                   time.Time
}

// input builds the request. The details, if they are wanted, are copied into one
// string: the SDK wants strings, and the bytes are only ours during the call.
func (e *EventBridge) input(entries []Entry, withDetails bool) *eventbridge.PutEventsInput {
	rest := ""
	if withDetails {
		size := 0
		for i := range entries {
			size += len(entries[i].Detail)
		}
		var details strings.Builder
		details.Grow(size)
		for i := range entries {
			details.Write(entries[i].Detail)
		}
		rest = details.String()
	}

	in := &eventbridge.PutEventsInput{Entries: make([]types.PutEventsRequestEntry, len(entries))}
	if e.opts.EndpointID != "" {
		in.EndpointId = &e.opts.EndpointID
	}
	slab := make([]request, len(entries))
	for i := range entries {
		from, to, r := &entries[i], &in.Entries[i], &slab[i]
		*r = request{"", from.Source, from.DetailType, from.Bus, from.TraceHeader, from.Time}
		if withDetails {
			r.detail, rest = rest[:len(from.Detail)], rest[len(from.Detail):]
			to.Detail = &r.detail
		}
		if r.bus == "" {
			r.bus = e.bus
		}
		to.Source, to.DetailType, to.EventBusName = &r.source, &r.detailType, &r.bus
		to.Resources = from.Resources
		if !r.time.IsZero() {
			to.Time = &r.time
		}
		if r.trace != "" {
			to.TraceHeader = &r.trace
		}
	}
	return in
}

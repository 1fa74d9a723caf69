package main

import (
	"context"
	"encoding/json"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/wirefault"
)

// naive does the same sign-ups without an outbox, for comparison: it saves the
// user, and then it tells the bus, with the SDK's own retries. It meets the same
// faults. What the bus has not heard by then, it will never hear.
type naive struct {
	db    *dynamodb.Client
	bus   *eventbridge.Client
	wire  *wirefault.Proxy
	table string
	name  string      // of the bus
	queue chan string // eventIds whose sign-ups are to be done here too

	die             atomic.Bool  // the next request ends between the two calls
	entries, answer atomic.Int64 // seen while their fault was on

	mu   sync.Mutex // guards over
	over map[string]bool
}

const (
	naiveSource  = "naiveUserService"
	naiveAtOnce  = 4
	naiveBacklog = 10_000 // a demo has far fewer; beyond, sign-ups are left out of the comparison
)

func newNaive(c *cloud, f *faults) (*naive, error) {
	n := &naive{
		db: c.db.DynamoDB(), table: c.naiveUsers, name: c.route.Bus,
		queue: make(chan string, naiveBacklog), over: map[string]bool{},
	}
	var err error
	n.wire, err = wirefault.NewProxy(c.moto.URL, func(call wirefault.Call) wirefault.Fault { return n.script(f, call) }, nil)
	if err != nil {
		return nil, err
	}
	n.bus = c.moto.EventBridge(func(o *eventbridge.Options) { o.BaseEndpoint = aws.String(n.wire.URL) })
	return n, nil
}

// script breaks the wire as faults.busWire does for the relay.
func (n *naive) script(f *faults, c wirefault.Call) wirefault.Fault {
	switch {
	case f.is(busDown):
		return wirefault.InternalFailure()
	case f.is(twice) && n.answer.Add(1)%2 == 1:
		return wirefault.LostAnswer()
	case f.is(refuse) && n.entries.Add(1)%5 == 0:
		return wirefault.FailEntries("InternalFailure", 0)
	}
	return wirefault.None()
}

// also does the sign-up of an event here, in the background.
func (n *naive) also(id string) {
	select {
	case n.queue <- id:
	default:
	}
}

// run does sign-ups until ctx ends.
func (n *naive) run(ctx context.Context) {
	var wg sync.WaitGroup
	for range naiveAtOnce {
		wg.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case id := <-n.queue:
					n.signUp(ctx, id)
				}
			}
		})
	}
	wg.Wait()
}

// signUp is what many services do: two calls, one after the other.
func (n *naive) signUp(ctx context.Context, id string) {
	defer func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.over[id] = true
	}()
	_, err := n.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &n.table, Item: map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: id},
	}})
	if err != nil || n.die.CompareAndSwap(true, false) {
		return // as if the process had ended here
	}
	detail, err := json.Marshal(map[string]any{"headers": map[string]string{"eventId": id}})
	if err != nil {
		return
	}
	// A careful service would look at each entry's result, and an error would
	// go to its client. But the user is saved, whatever it does now.
	_, _ = n.bus.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{{
		EventBusName: &n.name, Source: aws.String(naiveSource), DetailType: aws.String("User.Created"), Detail: aws.String(string(detail)),
	}}})
}

// done returns the sign-ups whose request is over.
func (n *naive) done() map[string]bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.over)
}

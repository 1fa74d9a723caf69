package relaytest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/buslimits"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// Bus plays EventBridge for relay.NewEventBridge instead of the SDK's client.
// It holds what PutEvents is documented to refuse
// (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html)
// and keeps what it accepts.
//
// The zero value accepts all else, on every bus. It is safe for concurrent use
// once its fields are set.
type Bus struct {
	// Script decides about each call, which are counted from 0; entries are
	// those of the call. It may wait, and look into the Bus. It is called by
	// several goroutines at once if the relay makes several calls at once. Zero
	// means that everything is done as it should be. See [Answers],
	// [RefuseEvents] and [RefuseShare]; a Script of your own may call several of
	// them and put their Codes together.
	Script func(call int, entries []Entry) Answer

	// Buses are the names of the buses that there are. Zero means every one that
	// is asked for.
	Buses []string

	// AbsentSucceeds has PutEvents to a bus that is not one of Buses answer
	// success and drop the events, which EventBridge has been seen to do
	// (https://github.com/aws/aws-sdk/issues/186). Zero means a
	// ResourceNotFoundException, for the call as a whole.
	AbsentSucceeds bool

	mu       sync.Mutex // guards what follows
	calls    [][]Entry
	accepted []Entry
	ids      int
}

var (
	_ relay.PutEventsAPIClient        = (*Bus)(nil)
	_ relay.DescribeEventBusAPIClient = (*Bus)(nil)
)

// Entry is an entry of a PutEvents call.
type Entry struct {
	ID      string // the bus's own id of the event, "" unless it was accepted
	EventID string // headers.eventId of the Detail, "" if it has none

	Bus, Source, DetailType, TraceHeader string
	Detail                               json.RawMessage
	Resources                            []string
	Time                                 time.Time // the time of the call if the entry has none
}

// Entries returns what the bus has accepted, in the order in which it did. An
// entry whose answer was lost is one of them, and so is a duplicate.
func (b *Bus) Entries() []Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.accepted)
}

// Calls returns the entries of each PutEvents call, also of those that failed.
func (b *Bus) Calls() [][]Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.calls)
}

// PutEvents does what EventBridge's does, unless the Script says otherwise.
func (b *Bus) PutEvents(ctx context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	entries, size := read(in)
	b.mu.Lock()
	call := len(b.calls)
	b.calls = append(b.calls, entries)
	b.mu.Unlock()
	var a Answer
	if b.Script != nil {
		a = b.Script(call, slices.Clone(entries))
	}
	out, err := b.answer(entries, size, a)
	if waited := wait(ctx, a.Delay); waited != nil {
		return nil, waited // what was accepted stays accepted
	}
	switch {
	case a.Panic != nil:
		panic(a.Panic)
	case err != nil:
		return nil, err
	case a.Lost:
		return nil, fmt.Errorf("relaytest: the connection was cut before the answer: %w", io.ErrUnexpectedEOF)
	}
	out.Entries = out.Entries[:max(0, len(out.Entries)-a.Short)]
	return out, nil
}

// answer is what the bus does with a call.
func (b *Bus) answer(entries []Entry, size int, a Answer) (*eventbridge.PutEventsOutput, error) {
	if a.Err != nil {
		return nil, a.Err
	}
	if err := refusedCall(entries, size); err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !b.exists(e.Bus) && !b.AbsentSucceeds {
			return nil, absent(e.Bus)
		}
	}
	out := &eventbridge.PutEventsOutput{Entries: make([]types.PutEventsResultEntry, len(entries))}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, e := range entries {
		code := cmp.Or(refusedEntry(e), a.Codes[i])
		if code != "" {
			message := "refused by relaytest.Bus: " + code
			out.FailedEntryCount++
			out.Entries[i] = types.PutEventsResultEntry{ErrorCode: &code, ErrorMessage: &message}
			continue
		}
		b.ids++
		e.ID = fmt.Sprintf("00000000-0000-4000-8000-%012x", b.ids) // a UUID, as EventBridge gives one to each entry
		out.Entries[i].EventId = &e.ID
		if b.exists(e.Bus) {
			b.accepted = append(b.accepted, e)
		}
	}
	return out, nil
}

// DescribeEventBus answers whether a bus is one of Buses.
func (b *Bus) DescribeEventBus(ctx context.Context, in *eventbridge.DescribeEventBusInput, _ ...func(*eventbridge.Options)) (*eventbridge.DescribeEventBusOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	name := cmp.Or(aws.ToString(in.Name), "default")
	if !b.exists(name) {
		return nil, absent(name)
	}
	return &eventbridge.DescribeEventBusOutput{Name: &name}, nil
}

// exists reports whether there is a bus of that name or ARN.
func (b *Bus) exists(bus string) bool {
	return len(b.Buses) == 0 || slices.ContainsFunc(b.Buses, func(name string) bool {
		return bus == name || strings.HasSuffix(bus, ":event-bus/"+name)
	})
}

func absent(bus string) error {
	message := fmt.Sprintf("Event bus %s does not exist.", bus)
	return &types.ResourceNotFoundException{Message: &message}
}

// Where everything of this package is.
const (
	account = "123456789012"
	region  = "eu-west-1"
)

// read copies the entries of a call, and returns what they count for together.
func read(in *eventbridge.PutEventsInput) (out []Entry, size int) {
	out = make([]Entry, len(in.Entries))
	for i, e := range in.Entries {
		size += buslimits.EntrySize(e.Time != nil, aws.ToString(e.Source), aws.ToString(e.DetailType), len(aws.ToString(e.Detail)), e.Resources)
		out[i] = Entry{
			Bus: cmp.Or(aws.ToString(e.EventBusName), "default"), Source: aws.ToString(e.Source), DetailType: aws.ToString(e.DetailType),
			TraceHeader: aws.ToString(e.TraceHeader), Resources: slices.Clone(e.Resources), Time: time.Now().UTC(),
			Detail: json.RawMessage(aws.ToString(e.Detail)),
		}
		if e.Time != nil {
			out[i].Time = e.Time.UTC()
		}
		var detail struct {
			Headers struct {
				EventID string `json:"eventId"`
			} `json:"headers"`
		}
		if json.Unmarshal(out[i].Detail, &detail) == nil {
			out[i].EventID = detail.Headers.EventID
		}
	}
	return out, size
}

// wait waits, or until ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

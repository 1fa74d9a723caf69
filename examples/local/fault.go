package main

import (
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/wirefault"
)

// fault is one of the things that people fear.
type fault string

// The faults. Switches stay on until they are switched off; the others happen
// once, at the next chance.
const (
	refuse    fault = "refuse"     // switch: the bus refuses every fifth entry
	busDown   fault = "bus-down"   // switch: no call to the bus gets through
	twice     fault = "twice"      // switch: the bus's answers get lost, and the queue delivers again
	killRelay fault = "kill-relay" // once: the relay dies when the bus has taken a batch
	crash     fault = "crash"      // once: the consumer dies at its work
	poison    fault = "poison"     // once, and at once: rubbish in the event store
)

func allFaults() []fault { return []fault{refuse, busDown, killRelay, twice, poison, crash} }

// faults says which faults are on, and breaks the wires accordingly. It is safe
// for concurrent use.
type faults struct {
	bell     *bell // rings when a fault is switched, as it does for much else
	switched *bell // rings only then

	mu sync.Mutex // guards on
	on map[fault]bool

	entries, answers, deletes atomic.Int64 // seen while their fault was on

	notes *notes
	kill  func(fault) // ends the process that killRelay or crash is about
}

func newFaults(b *bell, n *notes, kill func(fault)) *faults {
	return &faults{bell: b, switched: newBell(), on: map[fault]bool{}, notes: n, kill: kill}
}

// set switches a fault and reports whether that was a change.
func (f *faults) set(name fault, on bool) bool {
	f.mu.Lock()
	was := f.on[name]
	f.on[name] = on
	f.mu.Unlock()
	if was != on {
		f.switched.ring()
		f.bell.ring()
	}
	return was != on
}

func (f *faults) is(name fault) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.on[name]
}

func (f *faults) all() map[fault]bool {
	all := map[fault]bool{}
	for _, name := range allFaults() {
		all[name] = f.is(name)
	}
	return all
}

// strike does what killRelay or crash are armed for; false if they are not.
func (f *faults) strike(name fault) bool {
	if !f.set(name, false) {
		return false
	}
	f.kill(name)
	return true
}

// busWire is the wire between the relay and the bus.
func (f *faults) busWire(c wirefault.Call) wirefault.Fault {
	if c.Operation != wirefault.PutEvents {
		return wirefault.None()
	}
	switch {
	case f.is(busDown):
		return wirefault.InternalFailure()
	case f.is(twice) && f.answers.Add(1)%2 == 1:
		f.notes.fault("The bus takes %s and its answer gets lost. The relay cannot know, and sends again.", count(len(c.EventIDs), "event"))
		return wirefault.LostAnswer()
	case f.is(refuse):
		var refused []int
		for i := range c.EventIDs {
			if f.entries.Add(1)%5 == 0 {
				refused = append(refused, i)
			}
		}
		if len(refused) > 0 {
			f.notes.fault("The bus refuses %d of %s. The relay sends only these again.", len(refused), count(len(c.EventIDs), "event"))
			return wirefault.FailEntries("InternalFailure", refused...)
		}
	}
	return wirefault.None()
}

// queueWire is the wire between the queue and its poller. A refused delete
// leaves the message in the queue, and after a while it comes again. The code is
// one that the SDK does not retry.
func (f *faults) queueWire(c wirefault.Call) wirefault.Fault {
	isDelete := c.Operation == "DeleteMessage" || c.Operation == "DeleteMessageBatch"
	if isDelete && f.is(twice) && f.deletes.Add(1)%2 == 1 {
		f.notes.fault("The queue does not hear that messages are done, and will deliver them again.")
		return wirefault.Fault{Status: http.StatusBadRequest, Code: "InvalidRequest", Message: "injected"}
	}
	return wirefault.None()
}

// consumerWire is the wire between the messaging service and DynamoDB.
func (f *faults) consumerWire(c wirefault.Call) wirefault.Fault {
	if c.Operation == wirefault.TransactWriteItems && f.strike(crash) {
		f.notes.fault("The messaging service died: the e-mail is out, and neither work nor receipt are committed. The queue will deliver the message again.")
		return wirefault.LostRequest()
	}
	return wirefault.None()
}

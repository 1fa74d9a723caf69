package delivery

// Class is what the bus said about an entry. The zero Class is [Transient].
type Class uint8

const (
	// Transient: not published, and trying again may help.
	Transient Class = iota
	// Accepted: the bus has it.
	Accepted
	// EventFault: refused for its content.
	EventFault
	// ConfigFault: refused for a reason that is not in the event.
	ConfigFault
)

// Event is what has to be known about an event before it is sent.
type Event struct {
	// Size counts against Policy.Bytes.
	Size int

	// Bus is where it goes. A call holds events of one bus.
	Bus string

	// Group is what order is kept within; "" means no order.
	Group string

	// State is where it begins: Ready, Dead if it can never be published, or
	// Failed if it is held before it is sent.
	State State

	// Expiring says that the stream is about to forget it. If the bus refuses
	// its content, it is Dead without more evidence.
	Expiring bool

	// Aged says that it has had its time: if it still fails by itself, and its
	// bus has accepted another one meanwhile, it is Dead.
	Aged bool

	// Turn is what [Batch.Turn] returned at its last delivery, 0 if there was
	// none. An event with a Turn goes alone, and behind those with a lower one.
	Turn int

	// FailedAt is what [Batch.FailedAt] returned at its last delivery, 0 if
	// there was none.
	FailedAt uint64
}

// State of an event.
type State uint8

const (
	// Ready: it may be sent, or sent again.
	Ready State = iota
	// Flying: it is in a call.
	Flying
	// Undecided: it was refused, and the next answer of its bus decides.
	Undecided
	// Dead: it is to be put into the dead letters.
	Dead
	// Burying: the sink has been asked to take it.
	Burying
	// Failed: it has to come again.
	Failed
	// Published: the bus has it.
	Published
	// Buried: the sink has it.
	Buried
)

// Done reports whether the event need not come again.
func (s State) Done() bool { return s >= Published }

// Policy of a batch.
type Policy struct {
	// Entries and Bytes limit a call. An event larger than Bytes goes alone.
	Entries, Bytes int

	// Attempts is how often an event may fail by itself.
	Attempts int

	// Isolate is for what is published again by hand: a failed event holds up
	// its own group only, and nothing that was sent becomes Dead.
	Isolate bool
}

// wholeAttempts is how often an event may be part of a call that fails as a
// whole. The publisher has retried each of them already.
const wholeAttempts = 2

// Answer is the answer to a call.
type Answer struct {
	// Results has one result for each event of the call, in its order.
	Results []Result

	// Whole says that the call failed as a whole. All results have its class.
	Whole bool

	// Spent says that the publisher has repeated the call often enough.
	Spent bool
}

// Result is the answer for one event.
type Result struct {
	Class Class

	// Explained, of an EventFault: the event as it was committed breaks a rule
	// of the bus that is known. That is evidence enough.
	Explained bool

	// Vague, of a Transient: the fault says nothing of this event. It is
	// throttling, or an answer that could not be read.
	Vague bool
}

package main

// facts are what the real parts say: read from the engines and from the wire,
// never counted up by the services that are under test. Events go by their ids.
type facts struct {
	committed map[string]bool // items of the event store
	accepted  map[string]int  // how often the bus has accepted each, by the wire
	dead      map[string]bool // in the relay's dead-letter table
	passed    map[string]bool // the stream's poller is past them: they never come again
	wanted    map[string]bool // accepted by the bus, and a rule sends them to the consumer
	receipts  map[string]bool // the consumer's work is committed
	parked    map[string]bool // in the queue's dead-letter queue
	mails     map[string]int  // e-mails at the mail server, by address

	// The same sign-ups without an outbox: saved in the table, on the bus, and
	// those whose request is over.
	naiveSaved, naiveOver map[string]bool
	naiveTold             map[string]int
}

// ledger is what becomes of the events. Each committed event is in exactly one
// of Published, Waiting, DeadLettered and Lost.
type ledger struct {
	Committed    int `json:"committed"`
	Published    int `json:"published"`
	Waiting      int `json:"waiting"`
	DeadLettered int `json:"deadLettered"`
	Lost         int `json:"lost"`       // the stream is past it and nobody has it
	Phantom      int `json:"phantom"`    // on the bus and never committed
	Duplicates   int `json:"duplicates"` // more often on the bus than once, in all

	Wanted    int `json:"wanted"`    // events that the consumer asked for
	Delivered int `json:"delivered"` // of these, done: there is a receipt
	Parked    int `json:"parked"`    // of these, in the dead-letter queue
	Underway  int `json:"underway"`  // of these, neither yet

	Mails     int `json:"mails"`     // e-mails that were sent
	MailTwice int `json:"mailTwice"` // of these, more than the first to one address

	NaiveSaved int `json:"naiveSaved"` // users saved without an outbox
	NaiveLost  int `json:"naiveLost"`  // of these, the bus has never heard of
}

// balance strikes the balance of the facts.
func balance(f facts) ledger {
	l := ledger{Committed: len(f.committed), Wanted: len(f.wanted)}
	for id := range f.committed {
		switch {
		case f.accepted[id] > 0:
			l.Published++
		case f.dead[id]:
			l.DeadLettered++
		case f.passed[id]:
			l.Lost++
		default:
			l.Waiting++
		}
	}
	for id, times := range f.accepted {
		l.Duplicates += times - 1
		if !f.committed[id] {
			l.Phantom++
		}
	}
	for id := range f.wanted {
		switch {
		case f.receipts[id]:
			l.Delivered++
		case f.parked[id]:
			l.Parked++
		default:
			l.Underway++
		}
	}
	for _, times := range f.mails {
		l.Mails += times
		l.MailTwice += times - 1
	}
	for id := range f.naiveSaved {
		l.NaiveSaved++
		if f.naiveOver[id] && f.naiveTold[id] == 0 {
			l.NaiveLost++
		}
	}
	return l
}

// sound reports that nothing is lost and nothing invented.
func (l ledger) sound() bool { return l.Lost == 0 && l.Phantom == 0 }

// settled reports that nothing is on its way any more, neither to the bus nor to
// the consumer.
func (l ledger) settled() bool { return l.Waiting == 0 && l.Underway == 0 }

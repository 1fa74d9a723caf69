package relay

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/isnil"
)

// ReplayOptions of [Replay]. To is required.
type ReplayOptions struct {
	// To is where the events go: [ToBus] or [ToSameBus].
	To Destination

	// Names, Sources and Aggregates restrict the replay to events with one of
	// these headers.eventName, headers.source and headers.aggregateId. Each of
	// them that is set has to be met; zero means all. A record whose header
	// cannot be read is not left out.
	Names, Sources, Aggregates []string

	// MissingFrom leaves out every event that the journal has, for whatever
	// bus, also as dead-lettered: those are for a redrive. So what is published is
	// what neither the bus nor the dead letters have. One whose dead letter was
	// discarded, or has expired, stays left out. The journal must be that of one
	// relay only; an eventId that was used again later counts as the later event.
	//
	// An event of time t is looked for from t less [ClockSkew] on, up to the
	// beginning of the replay; what the relay has accepted since then is published
	// twice. The ids are held as 16 bytes each, about 20 MB for a million. Zero
	// means no journal: everything is published.
	MissingFrom JournalReader

	// Rate is the most events that are sent in a second, averaged; no more than
	// those of a second are sent at once. Zero means no limit. What the source
	// reads is not limited by it; see the options of the source.
	Rate float64

	// Mark, if it is set, is put into each event as headers.replay, in the
	// place of one that is there, so that rules and consumers can tell what is
	// published again. It is the one place where a Detail is not what was
	// committed. It counts for the size, so an event that has just enough room
	// may be too large with it. 1 to 128 characters.
	Mark string

	// DryRun reads, decides and counts, and sends nothing. Published then
	// counts what would be sent: every event that breaks no known rule of the
	// bus. Rate does not count. A dry run has cursors of its own.
	DryRun bool

	// Cursor is where to go on: one that an earlier replay of the same question
	// gave, to the same bus, with the same filters and the same Mark. Zero means
	// from the beginning.
	Cursor []byte

	// Progress is called after each page, by the goroutine that called Replay.
	// An error ends the replay there, and is in the error that Replay returns:
	// that is how to stop at a page's end, or when the cursor cannot be stored.
	// Zero means none.
	Progress func(ReplayProgress) error
}

// ReplayProgress is what is known after a page.
type ReplayProgress struct {
	// ReplayReport has the sums so far. Its Cursor is the one to store.
	ReplayReport

	// Page has what became of each record of the page.
	Page []Republished
}

// Destination says where a replay publishes to. The zero Destination is none.
type Destination struct {
	bus  string
	same bool
}

// ToBus is the bus of that name or ARN, whatever [Options].Route says. The
// journal is not told of what it accepts.
func ToBus(name string) Destination { return Destination{bus: name} }

// ToSameBus is where the relay itself publishes the events: the publisher's own
// bus, or the one that [Options].Route gives. Every rule of it matches again.
func ToSameBus() Destination { return Destination{same: true} }

func (d Destination) String() string {
	switch {
	case d.same:
		return "the same bus"
	case d.bus != "":
		return "bus " + d.bus
	default:
		return "nowhere"
	}
}

func replayOptions(s Source, h *Handler, optFns []func(*ReplayOptions)) (ReplayOptions, error) {
	var o ReplayOptions
	for _, fn := range optFns {
		if fn != nil {
			fn(&o)
		}
	}
	var errs []error
	if h == nil {
		errs = append(errs, errors.New("relay: replay: handler is nil"))
	}
	if isnil.Value(s) {
		errs = append(errs, errors.New("relay: replay: source is nil"))
	} else if v, ok := s.(Validator); ok {
		errs = append(errs, v.Validate())
	}
	if o.To == (Destination{}) {
		errs = append(errs, errors.New("relay: ReplayOptions.To is required: ToBus with a name, or ToSameBus"))
	}
	if o.MissingFrom != nil && isnil.Value(o.MissingFrom) {
		errs = append(errs, fmt.Errorf("relay: ReplayOptions.MissingFrom: a nil %T; leave it out for no journal", o.MissingFrom))
	}
	if math.IsNaN(o.Rate) || math.IsInf(o.Rate, 0) || o.Rate < 0 {
		errs = append(errs, fmt.Errorf("relay: ReplayOptions.Rate: %v is out of range; zero means no limit", o.Rate))
	}
	if n := utf8.RuneCountInString(o.Mark); n > 128 || !utf8.ValidString(o.Mark) {
		errs = append(errs, errors.New("relay: ReplayOptions.Mark: at most 128 characters of UTF-8"))
	}
	return o, errors.Join(errs...)
}

// republisher returns the one that publishes as the options want it.
func (o *ReplayOptions) republisher(h *Handler) *Republisher {
	p := h.Republisher(o.DryRun)
	p.mode.bus, p.mode.journal = o.To.bus, p.mode.journal && o.To.same
	if o.Mark != "" {
		p.mode.mark, _ = json.Marshal(o.Mark)
	}
	return p
}

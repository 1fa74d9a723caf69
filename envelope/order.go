package envelope

import "fmt"

// Order says how an event's sequence stands to the last one that was seen of
// its aggregate.
type Order uint8

// The orders that a consumer can meet.
const (
	Unsequenced Order = iota // the event has no sequence
	InOrder                  // the next one
	Gap                      // one or more are missing, so far
	Duplicate                // the last one again
	Old                      // one before the last: late, or again
)

func (o Order) String() string {
	names := [...]string{"unsequenced", "in order", "gap", "duplicate", "old"}
	if int(o) < len(names) {
		return names[o]
	}
	return fmt.Sprintf("order(%d)", uint8(o))
}

// OrderAfter returns the order of an event after one of the same aggregate with
// the sequence last; last is 0 when none was seen. It is for a consumer that
// keeps last beside the state that the events change, in one transaction.
func OrderAfter(last int64, h Headers) Order {
	switch next := h.Sequence; {
	case next == 0:
		return Unsequenced
	case next == last+1:
		return InOrder
	case next > last:
		return Gap
	case next == last:
		return Duplicate
	default:
		return Old
	}
}

// GapDetector keeps the highest sequence of each aggregate that it has seen, in
// memory. The zero value is ready. It grows with the number of aggregates and
// is not safe for concurrent use.
type GapDetector struct {
	last map[string]int64
}

// Observe returns the event's order, and keeps its sequence if it is the highest
// so far. After a gap, the missing events count as old when they come.
func (d *GapDetector) Observe(h Headers) Order {
	order := OrderAfter(d.last[h.AggregateID], h)
	if order == InOrder || order == Gap {
		if d.last == nil {
			d.last = map[string]int64{}
		}
		d.last[h.AggregateID] = h.Sequence
	}
	return order
}

package relay

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/packing"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// admit sorts the records: which are skipped, which are dead letters, which are
// events to send. Behind a record that fails here, no event is admitted, for
// the stream brings everything behind it again; with mode.goOn, none of its group.
func (r *run) admit(ctx context.Context) {
	now := time.Now()
	stopped := false
	var held map[string]bool // with mode.goOn: the groups of events that failed here
	for i := range r.records {
		rec := &r.records[i]
		switch rec.Kind {
		case streamrecord.Modify:
			r.skip(i, &r.m.SkippedModify)
		case streamrecord.Remove:
			r.skip(i, &r.m.SkippedRemove)
		case streamrecord.ServiceRemove:
			r.skip(i, &r.m.SkippedService)
		case streamrecord.NotEvent:
			r.skip(i, &r.m.SkippedNotEvent)
		case streamrecord.Event, streamrecord.Undecodable:
			if want := r.h.opts.Region; want != "" && rec.Region != "" && rec.Region != want {
				r.skip(i, &r.m.SkippedRegion)
				continue
			}
			r.measure(age(rec, now))
			group := r.groupOf(rec.AggregateID)
			if stopped || held[group] {
				continue
			}
			ok := false
			if rec.Kind == streamrecord.Event {
				ok = r.admitEvent(ctx, i)
			} else {
				ok = r.admitUndecodable(ctx, i)
			}
			stopped = !ok && !r.mode.goOn
			if !ok && r.mode.goOn && group != "" {
				if held == nil {
					held = make(map[string]bool)
				}
				held[group] = true
			}
		default:
			r.fail(i, ConfigFault, "UnknownKind")
			stopped = !r.mode.goOn
		}
	}
}

func (r *run) skip(i int, count *int) {
	r.outcomes[i] = skipped
	*count++
}

func (r *run) measure(age time.Duration) {
	if age == 0 {
		return
	}
	age = max(age, 1) // where the stream's clock is ahead of ours
	r.m.Oldest = max(r.m.Oldest, age)
	if r.m.Newest == 0 || age < r.m.Newest {
		r.m.Newest = age
	}
}

// deadDestination is the destination by which a record that could not be read
// is remembered. It is no bus name.
const deadDestination = "\x00dead letters"

// admitUndecodable puts a record that cannot be read into the dead letters. It
// reports whether the record is done.
func (r *run) admitUndecodable(ctx context.Context, i int) bool {
	rec := &r.records[i]
	id := r.identity(i, deadDestination)
	id.eventID = string(rec.Raw) // the event id may be what cannot be read
	if r.mode.mem.has(id) {
		r.outcomes[i] = suppressed
		r.m.Suppressed++
		return true
	}
	fault := streamrecord.Fault{Code: streamrecord.BadRecord, Message: "the record cannot be read"}
	if rec.Fault != nil {
		fault = *rec.Fault
	}
	if !r.deadLetter(ctx, i, "", fault.Code, fault.Message, 0) {
		return false
	}
	r.mode.mem.add(id)
	return true
}

// admitEvent makes the entry of an event. It reports whether the record is done
// or will be sent.
func (r *run) admitEvent(ctx context.Context, i int) (ok bool) {
	defer func() {
		if p := recover(); p != nil { // Options.Route, or the publisher's Size
			r.h.logPanic(ctx, "routing an event", r.records[i].EventID, p)
			r.fail(i, ConfigFault, "Panic")
			ok = false
		}
	}()
	rec := &r.records[i]
	plain := plainEntry(rec)
	entry, err := r.h.route(plain)
	if r.mode.mem.has(r.identity(i, entry.Bus)) {
		r.outcomes[i] = suppressed
		r.m.Suppressed++
		return true
	}
	switch {
	case errors.Is(err, ErrDeadLetter):
		return r.deadEvent(ctx, i, entry.Bus, "Routed", err.Error(), 0)
	case err != nil:
		r.h.opts.Logger.LogAttrs(ctx, slog.LevelError, "relay: Options.Route returned an error; the event is held",
			slog.String("eventId", clip(rec.EventID)))
		r.fail(i, ConfigFault, "RouteError")
		return false
	case entry.Source == "" || entry.DetailType == "":
		r.fail(i, ConfigFault, "RouteIncomplete")
		return false
	}
	if entry.Bus != "" {
		if err := r.busCheck(ctx, entry.Bus); err != nil {
			r.fail(i, ConfigFault, "NoSuchBus")
			return false
		}
	}
	size := r.h.publisher.Size(entry)
	if size > r.limits.Bytes {
		if r.h.publisher.Size(plain) <= r.limits.Bytes {
			r.fail(i, ConfigFault, "RouteTooLarge")
			return false
		}
		return r.deadEvent(ctx, i, entry.Bus, "TooLarge", tooLarge(size, r.limits.Bytes), 0)
	}
	r.items = append(r.items, item{record: i})
	r.entries = append(r.entries, entry)
	r.packed = append(r.packed, packing.Item{
		Size: size, Lane: r.lane(entry.Bus), Group: r.groupOf(entry.Group), Alone: r.h.apart.has(r.identity(i, entry.Bus)),
	})
	return true
}

// plainEntry returns the entry of an event as its headers have it.
func plainEntry(rec *streamrecord.Record) Entry {
	return Entry{
		EventID:     rec.EventID,
		Group:       rec.AggregateID,
		Source:      rec.Source,
		DetailType:  rec.EventName,
		TraceHeader: xrayHeader(rec.TraceParent),
		Time:        time.UnixMilli(rec.Timestamp).UTC(),
		Detail:      slices.Clip(rec.Detail),
	}
}

// route returns the entry as [Options].Route wants it.
func (h *Handler) route(plain Entry) (Entry, error) {
	if h.opts.Route == nil {
		return plain, nil
	}
	e := plain
	err := h.opts.Route(&e)
	e.EventID, e.Group, e.Time, e.Detail = plain.EventID, plain.Group, plain.Time, plain.Detail
	return e, err
}

// groupOf returns what the order of an aggregate's events is kept within, "" for
// none.
func (r *run) groupOf(aggregate string) string {
	if r.h.opts.Layout.Ordered {
		return aggregate
	}
	return ""
}

// lane returns the number of a bus: calls hold entries of one bus only, so that
// a bus that refuses a call refuses its own.
func (r *run) lane(bus string) int {
	if n, ok := r.lanes[bus]; ok {
		return n
	}
	if r.lanes == nil {
		r.lanes = make(map[string]int)
	}
	n := len(r.lanes)
	r.lanes[bus] = n
	return n
}

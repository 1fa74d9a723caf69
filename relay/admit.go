package relay

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/delivery"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// lastResort is the age on the stream at which an event that the bus refuses as
// invalid goes to the dead letters even though the configuration may be to
// blame: the stream is about to forget it, at 24 h.
const lastResort = 20 * time.Hour

// admit sorts the records: which are skipped, which are done already, and which
// are events, each with the state in which it begins.
func (r *run) admit(ctx context.Context, now time.Time) {
	layout := r.layoutFault()
	for _, i := range r.sendingOrder() {
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
		default:
			if want := r.h.opts.Region; want != "" && rec.Region != "" && rec.Region != want {
				r.skip(i, &r.m.SkippedRegion)
				continue
			}
			if r.mode.keep != nil && !r.mode.keep(rec) {
				r.outcomes[i] = filtered
				continue
			}
			age := r.age(rec, now)
			entry, state, why := r.prepare(ctx, rec, layout)
			if r.remembered(rec, entry.Bus) {
				r.outcomes[i] = suppressed
				r.m.Suppressed++
				continue
			}
			r.add(i, entry, state, why, age)
		}
	}
}

func (r *run) skip(i int, count *int) {
	r.outcomes[i] = skipped
	*count++
}

// age returns how long the record has been on the stream, 0 if that is not
// known. The event's own time says nothing of it: what is published again may
// be old.
func (r *run) age(rec *streamrecord.Record, now time.Time) time.Duration {
	if rec.CreatedAt.IsZero() {
		return 0
	}
	age := max(now.Sub(rec.CreatedAt), 1) // where the stream's clock is ahead of ours
	r.m.Oldest = max(r.m.Oldest, age)
	if r.m.Newest == 0 || age < r.m.Newest {
		r.m.Newest = age
	}
	return age
}

// remembered reports whether this process has seen the record done.
func (r *run) remembered(rec *streamrecord.Record, bus string) bool {
	if r.mode.replay || r.h.done.empty() {
		return false
	}
	k, ok := identityOf(rec, bus).key()
	if ok {
		_, ok = r.h.done.get(k)
	}
	return ok
}

// add hands an event over to the core.
func (r *run) add(i int, entry Entry, state delivery.State, why Result, age time.Duration) {
	rec := &r.records[i]
	e := delivery.Event{Size: r.size(entry, state), Bus: entry.Bus, State: state}
	if r.h.opts.Layout.Ordered {
		e.Group = rec.AggregateID
		r.noteOrder(rec)
		if _, held := r.mode.held[e.Group]; held && e.Group != "" {
			e.State, why = delivery.Failed, Result{Code: CodeHeld}
		}
	}
	if !r.mode.replay {
		e.Expiring = !r.again && age >= lastResort
		e.Aged = !r.again && r.h.opts.MaxAge > 0 && age > r.h.opts.MaxAge
		if !r.h.failures.empty() { // nearly always it is, and no key is wanted
			k, _ := identityOf(rec, entry.Bus).key()
			f, _ := r.h.failures.get(k)
			e.Turn, e.FailedAt = f.turn, f.failedAt
		}
	}
	r.events, r.entries, r.of = append(r.events, e), append(r.entries, entry), append(r.of, i)
	r.last, r.refused = append(r.last, attempt{Result: why}), append(r.refused, false)
}

func (r *run) size(entry Entry, state delivery.State) int {
	if state != delivery.Ready {
		return 0
	}
	return r.mode.publisher.Size(entry)
}

// prepare makes the entry of an event and says in which state it begins: Ready,
// Dead if it can never be published, or Failed if the configuration holds it.
// For the latter two, why says the reason.
func (r *run) prepare(ctx context.Context, rec *streamrecord.Record, layout *Result) (entry Entry, state delivery.State, why Result) {
	defer func() {
		if v := recover(); v != nil { // Options.Route, or the publisher's Size or Explain
			r.h.logPanic(ctx, "routing an event", rec.EventID, v)
			state, why = delivery.Failed, Result{Class: ConfigFault, Code: codePanic}
		}
	}()
	held := func(code string) (Entry, delivery.State, Result) {
		return entry, delivery.Failed, Result{Class: ConfigFault, Code: code}
	}
	if rec.Kind != streamrecord.Event {
		if layout != nil {
			return entry, delivery.Failed, *layout
		}
		return r.undecodable(rec)
	}
	plain := plainEntry(rec)
	if r.mode.mark != nil {
		plain.Detail = marked(plain.Detail, r.mode.mark)
	}
	entry, err := r.h.route(plain)
	if r.mode.bus != "" {
		entry.Bus = r.mode.bus
	}
	switch {
	case errors.Is(err, ErrDeadLetter):
		return r.dead(entry, Result{Class: EventFault, Code: codeRouted, Message: err.Error()})
	case err != nil:
		r.h.opts.Logger.LogAttrs(ctx, slog.LevelError, "relay: Options.Route returned an error; the event is held",
			slog.String("eventId", clip(rec.EventID)))
		return held(codeRouteError)
	case entry.Source == "" || entry.DetailType == "":
		return held(codeRouteIncomplete)
	case r.h.opts.Route != nil && r.routeBroke(plain, entry) != "":
		r.h.opts.Logger.LogAttrs(ctx, slog.LevelError, "relay: Options.Route has broken a rule of the bus; the event is held",
			slog.String("eventId", clip(rec.EventID)), slog.String("rule", r.routeBroke(plain, entry)))
		return held(codeRouteInvalid)
	}
	if limit := r.h.limits.Bytes; r.mode.publisher.Size(entry) > limit {
		if r.mode.publisher.Size(plain) <= limit {
			return held(codeRouteTooLarge)
		}
		return r.dead(entry, Result{Class: EventFault, Code: codeTooLarge, Message: tooLarge(r.mode.publisher.Size(entry), limit)})
	}
	return entry, delivery.Ready, Result{}
}

// dead is what prepare returns of an event that can never be published. A replay
// has no dead letters: there, it has failed.
func (r *run) dead(entry Entry, why Result) (Entry, delivery.State, Result) {
	if r.mode.replay {
		return entry, delivery.Failed, why
	}
	return entry, delivery.Dead, why
}

func (r *run) undecodable(rec *streamrecord.Record) (Entry, delivery.State, Result) {
	why := Result{Class: EventFault, Code: streamrecord.BadRecord, Message: "the record cannot be read"}
	if rec.Fault != nil {
		why.Code, why.Message = rec.Fault.Code, rec.Fault.Message
	}
	return r.dead(Entry{}, why)
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

// routeBroke says which known rule of the bus Route has broken that the event as
// committed keeps, "" if none. Route cannot change the Detail, so it is left out.
func (r *run) routeBroke(plain, routed Entry) string {
	x, ok := r.mode.publisher.(Explainer)
	if !ok {
		return ""
	}
	plain.Detail, routed.Detail = nil, nil
	rule := x.Explain(routed)
	if rule == x.Explain(plain) { // also if both keep the rules
		return ""
	}
	return rule
}

// layoutFault returns the fault of a batch that looks as if the relay had
// another Layout than the writer, nil if it does not: several new items, none of
// which has the event attribute, in a process that has read no event yet. They
// are held: such a deploy must not empty the table into the dead letters.
func (r *run) layoutFault() *Result {
	missing := 0
	for i := range r.records {
		switch rec := &r.records[i]; {
		case rec.Kind == streamrecord.Event:
			r.h.readEvent.Store(true)
			return nil
		case rec.Kind != streamrecord.Undecodable:
		case rec.Fault != nil && rec.Fault.Code == streamrecord.MissingEvent:
			missing++
		default:
			return nil
		}
	}
	if missing < 2 || r.h.readEvent.Load() {
		return nil
	}
	return &Result{Class: ConfigFault, Code: codeWrongLayout}
}

// logLayoutFault logs a fault of the layout with what is needed to mend it.
func (r *run) logLayoutFault(ctx context.Context) {
	for _, rec := range r.records {
		if rec.Kind == streamrecord.Undecodable && rec.Fault != nil && rec.Fault.Code == streamrecord.MissingEvent {
			r.h.opts.Logger.LogAttrs(ctx, slog.LevelError,
				"relay: no new item of the batch has the event attribute: give the relay the writer's Layout. The records are held; "+
					"if items without events are written to this table on purpose, set Layout.Marker on both sides",
				slog.String("code", codeWrongLayout), slog.String("Layout.Event", r.h.opts.Layout.Event), slog.String("fault", rec.Fault.Message),
				slog.String("sequenceNumber", clip(rec.SequenceNumber)))
			return
		}
	}
}

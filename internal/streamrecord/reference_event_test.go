package streamrecord_test

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

func plainImage(cfg streamrecord.Config, r *streamrecord.Record, image []pair, fault func(code, format string, args ...any)) {
	if cfg.Marker != "" && valueOf(image, cfg.Marker) == nil {
		r.Kind = streamrecord.NotEvent
		if id := plainEventID(cfg, image); id != "" {
			r.EventID = id
		}
		return
	}
	if twice(image, cfg.Event) || cfg.Marker != "" && twice(image, cfg.Marker) {
		fault(streamrecord.DuplicateMember, "of the image")
	}
	if event, _ := pairsOf(valueOf(image, cfg.Event)); len(event) == 1 && event[0].key == "M" {
		parts, _ := pairsOf(event[0].value)
		headers, _ := pairsOf(valueOf(parts, "headers"))
		if twice(parts, "headers", "payload") {
			fault(streamrecord.DuplicateMember, "of the event")
		}
		if len(headers) == 1 && headers[0].key == "M" {
			headers, _ := pairsOf(headers[0].value)
			if twice(headers, "eventId", "correlationId", "eventName", "createdBy", "source", "region", "timestamp", "causationId", "aggregateId",
				"sequence", "traceparent", "schemaVersion") {
				fault(streamrecord.DuplicateMember, "of the headers")
			}
		}
	}
	if cfg.Marker != "" {
		ms, ok := pairsOf(valueOf(image, cfg.Marker))
		s := ""
		if ok && len(ms) == 1 && ms[0].key == "S" {
			s, _ = plainString(ms[0].value)
		}
		if s != cfg.MarkerValue {
			fault(streamrecord.UnknownFormat, "marker attribute %q has an unknown value", cfg.Marker)
			return
		}
	}
	event := valueOf(image, cfg.Event)
	if event == nil {
		fault(streamrecord.MissingEvent, "attribute %q is missing", cfg.Event)
		return
	}
	ms, ok := pairsOf(event)
	if !ok || len(ms) != 1 || ms[0].key != "M" {
		fault(streamrecord.UnsupportedType, "attribute %q is not a map", cfg.Event)
		return
	}
	parts, ok := pairsOf(ms[0].value)
	if !ok {
		fault(streamrecord.UnsupportedType, "attribute %q is not a map", cfg.Event)
		return
	}
	var out []string
	emit := func(m pair) {
		s, code := plainValue(m.value)
		if code != "" {
			fault(code, "event.%s", m.key)
		}
		out = append(out, plainQuote(m.key)+":"+s)
	}
	seen := map[string]bool{}
	for _, m := range parts {
		if !m.ok {
			fault(streamrecord.BadString, "a key of the event")
		}
		seen[m.key] = true
		form, _ := pairsOf(m.value)
		switch {
		case m.key == "headers":
			if len(form) != 1 || form[0].key != "M" {
				fault(streamrecord.BadHeader, "headers is not a map")
				return
			}
			hs, ok := pairsOf(form[0].value)
			if !ok {
				fault(streamrecord.BadHeader, "headers is not a map")
				return
			}
			plainHeaders(r, hs, fault)
			emit(m)
		case m.key == "payload" && len(form) == 1 && form[0].key == "S":
			s, ok := plainString(form[0].value)
			if !ok {
				fault(streamrecord.BadString, "payload")
			} else if !json.Valid([]byte(s)) || loneSurrogate(s) {
				fault(streamrecord.BadPayload, "payload is not JSON text")
			}
			out = append(out, `"payload":`+s)
		default:
			emit(m)
		}
	}
	if !seen["headers"] {
		fault(streamrecord.MissingHeader, "headers is missing")
	}
	if !seen["payload"] {
		fault(streamrecord.MissingPayload, "payload is missing")
	}
	if r.Fault == nil {
		r.Kind = streamrecord.Event
		r.Detail = []byte("{" + strings.Join(out, ",") + "}")
		if !json.Valid(r.Detail) {
			fault(streamrecord.TooDeep, "event")
		}
	}
}

// plainEventID returns the event id of an item that is not marked as an event.
func plainEventID(cfg streamrecord.Config, image []pair) string {
	v := valueOf(image, cfg.Event)
	for _, key := range []string{"M", "headers", "M", "eventId", "S"} {
		ms, _ := pairsOf(v)
		v = valueOf(ms, key)
	}
	s, _ := plainString(v)
	return s
}

func plainHeaders(r *streamrecord.Record, hs []pair, fault func(code, format string, args ...any)) {
	get := func(key, tag string) string {
		if ms, ok := pairsOf(valueOf(hs, key)); ok && len(ms) == 1 && ms[0].key == tag {
			s, _ := plainString(ms[0].value)
			return s
		}
		return ""
	}
	require := func(key, value string) {
		if valueOf(hs, key) == nil {
			fault(streamrecord.MissingHeader, "headers.%s is missing", key)
		} else if value == "" {
			fault(streamrecord.BadHeader, "headers.%s is not a string", key)
		}
	}
	r.EventID, r.EventName, r.Source = get("eventId", "S"), get("eventName", "S"), get("source", "S")
	r.Region, r.AggregateID, r.TraceParent = get("region", "S"), get("aggregateId", "S"), get("traceparent", "S")
	require("eventId", r.EventID)
	require("eventName", r.EventName)
	require("source", r.Source)
	r.Sequence, _ = plainInt(get("sequence", "N"))
	stamp := get("timestamp", "N")
	if stamp == "" {
		stamp = get("timestamp", "S")
	}
	ms, ok := plainInt(stamp)
	switch t := time.UnixMilli(ms); {
	case valueOf(hs, "timestamp") == nil:
		fault(streamrecord.MissingHeader, "headers.timestamp is missing")
	case !ok:
		fault(streamrecord.BadHeader, "headers.timestamp is not a number of milliseconds")
	case t.Before(envelope.MinTimestamp) || !t.Before(envelope.MaxTimestamp):
		fault(streamrecord.BadHeader, "headers.timestamp is out of range")
	default:
		r.Timestamp = ms
	}
}

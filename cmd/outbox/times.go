package main

import (
	"fmt"
	"time"
)

// period is a time span.
type period struct {
	From when `group:"what" placeholder:"TIME" help:"Events that were made at this time or later: 2026-11-26T08:00:00Z, or how long ago: 36h."`
	To   when `group:"what" placeholder:"TIME" help:"Events that were made before this time. Default: now."`
}

// span checks the times. An end that is not given is now.
func (p period) span(now time.Time) (from, to time.Time, err error) {
	from, to = p.From.at(now), p.To.at(now)
	if to.IsZero() {
		to = now
	}
	switch {
	case from.IsZero():
		return from, to, usage("--from is needed: a time (2026-11-26T08:00:00Z), or how long ago (36h)")
	case !from.Before(to):
		return from, to, usage("the times are reversed: --from %s is not before --to %s", stamp(from), stamp(to))
	}
	return from, to, nil
}

// when is a point in time, or a distance from now.
type when struct {
	time time.Time
	ago  time.Duration
	set  bool
}

// UnmarshalText reads a time in one of the forms of RFC 3339, or a duration.
func (w *when) UnmarshalText(text []byte) error {
	s := string(text)
	if d, err := time.ParseDuration(s); err == nil {
		if d < 0 {
			return fmt.Errorf("%q is in the future; 36h means 36 hours ago", s)
		}
		*w = when{ago: d, set: true}
		return nil
	}
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", time.DateOnly} {
		if t, err := time.Parse(form, s); err == nil {
			*w = when{time: t.UTC(), set: true}
			return nil
		}
	}
	return fmt.Errorf("%q is no time: write 2026-11-26T08:00:00Z (with a zone: Z, or +01:00), 2026-11-26 (UTC), or how long ago: 36h", s)
}

// relative reports whether the time depends on when it is asked.
func (w when) relative() bool { return w.time.IsZero() }

func (w when) at(now time.Time) time.Time {
	switch {
	case !w.set:
		return time.Time{}
	case w.relative():
		return now.Add(-w.ago).UTC().Truncate(time.Millisecond)
	}
	return w.time
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

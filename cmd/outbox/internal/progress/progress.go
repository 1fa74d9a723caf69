// Package progress shows how far a long run is: a bar on a terminal, else a line
// every few seconds, so that a log of a pipeline stays readable.
package progress

import (
	"fmt"
	"io"
	"math"
	"time"

	"github.com/schollz/progressbar/v3"
)

// every is how long the lines are apart where there is no terminal.
const every = 5 * time.Second

// Meter shows a count, its rate, and the time that is left if anybody can know. It
// is for one goroutine.
type Meter struct {
	w        io.Writer
	terminal bool
	what     string

	bar      *progressbar.ProgressBar // nil before the first Set, and where there is no terminal
	start    time.Time
	printed  time.Time
	done     int64
	fraction float64
	note     string
}

// New returns a meter of what is counted: "event".
func New(w io.Writer, terminal bool, what string) *Meter {
	now := time.Now()
	return &Meter{w: w, terminal: terminal, what: what, start: now, printed: now}
}

// steps is how finely a bar is drawn.
const steps = 1000

// Set says how many are done, which part of all that is, from 0 to 1 (0 if nobody
// knows), and what else is worth a word.
func (m *Meter) Set(done int64, fraction float64, note string) {
	m.done, m.fraction, m.note = done, min(fraction, 0.999), note
	now := time.Now()
	if !m.terminal {
		if now.Sub(m.printed) >= every {
			m.printed = now
			fmt.Fprintln(m.w, m.line(now))
		}
		return
	}
	if m.bar == nil {
		total := int64(steps)
		if fraction <= 0 {
			total = -1 // a spinner
		}
		m.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(m.w), progressbar.OptionSetWidth(10),
			progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetSpinnerChangeInterval(0)) // else a goroutine draws, also behind Close
	}
	m.bar.Describe(m.line(now))
	_ = m.bar.Set64(int64(m.fraction * steps)) // it can only fail to write to a terminal
}

// line is all that is known, in one line.
func (m *Meter) line(now time.Time) string {
	s := fmt.Sprintf("%s, %s/s", Count(m.done, m.what), Rate(m.rate(now)))
	if m.fraction > 0 {
		passed := now.Sub(m.start)
		if !m.terminal { // the bar shows it
			s += fmt.Sprintf(", %.0f %%", 100*m.fraction)
		}
		s += fmt.Sprintf(", about %s left", Duration(time.Duration(float64(passed)*(1-m.fraction)/m.fraction)))
	}
	if m.note != "" {
		s += ", " + m.note
	}
	return s
}

func (m *Meter) rate(now time.Time) float64 {
	if d := now.Sub(m.start).Seconds(); d > 0 {
		return float64(m.done) / d
	}
	return 0
}

// Close takes the bar away, so that the result can follow.
func (m *Meter) Close() {
	if m.bar != nil {
		_ = m.bar.Clear()
	}
}

// Count writes a number of things for people.
func Count[N int | int64](n N, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// Rate writes a rate for people.
func Rate(r float64) string {
	if r >= 10 || r == math.Trunc(r) {
		return fmt.Sprintf("%.0f", r)
	}
	return fmt.Sprintf("%.1f", r)
}

// Duration writes a time span for people: two units at most.
func Duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return "1 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

package main

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// note is a line of what happens, for a person.
type note struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"` // "fault", "good", or "" for neither
	Text string    `json:"text"`
}

// notes are what is told on the page and on the terminal. They are safe for
// concurrent use.
type notes struct {
	bell *bell // rings at each note
	out  io.Writer

	mu   sync.Mutex // guards what follows, and out
	last []note     // the newest
	n    int64      // how many there were
}

const notesKept = 200

func (s *notes) fault(format string, args ...any) { s.add("fault", format, args...) }
func (s *notes) good(format string, args ...any)  { s.add("good", format, args...) }
func (s *notes) tell(format string, args ...any)  { s.add("", format, args...) }

func (s *notes) add(kind, format string, args ...any) {
	n := note{time.Now(), kind, fmt.Sprintf(format, args...)}
	defer s.bell.ring()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = append(s.last, n)
	s.last = slices.Delete(s.last, 0, max(0, len(s.last)-notesKept))
	s.n++
	s.print(n.At, n.Text)
}

// plain writes text to the terminal alone, as it is.
func (s *notes) plain(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, format, args...)
}

// log writes a line to the terminal alone.
func (s *notes) log(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.print(time.Now(), fmt.Sprintf(format, args...))
}

func (s *notes) print(at time.Time, text string) {
	fmt.Fprintf(s.out, "%s  %s\n", at.Format("15:04:05.000"), text)
}

// since returns the notes after the first n, as far as they are kept, and how
// many there were.
func (s *notes) since(n int64) (news []note, total int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := min(s.n-n, int64(len(s.last)))
	return slices.Clone(s.last[int64(len(s.last))-fresh:]), s.n
}

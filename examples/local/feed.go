package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// update is what the page is told: everything at first, then what has changed.
type update struct {
	Hello  *hello          `json:"hello,omitempty"` // in the first update
	Ledger *ledger         `json:"ledger,omitempty"`
	Events []way           `json:"events,omitempty"`
	Notes  []note          `json:"notes,omitempty"`
	Faults map[fault]bool  `json:"faults"`
	Parts  map[string]part `json:"parts"`
}

// hello says what runs.
type hello struct {
	Services string `json:"services"`
	Engines  string `json:"engines"`
}

// shownEvents is how many of the newest events the page gets.
const shownEvents = 300

// breath is the least time between two updates: what happens meanwhile goes into
// one.
const breath = 100 * time.Millisecond

// feed sends updates as server-sent events until the client is gone.
func (s *stage) feed(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	ctx := r.Context()
	var (
		seen      int64 // changes of the journal
		told      int64 // notes
		lastSheet ledger
		hi        = &hello{s.services(), s.cloud.describe()}
	)
	for {
		rung := s.bell.listen()
		u := update{Hello: hi, Faults: s.faults.all(), Parts: s.parts()}
		u.Events, seen = s.journal.since(seen, shownEvents)
		u.Notes, told = s.notes.since(told)
		if sheet := s.books.sheet(); hi != nil || sheet != lastSheet {
			u.Ledger, lastSheet = &sheet, sheet
		}
		hi = nil
		text, err := json.Marshal(u)
		if err != nil {
			s.notes.fault("feed: %v", err)
			return
		}
		if _, err := fmt.Fprintf(w, "data: %s\n\n", text); err != nil {
			return
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		if !pause(ctx, breath, nil) || !pause(ctx, 15*time.Second, rung) {
			return
		}
	}
}

// pause waits for the time, or for a channel to be closed; false means that ctx
// has ended.
func pause(ctx context.Context, d time.Duration, until <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-until:
	}
	return true
}

package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// show serves the page with a feed that says what the test gives it, so that the
// page's layout can be seen without engines.
func show(t *testing.T) (p *tab, tell func(update)) {
	t.Helper()
	b := startBrowser(t)
	files, err := fs.Sub(pageFiles, "page")
	require.NoError(t, err)
	updates := make(chan update)
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServerFS(files))
	mux.HandleFunc("GET /local/events/{id}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, map[string]any{"way": eventsOfLayout()[0], "wanted": true, "item": `{"pk":"` + r.PathValue("id") + `"}`})
	})
	mux.HandleFunc("GET /local/feed", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for {
			select {
			case <-r.Context().Done():
				return
			case u := <-updates:
				text, err := json.Marshal(u)
				if err != nil {
					t.Error(err)
					return
				}
				fmt.Fprintf(w, "data: %s\n\n", text)
				if err := http.NewResponseController(w).Flush(); err != nil {
					return
				}
			}
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	p = b.open(t, server.URL)
	tell = func(u update) {
		t.Helper()
		select {
		case updates <- u:
		case <-time.After(time.Minute):
			t.Fatal("the page does not listen to its feed")
		}
		// Before the first update the page has a 0 there, too, and nothing in #parts.
		p.wait(t, time.Minute, fmt.Sprintf(`document.querySelector('[data-sum=committed]').textContent === '%d' && document.querySelector('#parts').textContent !== ''`, u.Ledger.Committed))
		p.eval(t, "Promise.all(document.getAnimations().map((moving) => moving.finished))")
	}
	return p, tell
}

// eventsOfLayout are events in every state, with the longest words that a row has.
func eventsOfLayout() []way {
	start := time.Now().Add(-5 * time.Minute)
	at := func(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }
	events := []way{
		{Source: "userService", Name: "User.Created", Subject: "margaret.hamilton.4711@example.com", Published: at(0.021), Received: at(0.034), Done: at(98.7), Publishes: 1, Deliveries: 12},
		{Source: "messagingService", Name: "Email.Sent", Subject: "margaret.hamilton.4711@example.com", Published: at(123.4), Publishes: 12},
		{Source: "userService", Name: "User.Created", Subject: "edsger.dijkstra.1234@example.com", Published: at(41.2), Received: at(43), Parked: at(140), Publishes: 3, Deliveries: 3},
		{Name: "poison-3f1c", Subject: "poison-3f1c", DeadLettered: at(2)},
		{Source: "userService", Name: "User.Created", Subject: "barbara.liskov.9999@example.com"},
	}
	for i := range events {
		events[i].ID, events[i].Committed = fmt.Sprintf("01M8AW54HRNGE714P9V6Q79G9%d", i), start
	}
	return events
}

func state(l ledger) update {
	return update{
		Ledger: &l, Faults: map[fault]bool{}, Parts: map[string]part{"relay": up, "messaging": up},
		Hello:  &hello{"the user service; relay and messaging service under AWS’s Lambda runtime interface emulator", "dynoxide 1.2.1, moto 5.2.5"},
		Events: eventsOfLayout(),
		Notes:  []note{{At: time.Now(), Kind: "fault", Text: "The bus is down: no call gets through."}, {At: time.Now(), Kind: "good", Text: "The bus is back."}},
	}
}

// sizes are the windows that people have.
var sizes = []int{1440, 1280, 1024, 768, 390}

// TestLayoutOfThePage looks at the page in the windows that people have, with
// numbers of one digit and of four.
func TestLayoutOfThePage(t *testing.T) {
	t.Parallel()
	p, tell := show(t)
	small := ledger{Committed: 5, Published: 3, Waiting: 1, DeadLettered: 1, Wanted: 3, Delivered: 1, Underway: 1, Parked: 1, Mails: 1, NaiveSaved: 3}
	large := ledger{Committed: 2402, Published: 1210, Waiting: 1180, DeadLettered: 12, Wanted: 1201, Delivered: 1100, Underway: 90, Parked: 11, Mails: 1123, MailTwice: 23, Duplicates: 1033, NaiveSaved: 1201, NaiveLost: 124}
	for _, width := range sizes {
		p.look(t, width, 1000, "light", true)
		var before string
		for _, l := range []ledger{{}, small, large} {
			tell(state(l))
			require.Equal(t, "true", p.eval(t, "String(document.documentElement.scrollWidth <= innerWidth)"), "at %d px the page is wider than its window", width)
			require.Equal(t, "[]", p.eval(t, cutOff), "at %d px these cells are cut off", width)
			places := p.eval(t, placesOfSums)
			if before != "" {
				require.Equal(t, before, places, "at %d px the sums move when %d events are committed", width, l.Committed)
			}
			before = places
		}
	}
}

// cutOff are the texts of the event list that are not wholly in their box. The
// address may be: it is shortened, and has a title.
const cutOff = `JSON.stringify([...document.querySelectorAll('.list th, .list td:not(:nth-child(2))')].filter((cell) => {
	const box = document.querySelector('.list').getBoundingClientRect(), range = document.createRange();
	range.selectNodeContents(cell);
	const text = range.getBoundingClientRect();
	return text.width > 0 && (text.right > box.right + 1 || text.right > cell.getBoundingClientRect().right + 1);
}).map((cell) => cell.textContent))`

// placesOfSums are where the boxes of the ledger are, and what is below it.
const placesOfSums = `JSON.stringify([...document.querySelectorAll('.books .sum, #verdict, #picture')].map((e) => {
	const r = e.getBoundingClientRect();
	return [r.left, r.top + scrollY, r.width].map(Math.round);
}))`

// TestTypingReplacesTheSuggestion: the form is filled in, and who types into it
// means another name.
func TestTypingReplacesTheSuggestion(t *testing.T) {
	t.Parallel()
	p, tell := show(t)
	tell(state(ledger{Committed: 1, Published: 1}))
	for _, field := range []string{"name", "email"} {
		selector := "[name=" + field + "]"
		require.NotEmpty(t, p.eval(t, fmt.Sprintf("document.querySelector(%q).value", selector)))
		p.click(t, selector)
		p.do(t, "Input.insertText", map[string]any{"text": "joan@example.com"}, nil)
		require.Equal(t, "joan@example.com", p.eval(t, fmt.Sprintf("document.querySelector(%q).value", selector)), "by mouse")
		p.click(t, selector) // a second click is for the place in the text
		require.Equal(t, "true", p.eval(t, fmt.Sprintf("(() => { const f = document.querySelector(%q); return String(f.type === 'email' || f.selectionStart === f.selectionEnd) })()", selector)))
	}
	p.eval(t, "document.querySelector('[name=name]').focus()") // as by the tabulator
	p.do(t, "Input.insertText", map[string]any{"text": "Joan"}, nil)
	require.Equal(t, "Joan", p.eval(t, "document.querySelector('[name=name]').value"), "by keyboard")
}

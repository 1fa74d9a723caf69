package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/wirefault"
)

// What the taps behind the wires see goes into the journal. A tap sees calls
// after the engine has answered and before the service hears of it.

// write is a Put of one item, in a TransactWriteItems or alone.
type write struct {
	TableName string
	Item      map[string]attribute
}

// attribute is the part of an attribute in DynamoDB JSON that is of use here.
type attribute struct {
	S string               `json:"S,omitempty"`
	M map[string]attribute `json:"M,omitempty"`
}

// sawDynamoDB notes what was committed.
func (s *stage) sawDynamoDB(x wirefault.Exchange) {
	if x.Status != http.StatusOK {
		return
	}
	switch x.Operation {
	case "TransactWriteItems":
		var in struct {
			TransactItems []struct{ Put write }
		}
		if json.Unmarshal(x.Request, &in) == nil {
			for _, item := range in.TransactItems {
				s.sawWrite(item.Put)
			}
		}
	case "PutItem":
		var in write
		if json.Unmarshal(x.Request, &in) == nil {
			s.sawWrite(in)
		}
	}
}

func (s *stage) sawWrite(put write) {
	pk := put.Item["pk"].S
	switch {
	case put.TableName == s.cloud.events:
		headers, payload := put.Item["event"].M["headers"].M, put.Item["event"].M["payload"].M
		if asked(headers["source"].S, headers["eventName"].S) {
			s.naive.also(pk)
		}
		cause, _ := s.journal.way(headers["causationId"].S)
		s.journal.note(pk, func(w *way, now time.Time) {
			first(&w.Committed, now)
			w.Name, w.Source = headers["eventName"].S, headers["source"].S
			w.Subject = or(payload["email"].S, or(cause.Subject, payload["userId"].S))
			if w.Name == "" {
				w.Name, w.Subject = "(no event)", "written by hand"
			}
		})
	case put.TableName == s.cloud.letters:
		var keys map[string]attribute
		if json.Unmarshal([]byte(put.Item["keys"].S), &keys) != nil {
			return
		}
		code := put.Item["code"].S
		s.journal.note(keys["pk"].S, func(w *way, now time.Time) {
			if first(&w.DeadLettered, now) {
				s.notes.tell("%s can never be published (%s): it is in the dead letters, and holds up nothing.", or(w.Name, w.ID), code)
				s.finished(w)
			}
		})
	case put.TableName == s.cloud.messaging && put.Item["sk"].S == messagingServiceName:
		s.journal.note(pk, func(w *way, now time.Time) {
			if first(&w.Done, now) {
				s.finished(w)
			}
		})
	}
}

// sawBus notes what the bus has accepted, and kills the relay if it is to die
// now: before it hears of it.
func (s *stage) sawBus(x wirefault.Exchange) {
	if x.Operation != "PutEvents" || x.Status != http.StatusOK {
		return
	}
	var in struct{ Entries []struct{ Detail string } }
	var out struct {
		Entries []struct {
			EventID string `json:"EventId"`
		}
	}
	if json.Unmarshal(x.Request, &in) != nil || json.Unmarshal(x.Answer, &out) != nil {
		return
	}
	accepted, again := 0, 0
	for i, result := range out.Entries {
		if result.EventID == "" || i >= len(in.Entries) {
			continue
		}
		accepted++
		ev, err := envelope.Parse([]byte(in.Entries[i].Detail))
		if err != nil {
			continue // the ledger counts it as a phantom
		}
		s.journal.note(ev.Headers.EventID, func(w *way, now time.Time) {
			first(&w.Published, now)
			if w.Publishes++; w.Publishes > 1 {
				again++
			}
			if w.Publishes == 1 && !asked(w.Source, w.Name) {
				s.finished(w)
			}
		})
	}
	if again > 0 {
		s.notes.tell("%s came to the bus a second time, under the same event id.", count(again, "event"))
	}
	if accepted > 0 && s.faults.strike(killRelay) {
		s.notes.fault("The relay was killed: the bus has taken %s, and the relay never heard of it. The stream will deliver them to a new one.", count(accepted, "event"))
	}
}

// sawMessages notes what the consumer is given.
func (s *stage) sawMessages(payload []byte) {
	var in struct {
		Records []struct {
			Body string `json:"body"`
		}
	}
	if json.Unmarshal(payload, &in) != nil {
		return
	}
	again := 0
	for _, m := range in.Records {
		id := eventID(m.Body)
		if id == "" {
			continue
		}
		s.journal.note(id, func(w *way, now time.Time) {
			first(&w.Published, now) // the bus may deliver before it answers
			first(&w.Received, now)
			w.Deliveries++
			if w.message == "" {
				w.message = m.Body
			}
			if !w.Done.IsZero() {
				again++
			}
		})
	}
	if again > 0 {
		s.notes.tell("%s came to the consumer again. The receipt is there, so nothing is done twice.", count(again, "message"))
	}
}

// sawParked notes what has ended in the dead-letter queue.
func (s *stage) sawParked(id string) {
	s.journal.note(id, func(w *way, now time.Time) {
		if first(&w.Parked, now) && w.Done.IsZero() {
			s.notes.tell("%s of %s could not be handled %d times: it is in the dead-letter queue.", or(w.Name, "A message"), or(w.Subject, w.ID), maxReceiveCount)
			s.finished(w)
		}
	})
}

// finished writes the way of an event to the terminal.
func (s *stage) finished(w *way) {
	line := fmt.Sprintf("%-12s %-34s committed", w.Name, w.Subject)
	step := func(name string, at time.Time, times int) {
		if at.IsZero() {
			return
		}
		line += fmt.Sprintf(" → %s %s", name, at.Sub(w.Committed).Round(time.Millisecond))
		if times > 1 {
			line += fmt.Sprintf(" (%d×)", times)
		}
	}
	step("published", w.Published, w.Publishes)
	step("received", w.Received, w.Deliveries)
	step("done", w.Done, 1)
	step("dead-lettered", w.DeadLettered, 1)
	step("dead-letter queue", w.Parked, 1)
	s.notes.log("%s", line)
}

// asked reports whether the bus's rule sends an event to the consumer.
func asked(source, name string) bool { return source == userServiceName && name == "User.Created" }

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// count is "1 event", "2 events".
func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// act is a part of the demo: these faults are on while some people sign up.
type act struct {
	faults []fault
	share  int // of the people, in hundredths
}

// plot is the demo: everything that the page can break, one after the other and
// then most of it at once.
func plot() []act {
	return []act{
		{nil, 10},
		{[]fault{refuse}, 20},
		{[]fault{busDown}, 15},
		{[]fault{killRelay}, 10},
		{[]fault{twice}, 20},
		{[]fault{poison, crash}, 10},
		{[]fault{refuse, twice, killRelay, crash}, 15},
	}
}

// settling is how long the demo waits at its end until nothing is on its way any
// more.
const settling = 2 * time.Minute

// demo plays the plot and prints the ledger. It returns an error if an event is
// lost, invented or stuck.
func (s *stage) demo(ctx context.Context, people *crowd, n int) error {
	start := time.Now()
	for _, act := range plot() {
		for _, name := range act.faults {
			if err := s.inflict(ctx, name, true); err != nil {
				return err
			}
		}
		people.signUp(ctx, max(1, n*act.share/100))
		if !pause(ctx, 300*time.Millisecond, nil) { // let it work under the fault
			return ctx.Err()
		}
		for _, name := range act.faults {
			if name == killRelay || name == crash {
				continue // they strike when there is something to strike
			}
			if err := s.inflict(ctx, name, false); err != nil {
				return err
			}
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	settled, cancel := context.WithTimeout(ctx, settling)
	defer cancel()
	l, err := s.settle(settled)
	if err != nil {
		return err
	}
	s.notes.plain("%s", account(l, time.Since(start)))
	return judge(l, people.refused.Load())
}

// judge returns what is wrong with a ledger at the end, nil if nothing is.
func judge(l ledger, refused int64) error {
	switch {
	case !l.sound():
		return fmt.Errorf("local: it does not balance: %d lost, %d invented", l.Lost, l.Phantom)
	case !l.settled():
		return fmt.Errorf("local: after %s, %d events are still waiting and %d on their way", settling, l.Waiting, l.Underway)
	case refused > 0:
		return fmt.Errorf("local: %d people could not sign up", refused)
	}
	return nil
}

// settle waits until nothing is on its way any more, or ctx has ended, and
// returns the balance.
func (s *stage) settle(ctx context.Context) (ledger, error) {
	for {
		rung := s.bell.listen()
		if l := s.books.sheet(); l.Committed > 0 && l.settled() {
			// What was committed since the last look shows at the next.
			if err := s.books.refresh(ctx); err != nil {
				return l, err
			}
			if l := s.books.sheet(); l.settled() {
				return l, nil
			}
		}
		if !pause(ctx, time.Second, rung) {
			return s.books.sheet(), nil
		}
	}
}

// account is the ledger in words, for the terminal.
func account(l ledger, took time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nThe ledger after %s:\n\n", took.Round(100*time.Millisecond))
	for _, row := range []struct {
		n    int
		what string
	}{
		{l.Committed, "committed: event items in the event store"},
		{l.Published, "published: accepted by the bus"},
		{l.DeadLettered, "dead-lettered: in the relay's table"},
		{l.Waiting, "waiting in the stream"},
		{l.Duplicates, "duplicates on the bus, under the same event ids"},
		{l.Delivered, fmt.Sprintf("delivered: done by the consumer, of %d that it asked for", l.Wanted)},
		{l.Parked, "in the queue's dead-letter queue"},
		{l.Mails, fmt.Sprintf("e-mails sent, of which %d a second time", l.MailTwice)},
		{l.Phantom, "invented"},
		{l.Lost, "lost"},
		{l.NaiveLost, fmt.Sprintf("would be lost without an outbox: the same %d sign-ups, saved and then told", l.NaiveSaved)},
	} {
		fmt.Fprintf(&b, "%7d  %s\n", row.n, row.what)
	}
	return b.String() + "\n"
}

package relaytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// TestPublisher judges a relay.Publisher by the contract that the relay relies on.
// It reports each rule that is broken as an error of t, with the rule in words.
//
//	relaytest.TestPublisher(t, func(c relaytest.Condition) (relay.Publisher, func() [][]byte) {
//		server := newTopic(t, c)
//		return NewTopicPublisher(server.client()), server.accepted
//	})
//
// newPublisher makes a publisher to a new bus, an engine or a fake of yours, that
// behaves as the condition says; accepted returns the Detail of each entry that
// this bus has accepted so far, byte for byte. A nil publisher means that the
// condition cannot be had: its rules are left out, and t logs that.
func TestPublisher(t T, newPublisher func(Condition) (p relay.Publisher, accepted func() [][]byte)) {
	t.Helper()
	judge(t, "publisher", publisherRules, func(c Condition) (publisher, bool) {
		p, accepted := newPublisher(c)
		return publisher{p, accepted}, p != nil
	})
}

type publisher struct {
	relay.Publisher
	accepted func() [][]byte
}

// secret stands in every Detail, and must not be where the relay logs.
const secret = "relaytest-secret"

// entries are n good ones, with much of what JSON and UTF-8 allow.
func entries(n int) []relay.Entry {
	out := make([]relay.Entry, n)
	for i := range out {
		id := fmt.Sprintf("relaytest-%d", i)
		out[i] = relay.Entry{
			EventID: id, Source: "relaytest", DetailType: "Contract.Checked", Time: time.Now().UTC(),
			Detail: fmt.Appendf(nil, `{"headers":{"eventId":%q},"payload":{"text":"<%s> & \u2028 é 😀","numbers":[1.50,1e3,9007199254740993],"none":null}}`, id, secret),
		}
	}
	return out
}

// call is as many entries as one call takes, but not too many for a test.
func (p publisher) call() []relay.Entry { return entries(min(p.Limits().Entries, 25)) }

func took(r relay.Result) bool { return r.Class == relay.Accepted || r.Class == relay.Deduplicated }

// takes publishes entries to a bus that takes everything, and returns what is wrong
// with the answer, "" if nothing is.
func (p publisher) takes(ctx context.Context, sent []relay.Entry) string {
	results, err := p.Publish(ctx, sent)
	if err != nil || len(results) != len(sent) {
		return fmt.Sprintf("%d results and the error %v for %d entries that the bus takes", len(results), err, len(sent))
	}
	if i := slices.IndexFunc(results, func(r relay.Result) bool { return !took(r) }); i >= 0 {
		return fmt.Sprintf("result %d is %v %q though the bus takes everything", i, results[i].Class, results[i].Code)
	}
	return ""
}

// copied are the entries with Details of their own.
func copied(entries []relay.Entry) []relay.Entry {
	out := slices.Clone(entries)
	for i := range out {
		out[i].Detail = bytes.Clone(out[i].Detail)
	}
	return out
}

var publisherRules = []rule[publisher]{
	{name: "limits", asks: "Limits are at least 1 entry and 1 byte, and always the same: the relay reads them once.",
		check: func(ctx context.Context, p publisher) string {
			before := p.Limits()
			_, _ = p.Publish(ctx, entries(1))
			if after := p.Limits(); before.Entries < 1 || before.Bytes < 1 || after != before {
				return fmt.Sprintf("Limits are %+v, and after a call %+v", before, after)
			}
			return ""
		}},
	{name: "size", asks: "Size is a pure function of the entry, at least 1, and no less for a longer Detail: the relay packs calls by it.",
		check: func(_ context.Context, p publisher) string {
			e := entries(1)[0]
			first, again := p.Size(e), p.Size(e)
			e.Detail = append(e.Detail, bytes.Repeat([]byte(" "), 100_000)...)
			if longer := p.Size(e); first < 1 || first != again || longer < first {
				return fmt.Sprintf("one entry has the sizes %d and %d, and %d with 100,000 bytes more", first, again, longer)
			}
			return ""
		}},
	{name: "one result for each entry", asks: "Publish returns one result per entry, at the entry's index; any other number means that nothing counts as published.",
		check: func(ctx context.Context, p publisher) string { return p.takes(ctx, p.call()) }},
	{name: "verbatim", asks: "The bus gets each Detail byte for byte as it was committed, in the order of the entries. Publish changes nothing in them, and keeps nothing: they are valid during the call only.",
		check: func(ctx context.Context, p publisher) string {
			sent := p.call()
			want := copied(sent)
			_, _ = p.Publish(ctx, sent)
			if !reflect.DeepEqual(sent, want) {
				return "the entries are not what they were before the call"
			}
			for i := range sent {
				copy(sent[i].Detail, bytes.Repeat([]byte("#"), len(sent[i].Detail))) // the relay uses the memory again
			}
			got := p.accepted()
			if !slices.EqualFunc(got, want, func(d []byte, e relay.Entry) bool { return bytes.Equal(d, e.Detail) }) {
				return fmt.Sprintf("the bus has %d entries that differ from the %d of the call; the first ones are %.200q and %.200q",
					len(got), len(want), slices.Concat(got...), want[0].Detail)
			}
			return ""
		}},
	{name: "again", asks: "The relay may send an event again whose answer it did not get: that is Accepted, or Deduplicated.",
		check: func(ctx context.Context, p publisher) string {
			sent := entries(1)
			_, _ = p.Publish(ctx, sent)
			return p.takes(ctx, sent)
		}},
	{name: "largest call", asks: "A call that Limits and Size allow is not too large for the bus: one that is would be split, and its last entry goes to the dead letters.",
		check: func(ctx context.Context, p publisher) string {
			const most = 8 << 20 // more takes too long in a test
			sent, limit := entries(1), min(p.Limits().Bytes, most)
			for room := limit - p.Size(sent[0]); room > 0; room /= 2 {
				longer := sent[0]
				longer.Detail = slices.Concat(longer.Detail[:len(longer.Detail)-1], []byte(`,"more":"`), bytes.Repeat([]byte("x"), room), []byte(`"}`))
				if p.Size(longer) <= limit {
					sent[0] = longer
					break
				}
			}
			return p.takes(ctx, sent)
		}},
	{name: "concurrent calls", asks: "A publisher is used by several goroutines at once.",
		check: func(ctx context.Context, p publisher) string {
			const calls = 8
			problems, events := make([]string, calls), entries(calls)
			var all sync.WaitGroup
			for i := range calls {
				all.Go(func() { problems[i] = p.takes(ctx, events[i:i+1]) })
			}
			all.Wait()
			if n := len(p.accepted()); n != calls {
				problems = append(problems, fmt.Sprintf("the bus has %d entries of %d calls", n, calls))
			}
			return strings.Join(slices.DeleteFunc(problems, func(s string) bool { return s == "" }), "; ")
		}},
	{name: "context that has ended", asks: "Publish returns when its context ends, and an entry is Accepted only if the bus has it.",
		check: func(ctx context.Context, p publisher) string { return p.interrupted(ended(ctx)) }},
	{name: "bus that does not answer", when: Hanging, asks: "Publish returns when its context ends, and an entry is Accepted only if the bus has it.",
		check: func(ctx context.Context, p publisher) string {
			ctx, cancel := soonEnded(ctx)
			defer cancel()
			return p.interrupted(ctx)
		}},
	{name: "refused entry", when: Refusing, asks: "What the bus refuses for its content is an EventFault with a code, at the index of the entry; the others of the call are Accepted.",
		check: func(ctx context.Context, p publisher) string {
			if p.Limits().Entries < 2 {
				return ""
			}
			results, err := p.Publish(ctx, entries(2))
			switch {
			case err != nil || len(results) != 2:
				return fmt.Sprintf("%d results and the error %v for two entries", len(results), err)
			case !took(results[0]):
				return fmt.Sprintf("the first entry is %v %q though the bus took it", results[0].Class, results[0].Code)
			case results[1].Class != relay.EventFault || results[1].Code == "":
				return fmt.Sprintf("the second entry is %v with the code %q", results[1].Class, results[1].Code)
			}
			return leak(results[1].Code)
		}},
	{name: "failed call", when: Failing, asks: "Of a call that fails as a whole nothing is Accepted. A *relay.CallError says why, with a code that holds nothing of the event.",
		check: func(ctx context.Context, p publisher) string {
			results, err := p.Publish(ctx, p.call())
			if err == nil && slices.ContainsFunc(results, took) {
				return "an entry is accepted though the bus took nothing"
			}
			var whole *relay.CallError
			if errors.As(err, &whole) {
				return leak(whole.Code, whole.Error())
			}
			for _, r := range results {
				if problem := leak(r.Code); problem != "" {
					return problem
				}
			}
			return ""
		}},
	{name: "optional parts", asks: "Validate finds nothing wrong with a good publisher; CheckBus does not miss a bus that is there; Explain finds no fault with a good entry, and says nothing of its data.",
		check: func(ctx context.Context, p publisher) string {
			if v, ok := p.Publisher.(relay.Validator); ok && v.Validate() != nil {
				return fmt.Sprintf("Validate: %v", v.Validate())
			}
			if c, ok := p.Publisher.(relay.BusChecker); ok {
				if err := c.CheckBus(ctx, ""); err != nil && !errors.Is(err, relay.ErrBusUnchecked) {
					return fmt.Sprintf("CheckBus: %v", err)
				}
			}
			if x, ok := p.Publisher.(relay.Explainer); ok {
				if words := x.Explain(entries(1)[0]); words != "" {
					return "Explain: " + words
				}
				long := entries(1)[0]
				long.DetailType, long.Source, long.Detail = strings.Repeat(secret, 100), strings.Repeat(secret, 100), nil
				return leak(x.Explain(long), x.Explain(relay.Entry{}))
			}
			return ""
		}},
}

// interrupted publishes while ctx ends.
func (p publisher) interrupted(ctx context.Context) string {
	sent := entries(1)
	results, err := p.Publish(ctx, sent)
	if err == nil && slices.ContainsFunc(results, took) && len(p.accepted()) == 0 {
		return "an entry is accepted that the bus does not have"
	}
	return ""
}

// leak returns what is wrong with texts that are logged.
func leak(texts ...string) string {
	for _, text := range texts {
		if strings.Contains(text, secret) {
			return "a text that is logged holds data of the event"
		}
	}
	return ""
}

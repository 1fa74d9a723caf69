// Package layoutfile makes the envelope.Layout of an event store out of what an
// operator can write down: a name, or a small file. A Layout in Go has functions
// in it; in a file they are patterns.
package layoutfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

// The layouts that need no file.
const (
	Default   = "default"   // pk = eventId, sk = timestamp
	Aggregate = "aggregate" // envelope.AggregateLayout: pk = aggregateId, sk = sequence
)

// file is a layout file. Its keys are those of envelope.Layout.
type file struct {
	PK     string `yaml:"pk"`
	SK     string `yaml:"sk"`
	Event  string `yaml:"event"`
	TTL    string `yaml:"ttl"`
	Marker string `yaml:"marker"`
	Keys   *struct {
		PK string `yaml:"pk"`
		SK string `yaml:"sk"`
	} `yaml:"keys"`
	NumericSK bool `yaml:"numeric-sk"`
	Ordered   bool `yaml:"ordered"`
}

// Load returns the layout of that name, or of that file. A marker that is not
// empty takes the place of the file's.
func Load(name, marker string) (envelope.Layout, error) {
	l, err := load(name)
	if err != nil {
		return l, err
	}
	if marker != "" {
		l.Marker = marker
	}
	if err := l.Validate(); err != nil {
		return l, fmt.Errorf("layout %s: %w", name, err)
	}
	return l, nil
}

func load(name string) (envelope.Layout, error) {
	switch name {
	case "", Default:
		return envelope.Layout{}, nil
	case Aggregate:
		return envelope.AggregateLayout(), nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return envelope.Layout{}, fmt.Errorf("layout %q is neither %q nor %q, and no file that can be read: %w", name, Default, Aggregate, err)
	}
	l, err := parse(text)
	if err != nil {
		return l, fmt.Errorf("layout file %s: %w", name, err)
	}
	return l, nil
}

func parse(text []byte) (envelope.Layout, error) {
	var f file
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return envelope.Layout{}, err
	}
	l := envelope.Layout{PK: f.PK, SK: f.SK, Event: f.Event, TTL: f.TTL, Marker: f.Marker, NumericSK: f.NumericSK, Ordered: f.Ordered}
	if f.Keys == nil {
		return l, nil
	}
	pk, err := compile(f.Keys.PK)
	if err != nil {
		return l, fmt.Errorf("keys.pk: %w", err)
	}
	sk, err := compile(f.Keys.SK)
	if err != nil {
		return l, fmt.Errorf("keys.sk: %w", err)
	}
	if len(pk) == 0 {
		return l, errors.New("keys.pk: no pattern; an example is ORDER#{aggregateId}")
	}
	l.Keys = func(ev envelope.CustomEvent) (string, string) { return pk.of(ev.Headers), sk.of(ev.Headers) }
	return l, nil
}

// pattern is the parts of a key one after the other: text, or a header's value.
type pattern []part

type part struct {
	text  string
	value func(envelope.Headers) string // nil for text
	width int                           // zeros are put before the value up to it
}

var values = map[string]func(envelope.Headers) string{
	"eventId":       func(h envelope.Headers) string { return h.EventID },
	"eventName":     func(h envelope.Headers) string { return h.EventName },
	"aggregateId":   func(h envelope.Headers) string { return h.AggregateID },
	"correlationId": func(h envelope.Headers) string { return h.CorrelationID },
	"source":        func(h envelope.Headers) string { return h.Source },
	"region":        func(h envelope.Headers) string { return h.Region },
	"sequence":      func(h envelope.Headers) string { return strconv.FormatInt(h.Sequence, 10) },
	"timestamp":     func(h envelope.Headers) string { return strconv.FormatInt(h.Timestamp.UnixMilli(), 10) },
}

var placeholder = regexp.MustCompile(`\{([A-Za-z]+)(?::([0-9]{1,2}))?\}`)

func compile(text string) (pattern, error) {
	var p pattern
	at := 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(text, -1) {
		if m[0] > at {
			p = append(p, part{text: text[at:m[0]]})
		}
		name := text[m[2]:m[3]]
		value, ok := values[name]
		if !ok {
			return nil, fmt.Errorf("{%s} is no header that a key can have; there are eventId, eventName, aggregateId, correlationId, source, region, sequence, timestamp", name)
		}
		width := 0
		if m[4] >= 0 {
			width, _ = strconv.Atoi(text[m[4]:m[5]]) // two digits
		}
		p = append(p, part{value: value, width: width})
		at = m[1]
	}
	if at < len(text) {
		p = append(p, part{text: text[at:]})
	}
	for _, q := range p {
		if strings.ContainsAny(q.text, "{}") {
			return nil, fmt.Errorf("%q: a placeholder is {aggregateId}, or {sequence:12} with zeros before it up to 12 digits", text)
		}
	}
	return p, nil
}

func (p pattern) of(h envelope.Headers) string {
	var b strings.Builder
	for _, q := range p {
		if q.value == nil {
			b.WriteString(q.text)
			continue
		}
		v := q.value(h)
		for range q.width - len(v) {
			b.WriteByte('0')
		}
		b.WriteString(v)
	}
	return b.String()
}

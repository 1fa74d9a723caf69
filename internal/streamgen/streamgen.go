// Package streamgen writes by chance what Lambda hands to a function from a
// DynamoDB stream, for tests: members in any order, white space, escapes,
// numbers in every form, members that nobody knows.
package streamgen

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Generator writes JSON as text, for each method is there to vary the text.
// Without faults, aws-lambda-go can read all of it, and each INSERT is an event.
type Generator struct {
	*rand.Rand
	faults bool
}

// New returns a generator that writes the same for the same two numbers. With
// faults, some of what it writes is wrong, or what AWS does not send.
func New(seed, stream uint64, faults bool) Generator {
	return Generator{rand.New(rand.NewPCG(seed, stream)), faults}
}

// Batch writes an invocation with up to records records.
func (g Generator) Batch(records int) string {
	list := make([]string, g.IntN(records+1))
	for i := range list {
		list[i] = g.Record(fmt.Sprint("event-", i, g.anyText()))
	}
	ms := []string{g.member("Records", g.array(list...))}
	if g.one(10) {
		ms = append(ms, g.member("window", g.pick("null", `{"start":"a"}`)), g.member("state", g.pick("{}", `{"a":1}`, "null")))
	}
	return g.space() + g.object(ms...) + g.space()
}

// Record writes the record of a change to the item of an event.
func (g Generator) Record(eventID string) string {
	if g.fault(25) {
		return g.pick("null", "1", `"x"`, "[]", "{}", `[{"a":1}]`, `{"eventName":5}`, "true")
	}
	sequence, keys := g.text(fmt.Sprint(g.Uint64())), g.object(g.member("pk", g.tagged("S", g.text(eventID))))
	created, view := fmt.Sprint(1764000000+g.IntN(1e6)), g.pick("NEW_IMAGE", "NEW_AND_OLD_IMAGES")
	if g.fault(2) {
		sequence, keys = g.pick(sequence, "null"), g.pick(keys, g.object(g.member("pk", g.value(4))), "null")
		created = g.pick(`"1764000000"`, "1764000000.123", "1.764E9", "null", `""`, "-1", "1e30", "{}")
	}
	if g.fault(40) {
		view = g.pick("KEYS_ONLY", "OLD_IMAGE")
	}
	change := []string{g.member("SequenceNumber", sequence), g.member("Keys", keys), g.member("ApproximateCreationDateTime", created)}
	if !g.fault(15) {
		change = append(change, g.member("NewImage", g.Image(eventID)))
	}
	if g.one(10) {
		change = append(change, g.member("OldImage", g.Image(eventID)), g.member("SizeBytes", "5"))
	}
	if g.one(2) {
		change = append(change, g.member("StreamViewType", g.text(view)))
	}
	ms := []string{
		g.member("eventName", g.text(g.pick("INSERT", "INSERT", "INSERT", "INSERT", "INSERT", "MODIFY", "REMOVE"))),
		g.member("dynamodb", g.object(change...)),
		g.member("eventSourceARN", g.text("arn:aws:dynamodb:eu-west-1:1:table/t/stream/"+g.pick("a", "b", g.anyText()))),
		g.member("awsRegion", g.pick(g.text("eu-west-1"), "null")),
		g.member("eventVersion", g.text("1.1")),
	}
	if g.one(3) {
		ms = append(ms, g.member("eventSource", g.text("aws:dynamodb")), g.member("userIdentity", g.pick("null", g.object(
			g.member("type", g.text(g.pick("Service", "User"))), g.member("principalId", g.text(g.pick("dynamodb.amazonaws.com", "x")))))))
	}
	if g.one(5) {
		ms = append(ms, g.member(g.anyText(), g.json(2)))
	}
	if g.fault(20) {
		ms[g.IntN(len(ms))] = g.member(g.pick("eventName", "dynamodb", "awsRegion", "eventSourceARN", "userIdentity"), g.json(2))
	}
	return g.object(ms...)
}

// Image writes the item of an event.
func (g Generator) Image(eventID string) string {
	ms := []string{g.member("pk", g.tagged("S", g.text(eventID)))}
	if !g.fault(20) {
		ms = append(ms, g.member("event", g.event(eventID)))
	}
	if g.one(2) {
		ms = append(ms, g.member("fmt", g.pick(g.tagged("S", g.text("outbox/1")), g.tagged("S", g.text("outbox/1")), g.value(3), g.tagged("S", g.text("outbox/2")))))
	}
	if g.one(3) {
		ms = append(ms, g.member("ttl", g.tagged("N", g.text("1764000000"))), g.member("other", g.value(3)))
	}
	return g.object(ms...)
}

func (g Generator) event(id string) string {
	ms := []string{g.member("headers", g.headers(id)), g.member("payload", g.Payload())}
	if g.fault(20) {
		ms = ms[:1]
	} else if g.fault(20) {
		ms = ms[1:]
	}
	if g.one(4) {
		ms = append(ms, g.member(g.pick("meta", "payload2", ""), g.value(1)))
	}
	if g.fault(10) {
		ms = append(ms, g.member(g.pick("headers", "payload"), g.value(1)))
	}
	return g.tagged("M", g.object(ms...))
}

func (g Generator) headers(id string) string {
	ms := []string{
		g.member("eventId", g.tagged("S", g.text(id))),
		g.member("eventName", g.tagged("S", g.text("User.Created"))),
		g.member("source", g.tagged("S", g.text(g.pick("userService", "ordér")))),
		g.member("timestamp", g.tagged(g.pick("N", "N", "S"), g.text(g.pick("1764000000123", fmt.Sprint(1764000000000+g.Int64N(1e9)), "946684800000", "4102444799999")))),
	}
	aggregate, sequence := g.tagged("S", g.text(g.anyText())), g.tagged("N", g.text(g.pick("1", fmt.Sprint(g.Int64()), "-9223372036854775808")))
	if g.fault(2) {
		aggregate, sequence = g.value(4), g.pick(g.value(4), g.tagged("N", g.text(g.pick("7.0", "9223372036854775808", "1e3"))))
	}
	if g.fault(8) {
		ms[g.IntN(4)] = g.pick(g.member("eventId", g.tagged("S", `""`)), g.member("timestamp", g.tagged("N", `"1"`)), g.member("timestamp", g.tagged("N", `"1.764e12"`)),
			g.member("timestamp", g.tagged("S", `"soon"`)), g.member("source", g.tagged("N", `"5"`)), g.member("eventName", g.tagged("B", `"aGk="`)),
			g.member("timestamp", g.tagged("N", `"1764000000123.5"`)), g.member("timestamp", g.tagged("N", `"4102444800000"`)), g.member("x", g.value(1)))
	}
	for _, m := range []string{
		g.member("correlationId", g.tagged("S", g.text(g.anyText()))),
		g.member("region", g.tagged("S", g.text(g.pick("", "eu-west-1")))),
		g.member("aggregateId", aggregate),
		g.member("sequence", sequence),
		g.member("traceparent", g.tagged("S", g.text("00-a-b-01"))),
		g.member("x-"+g.anyText(), g.value(2)),
	} {
		if g.one(2) {
			ms = append(ms, m)
		}
	}
	return g.tagged("M", g.object(ms...))
}

// Payload writes the payload of an event, in DynamoDB JSON. Text is JSON.
func (g Generator) Payload() string {
	switch {
	case g.one(3):
		return g.tagged("S", g.text(g.json(0)))
	case g.fault(4):
		return g.value(0)
	}
	return g.kind(1+g.IntN(11), 0)
}

// value writes DynamoDB JSON.
func (g Generator) value(depth int) string {
	if depth > 4 {
		return g.kind(g.IntN(8), depth)
	}
	return g.kind(g.IntN(12), depth)
}

func (g Generator) kind(kind, depth int) string {
	text := func() string { return g.text(g.anyText()) }
	number := func() string { return g.text(g.number()) }
	binary := func() string { return g.text(g.pick("", "aGk=", "aGk/", "+/8=", "YQ==", "////")) }
	switch kind {
	default:
		return g.tagged("S", text())
	case 1, 2:
		return g.tagged("N", number())
	case 3:
		return g.tagged("BOOL", g.pick("true", "false"))
	case 4:
		return g.tagged("NULL", "true")
	case 5:
		return g.tagged("B", binary())
	case 6:
		return g.tagged("SS", g.array(g.several(text)...))
	case 7:
		return g.pick(g.tagged("NS", g.array(g.several(number)...)), g.tagged("BS", g.array(g.several(binary)...)))
	case 8, 9:
		return g.tagged("L", g.array(g.several(func() string { return g.value(depth + 1) })...))
	case 10, 11:
		return g.tagged("M", g.object(g.several(func() string { return g.member(g.anyText(), g.value(depth+1)) })...))
	}
}

// json writes JSON text.
func (g Generator) json(depth int) string {
	if g.fault(40) {
		return g.pick("", "{", "[1,]", "01", "1.", "+1", "nul", `"`, "{1:2}", `{"a"}`, "[1 2]", "1 2", "\uFEFF1", `"\ud800"`, "\"\x01\"", "tru", "-", "1e")
	}
	switch n := g.IntN(8); {
	case n == 0 && depth < 4:
		return g.object(g.several(func() string { return g.member(g.anyText(), g.json(depth+1)) })...)
	case n == 1 && depth < 4:
		return g.array(g.several(func() string { return g.json(depth + 1) })...)
	case n < 4:
		return g.text(g.anyText())
	}
	return g.pick("true", "false", "null", "0", "-1.5e+10", "1.50", "123456789012345678901234567890", "1E400")
}

// tagged writes a value of DynamoDB JSON.
func (g Generator) tagged(tag, value string) string {
	if g.fault(60) {
		return g.pick(`{}`, `null`, `"x"`, `{"X":"a"}`, `{"N":1}`, `{"S":"a","S":"b"}`, `{"S":"a","N":"1"}`, `{"S":null}`, `{"BOOL":"true"}`,
			`{"NULL":false}`, `{"M":[]}`, `{"L":{}}`, `{"SS":["a",1]}`, `{"B":"%"}`, `{"B":"YQ"}`, `{"B":"+/9="}`, `{"s":["a"]}`, `{"BOOL"`+g.space()+`:true}`, `{"t":true}`)
	}
	return "{" + g.space() + g.member(tag, value) + g.space() + "}"
}

// object writes the members in any order.
func (g Generator) object(ms ...string) string {
	g.Shuffle(len(ms), func(i, j int) { ms[i], ms[j] = ms[j], ms[i] })
	if len(ms) > 0 && g.fault(25) {
		ms = append(ms, ms[g.IntN(len(ms))])
	}
	return "{" + g.space() + strings.Join(ms, g.space()+","+g.space()) + g.space() + "}"
}

func (g Generator) member(key, value string) string {
	return g.text(key) + g.space() + ":" + g.space() + value
}

func (g Generator) array(vs ...string) string {
	return "[" + g.space() + strings.Join(vs, g.space()+","+g.space()) + g.space() + "]"
}

func (g Generator) several(f func() string) []string {
	vs := make([]string, g.IntN(4))
	for i := range vs {
		vs[i] = f()
	}
	return vs
}

// text writes a JSON string for s, with escapes here and there.
func (g Generator) text(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		if r != '"' && r != '\\' && r >= ' ' && !g.one(20) {
			b.WriteRune(r)
			continue
		}
		switch i := strings.IndexRune("\"\\\b\f\n\r\t/", r); {
		case i >= 0 && g.one(2):
			b.WriteString(`\` + `"\bfnrt/`[i:i+1])
		case r > 0xFFFF:
			fmt.Fprintf(&b, g.pick(`\u%04x\u%04x`, `\u%04X\u%04X`), 0xD800+(r-0x10000)>>10, 0xDC00+(r-0x10000)&0x3FF)
		default:
			fmt.Fprintf(&b, g.pick(`\u%04x`, `\u%04X`), r)
		}
	}
	if g.fault(40) {
		b.WriteString(g.pick(`\ud800`, `\udc00`, `\ud800\ud800`, `\ud800\u0041`, "\xff", "\xc3", "\xed\xa0\x80", "\x01", "\n", `\x`, `\u12`, `\u00G0`))
	}
	b.WriteByte('"')
	return b.String()
}

func (g Generator) anyText() string {
	var b strings.Builder
	for range g.IntN(20) {
		b.WriteString(g.pick("a", "Z", "0", " ", "/", "<&>", `"`, `\`, "é", "€", "日本語", "😀", "\u2028", "\uffff", "\U0010ffff",
			"\x00", "\x1f", "\x7f", "\n", "\t", "plain words "))
	}
	return b.String()
}

// number writes a number in a form that DynamoDB takes.
func (g Generator) number() string {
	if g.fault(20) {
		return g.pick("", "-", "+", ".", "1e", "e5", "1.2.3", " 1", "1 ", "NaN", "Infinity", "0x10", "1_000", "--1", "1e+", "१")
	}
	switch g.IntN(6) {
	case 0:
		return g.pick("0", "-0", "0.0", "0e0", "12345678901234567890123456789012345678", "0.00000000000000000000000000000000000001",
			"1E125", "-1e-130", "-9.9999999999999999999999999999999999999E+125", "1.50", "9223372036854775808")
	case 1:
		return g.pick("+5", ".5", "-.5", "5.", "007", "-007.50", "00", "+.5e3", "1.e5")
	case 2:
		return fmt.Sprintf("%s%d.%d", g.pick("", "-"), g.IntN(1e6), g.IntN(1e6))
	case 3:
		return fmt.Sprint(g.Int64())
	}
	return fmt.Sprint(g.IntN(2000) - 1000)
}

func (g Generator) space() string {
	if g.one(7) {
		return g.pick(" ", "\n", "\t", "\r\n", "    ")
	}
	return ""
}

func (g Generator) one(in int) bool            { return g.IntN(in) == 0 }
func (g Generator) fault(in int) bool          { return g.faults && g.one(in) }
func (g Generator) pick(from ...string) string { return from[g.IntN(len(from))] }

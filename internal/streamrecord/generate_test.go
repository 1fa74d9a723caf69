package streamrecord_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// TestAgainstReference decodes generated batches: any order of members, white
// space, escapes, members that nobody knows, members that come twice, and now
// and then something that is wrong.
func TestAgainstReference(t *testing.T) {
	batches := 4000
	if testing.Short() {
		batches = 600
	}
	kinds := map[streamrecord.Kind]int{}
	codes := map[string]int{}
	for seed := range batches {
		g := generator{rand.New(rand.NewPCG(uint64(seed), 1)), seed%3 == 0}
		payload := []byte(g.batch())
		for _, cfg := range configs {
			d := streamrecord.NewDecoder(cfg)
			check(t, d, cfg, payload)
			if t.Failed() {
				t.Fatalf("seed %d: %s", seed, payload)
			}
			b, err := d.Decode(payload)
			if err != nil {
				continue
			}
			for _, r := range b.Records {
				kinds[r.Kind]++
				if r.Fault != nil {
					codes[r.Fault.Code]++
				}
			}
		}
	}
	t.Log(kinds, codes)
	if testing.Short() {
		return
	}
	for k := streamrecord.Event; k <= streamrecord.Undecodable; k++ {
		if kinds[k] < batches/100 {
			t.Errorf("only %d records of kind %v were generated", kinds[k], k)
		}
	}
	for _, code := range []string{streamrecord.BadRecord, streamrecord.MissingNewImage, streamrecord.MissingEvent, streamrecord.UnknownFormat, streamrecord.UnsupportedType, streamrecord.BadNumber,
		streamrecord.BadString, streamrecord.BadBinary, streamrecord.MissingHeader, streamrecord.BadHeader, streamrecord.MissingPayload, streamrecord.BadPayload} {
		if codes[code] == 0 {
			t.Errorf("no record had the fault %s", code)
		}
	}
}

// generator writes stream events. With faults, some of them are wrong.
type generator struct {
	*rand.Rand
	faults bool
}

func (g *generator) one(in int) bool   { return g.IntN(in) == 0 }
func (g *generator) fault(in int) bool { return g.faults && g.one(in) }

func (g *generator) pick(from ...string) string { return from[g.IntN(len(from))] }

func (g *generator) space() string {
	if g.one(6) {
		return g.pick(" ", "\n", "\t", "\r\n", "  ")
	}
	return ""
}

// text writes a JSON string for s, with escapes here and there.
func (g *generator) text(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\' || r < ' ' || g.one(20):
			if i := strings.IndexRune("\"\\\b\f\n\r\t/", r); i >= 0 && g.one(2) {
				b.WriteString(`\` + `"\bfnrt/`[i:i+1])
				continue
			}
			if r > 0xFFFF {
				fmt.Fprintf(&b, g.pick(`\u%04x\u%04x`, `\u%04X\u%04X`), 0xD800+(r-0x10000)>>10, 0xDC00+(r-0x10000)&0x3FF)
				continue
			}
			fmt.Fprintf(&b, g.pick(`\u%04x`, `\u%04X`), r)
		default:
			b.WriteRune(r)
		}
	}
	if g.fault(40) {
		b.WriteString(g.pick(`\ud800`, `\udc00`, `\ud800\ud800`, `\ud800\u0041`, "\xff", "\xc3", "\xed\xa0\x80", "\x01", "\n", `\x`, `\u12`, `\u00G0`))
	}
	b.WriteByte('"')
	return b.String()
}

func (g *generator) anyText() string {
	var b strings.Builder
	for range g.IntN(24) {
		b.WriteString(g.pick("a", "Z", "0", " ", "/", "<&>", `"`, `\`, "é", "€", "😀", "\u2028", "\x00", "\x1f", "\x7f", "\n", "\t", "plain words "))
	}
	return b.String()
}

func (g *generator) number() string {
	if g.fault(20) {
		return g.pick("", "-", "+", ".", "1e", "e5", "1.2.3", " 1", "1 ", "NaN", "Infinity", "0x10", "1_000", "--1", "1e+", "१")
	}
	switch g.IntN(5) {
	case 0:
		return fmt.Sprint(g.IntN(1000))
	case 1:
		return fmt.Sprintf("%s%d.%d", g.pick("", "-"), g.IntN(1e6), g.IntN(1e6))
	case 2:
		return g.pick("+5", ".5", "-.5", "5.", "007", "-007.50", "00", "+.5e3", "1.e5", "0.0", "-0")
	case 3:
		return g.pick("12345678901234567890123456789012345678", "1E125", "1e-130", "-9.9999999999999999999999999999999999999E+125", "0e0")
	}
	return fmt.Sprintf("%d%d", g.IntN(1e9)+1, g.IntN(1e9))
}

// object writes the members in any order, with unknown ones and some twice.
func (g *generator) object(ms ...string) string {
	g.Shuffle(len(ms), func(i, j int) { ms[i], ms[j] = ms[j], ms[i] })
	if len(ms) > 0 && g.one(30) {
		ms = append(ms, ms[g.IntN(len(ms))])
	}
	return "{" + g.space() + strings.Join(ms, g.space()+","+g.space()) + g.space() + "}"
}

func (g *generator) member(key, value string) string {
	return g.text(key) + g.space() + ":" + g.space() + value
}

func (g *generator) array(vs ...string) string {
	return "[" + g.space() + strings.Join(vs, g.space()+","+g.space()) + g.space() + "]"
}

func (g *generator) tagged(tag, value string) string {
	if g.fault(60) {
		return g.pick(`{}`, `null`, `"x"`, `{"X":"a"}`, `{"N":1}`, `{"S":"a","S":"b"}`, `{"S":"a","N":"1"}`, `{"S":null}`, `{"BOOL":"true"}`,
			`{"NULL":false}`, `{"M":[]}`, `{"L":{}}`, `{"SS":["a",1]}`, `{"B":"%"}`, `{"B":"YQ"}`, `{"s":["a"]}`, `{"BOOL"`+g.space()+`:true}`, `{"t":true}`)
	}
	return "{" + g.space() + g.member(tag, value) + g.space() + "}"
}

func (g *generator) several(f func() string) []string {
	var vs []string
	for range g.IntN(4) {
		vs = append(vs, f())
	}
	return vs
}

func (g *generator) value(depth int) string {
	kinds := 12
	if depth > 4 {
		kinds = 8
	}
	text := func() string { return g.text(g.anyText()) }
	number := func() string { return g.text(g.number()) }
	binary := func() string { return g.text(g.pick("", "aGk=", "aGk/", "+/9=", "YQ==", "////")) }
	switch g.IntN(kinds) {
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

// plain writes JSON text.
func (g *generator) plain(depth int) string {
	if g.fault(40) {
		return g.pick("", "{", "[1,]", "01", "1.", "+1", "nul", `"`, "{1:2}", `{"a"}`, "[1 2]", "1 2", "\uFEFF1", `"\ud800"`, "\"\x01\"", "tru", "-", "1e")
	}
	switch n := g.IntN(8); {
	case n == 0 && depth < 4:
		return g.object(g.several(func() string { return g.member(g.anyText(), g.plain(depth+1)) })...)
	case n == 1 && depth < 4:
		return g.array(g.several(func() string { return g.plain(depth + 1) })...)
	case n < 4:
		return g.text(g.anyText())
	}
	return g.pick("true", "false", "null", "0", "-1.5e+10", "123456789012345678901234567890", "1E400")
}

func (g *generator) headers() string {
	ms := []string{
		g.member("eventId", g.tagged("S", g.text("id"+g.anyText()))),
		g.member("eventName", g.tagged("S", g.text("Name"))),
		g.member("source", g.tagged("S", g.text(g.pick("a", "b")))),
		g.member("timestamp", g.tagged(g.pick("N", "N", "S"), g.text(g.pick("1764000000123", "1764000000123", "1.764e12", "946684800000", "4102444799999")))),
	}
	if g.fault(8) {
		ms[g.IntN(4)] = g.pick(g.member("eventId", g.tagged("S", `""`)), g.member("timestamp", g.tagged("N", `"1"`)),
			g.member("timestamp", g.tagged("S", `"soon"`)), g.member("source", g.tagged("N", `"5"`)), g.member("eventName", g.tagged("B", `"aGk="`)),
			g.member("timestamp", g.tagged("N", `"1764000000123.5"`)), g.member("timestamp", g.tagged("N", `"4102444800000"`)), g.member("x", g.value(1)))
	}
	for _, m := range []string{
		g.member("region", g.tagged("S", g.text(g.pick("", "eu-west-1")))),
		g.member("aggregateId", g.value(4)),
		g.member("sequence", g.pick(g.value(4), g.tagged("N", g.text(g.pick("1", "7.0", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e3"))))),
		g.member("traceparent", g.tagged("S", g.text("00-a-b-01"))),
		g.member("x-"+g.anyText(), g.value(2)),
	} {
		if g.one(2) {
			ms = append(ms, m)
		}
	}
	return g.tagged("M", g.object(ms...))
}

func (g *generator) event() string {
	payload := g.value(0)
	if g.one(3) {
		payload = g.tagged("S", g.text(g.plain(0)))
	}
	ms := []string{g.member("headers", g.headers()), g.member("payload", payload)}
	if g.fault(20) {
		ms = ms[:1]
	} else if g.fault(20) {
		ms = ms[1:]
	}
	if g.one(4) {
		ms = append(ms, g.member(g.pick("meta", "payload2", "", "headers", "payload"), g.value(1)))
	}
	return g.tagged("M", g.object(ms...))
}

func (g *generator) image() string {
	var ms []string
	if !g.fault(20) {
		ms = append(ms, g.member("event", g.event()))
	}
	if g.one(2) {
		ms = append(ms, g.member("fmt", g.pick(g.tagged("S", g.text("outbox/1")), g.tagged("S", g.text("outbox/1")), g.value(3), g.tagged("S", g.text("outbox/2")))))
	}
	ms = append(ms, g.member("pk", g.value(4)), g.member("ttl", g.tagged("N", g.text("1764000000"))))
	return g.object(ms...)
}

// junk is JSON that nothing is expected of.
func (g *generator) junk() string { return g.plain(2) }

func (g *generator) record() string {
	if g.fault(25) {
		return g.pick("null", "1", `"x"`, "[]", "{}", `[{"a":1}]`, `{"eventName":5}`, "true")
	}
	change := []string{
		g.member("SequenceNumber", g.pick(g.text(fmt.Sprint(g.Uint64())), g.text("111"), "null")),
		g.member("Keys", g.pick(`{"pk":{"S":"a"}}`, g.object(g.member("pk", g.value(4))), "null")),
		g.member("ApproximateCreationDateTime", g.pick("1764000000", `"1764000000"`, "1764000000.123", "1.764E9", "null", `""`, "-1", "1e30", "{}")),
	}
	if !g.fault(15) {
		change = append(change, g.member("NewImage", g.image()))
	}
	if g.one(10) {
		change = append(change, g.member("OldImage", g.image()), g.member("SizeBytes", "5"))
	}
	if g.one(2) {
		change = append(change, g.member("StreamViewType", g.text(g.pick("NEW_IMAGE", "NEW_AND_OLD_IMAGES"))))
	} else if g.fault(40) {
		change = append(change, g.member("StreamViewType", g.text(g.pick("KEYS_ONLY", "OLD_IMAGE"))))
	}
	ms := []string{
		g.member("eventName", g.text(g.pick("INSERT", "INSERT", "INSERT", "INSERT", "MODIFY", "REMOVE"))),
		g.member("dynamodb", g.object(change...)),
		g.member("eventSourceARN", g.text("arn:aws:dynamodb:eu-west-1:1:table/t/stream/"+g.pick("a", "b", g.anyText()))),
		g.member("awsRegion", g.pick(g.text("eu-west-1"), "null")),
		g.member("eventVersion", g.text("1.1")),
	}
	if g.one(3) {
		ms = append(ms, g.member("userIdentity", g.pick("null", g.object(g.member("type", g.text(g.pick("Service", "User"))),
			g.member("principalId", g.text(g.pick("dynamodb.amazonaws.com", "x")))))))
	}
	if g.one(5) {
		ms = append(ms, g.member(g.anyText(), g.junk()))
	}
	if g.fault(20) {
		ms[g.IntN(len(ms))] = g.member(g.pick("eventName", "dynamodb", "awsRegion", "eventSourceARN", "userIdentity"), g.junk())
	}
	return g.object(ms...)
}

func (g *generator) batch() string {
	ms := []string{g.member("Records", g.array(g.several(g.record)...))}
	if g.one(10) {
		ms = append(ms, g.member("window", g.pick("null", `{"start":"a"}`)), g.member("state", g.pick("{}", `{"a":1}`, "null")))
	}
	return g.space() + g.object(ms...) + g.space()
}

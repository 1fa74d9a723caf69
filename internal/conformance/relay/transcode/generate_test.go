package transcode

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator writes stream events that aws-lambda-go can decode: with white
// space, escapes and members in any order.
type generator struct{ *rand.Rand }

func (g generator) one(in int) bool { return g.IntN(in) == 0 }

func (g generator) pick(from ...string) string { return from[g.IntN(len(from))] }

func (g generator) space() string {
	if g.one(8) {
		return g.pick(" ", "\n", "\t", "\r\n", "    ")
	}
	return ""
}

func (g generator) text(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		if r != '"' && r != '\\' && r >= ' ' && !g.one(25) {
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
	b.WriteByte('"')
	return b.String()
}

func (g generator) anyText() string {
	var b strings.Builder
	for range g.IntN(16) {
		b.WriteString(g.pick("a", "Z", "0", " ", "é", "€", "😀", "日本語", `"`, `\`, "/", "&<>", "words and words ",
			"\x00", "\x1f", "\x7f", "\n", "\t", "\u2028", "\uffff", "\U0010ffff"))
	}
	return b.String()
}

func (g generator) member(key, value string) string {
	return g.text(key) + g.space() + ":" + g.space() + value
}

func (g generator) object(ms ...string) string {
	g.Shuffle(len(ms), func(i, j int) { ms[i], ms[j] = ms[j], ms[i] })
	return "{" + g.space() + strings.Join(ms, g.space()+","+g.space()) + g.space() + "}"
}

func (g generator) array(vs ...string) string {
	return "[" + g.space() + strings.Join(vs, g.space()+","+g.space()) + g.space() + "]"
}

func (g generator) tagged(tag, value string) string { return g.object(g.member(tag, value)) }

func (g generator) several(f func() string) []string {
	vs := make([]string, g.IntN(5))
	for i := range vs {
		vs[i] = f()
	}
	return vs
}

func (g generator) number() string {
	switch g.IntN(6) {
	case 0:
		return g.pick("0", "-0", "12345678901234567890123456789012345678", "0.00000000000000000000000000000000000001", "1E125", "-1e-130", "1.50", "9223372036854775808")
	case 1:
		return g.pick("+5", ".5", "-.5", "5.", "007", "-007.50", "+.5e3")
	case 2:
		return fmt.Sprintf("%s%d.%d", g.pick("", "-"), g.IntN(1e6), g.IntN(1e6))
	case 3:
		return fmt.Sprint(g.Int64())
	}
	return fmt.Sprint(g.IntN(2000) - 1000)
}

func (g generator) value(depth int) string {
	text := func() string { return g.text(g.anyText()) }
	number := func() string { return g.text(g.number()) }
	binary := func() string { return g.text(g.pick("aGk=", "aGk/", "+/8=", "YQ==", "", "////")) }
	n := 13
	if depth > 4 {
		n = 9
	}
	switch g.IntN(n) {
	default:
		return g.tagged("S", text())
	case 3, 4:
		return g.tagged("N", number())
	case 5:
		return g.pick(g.tagged("BOOL", "true"), g.tagged("BOOL", "false"))
	case 6:
		return g.tagged("NULL", "true")
	case 7:
		return g.tagged("B", binary())
	case 8:
		return g.pick(g.tagged("SS", g.array(g.several(text)...)), g.tagged("NS", g.array(g.several(number)...)), g.tagged("BS", g.array(g.several(binary)...)))
	case 9, 10:
		return g.tagged("L", g.array(g.several(func() string { return g.value(depth + 1) })...))
	case 11, 12:
		return g.tagged("M", g.object(g.several(func() string { return g.member(g.anyText(), g.value(depth+1)) })...))
	}
}

// plain writes JSON text.
func (g generator) plain(depth int) string {
	switch n := g.IntN(8); {
	case n < 2 && depth < 4:
		return g.object(g.several(func() string { return g.member(g.anyText(), g.plain(depth+1)) })...)
	case n == 2 && depth < 4:
		return g.array(g.several(func() string { return g.plain(depth + 1) })...)
	case n < 5:
		return g.text(g.anyText())
	}
	return g.pick("true", "false", "null", "0", "-1.5e+10", "123456789012345678901234567890", "1E400", "1.50")
}

func (g generator) headers(id string) string {
	ms := []string{
		g.member("eventId", g.tagged("S", g.text(id))),
		g.member("eventName", g.tagged("S", g.text("User.Created"))),
		g.member("source", g.tagged("S", g.text(g.pick("userService", "ordér")))),
		g.member("timestamp", g.tagged(g.pick("N", "N", "N", "S"), g.text(fmt.Sprint(1764000000000+g.Int64N(1e9))))),
	}
	for _, m := range []string{
		g.member("correlationId", g.tagged("S", g.text(g.anyText()))), g.member("createdBy", g.tagged("S", g.text(g.anyText()))),
		g.member("region", g.tagged("S", g.text(g.pick("", "eu-west-1")))), g.member("aggregateId", g.tagged("S", g.text(g.anyText()))),
		g.member("sequence", g.tagged("N", g.text(fmt.Sprint(g.IntN(1e6))))), g.member("x-"+g.anyText(), g.value(2)),
	} {
		if g.one(2) {
			ms = append(ms, m)
		}
	}
	return g.tagged("M", g.object(ms...))
}

func (g generator) image(id string) string {
	payload := g.tagged("M", g.object(g.member("value", g.value(1))))
	switch g.IntN(4) {
	case 0: // an S is JSON text
		payload = g.tagged("S", g.text(g.plain(0)))
	case 1:
		payload = g.tagged("L", g.array(g.several(func() string { return g.value(1) })...))
	}
	event := []string{g.member("headers", g.headers(id)), g.member("payload", payload)}
	if g.one(5) {
		event = append(event, g.member(g.pick("meta", "", "version"), g.value(1)))
	}
	ms := []string{g.member("event", g.tagged("M", g.object(event...))), g.member("pk", g.tagged("S", g.text(id)))}
	if g.one(3) {
		ms = append(ms, g.member("ttl", g.tagged("N", g.text("1764000000"))), g.member("other", g.value(1)))
	}
	return g.object(ms...)
}

func (g generator) record(id string) string {
	change := []string{
		g.member("SequenceNumber", g.text(fmt.Sprint(g.Uint64()))),
		g.member("Keys", g.object(g.member("pk", g.tagged("S", g.text(id))))),
		g.member("NewImage", g.image(id)),
		g.member("ApproximateCreationDateTime", fmt.Sprint(1764000000+g.IntN(1e6))),
		g.member("StreamViewType", g.text(g.pick("NEW_IMAGE", "NEW_AND_OLD_IMAGES"))),
		g.member("SizeBytes", "1000"),
	}
	if g.one(10) {
		change = append(change, g.member("OldImage", g.image(id)))
	}
	ms := []string{
		g.member("eventID", g.text(id)), g.member("eventName", g.text(g.pick("INSERT", "INSERT", "INSERT", "INSERT", "INSERT", "INSERT", "MODIFY", "REMOVE"))),
		g.member("eventVersion", g.text("1.1")), g.member("eventSource", g.text("aws:dynamodb")), g.member("awsRegion", g.text("eu-west-1")),
		g.member("dynamodb", g.object(change...)), g.member("eventSourceARN", g.text("arn:aws:dynamodb:eu-west-1:1:table/t/stream/"+g.pick("a", "b"))),
	}
	if g.one(8) {
		ms = append(ms, g.member("userIdentity", g.object(g.member("type", g.text(g.pick("Service", "User"))), g.member("principalId", g.text("dynamodb.amazonaws.com")))))
	}
	if g.one(8) {
		ms = append(ms, g.member("unknown "+g.anyText(), g.plain(2)))
	}
	return g.object(ms...)
}

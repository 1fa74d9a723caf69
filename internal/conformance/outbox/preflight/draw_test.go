package preflight

import (
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
)

// draw makes values at random. A draw that is not hostile makes only what
// DynamoDB takes, so that about half of the transactions are taken.
type draw struct {
	t       *rapid.T
	hostile bool
}

// bits returns k random bits. Rapid's own integers are small more often than
// not, which would make every rare thing still rarer.
func (d draw) bits(k int) int {
	n := 0
	for range k {
		n *= 2
		if rapid.Bool().Draw(d.t, "") {
			n++
		}
	}
	return n
}

func (d draw) pick(n int) int { return d.bits(9) % n }

// chance is true n times in 512.
func (d draw) chance(n int) bool { return d.bits(9) >= 512-n }

// fault is true n times in 256 if the draw is hostile.
func (d draw) fault(n int) bool { return d.hostile && d.bits(8) >= 256-n }

func oneOf[T any](d draw, values ...T) T { return values[d.pick(len(values))] }

// nesting says how deep values may be in a place, and from where on they are
// refused; 0 is nowhere. The depth of an expression's value is looked at in some
// regions and not in others, so one that is deeper than an item's is not made.
type nesting struct{ most, over int }

var (
	ofItem       = nesting{31, 32}
	ofExpression = nesting{31, 0}
)

// value makes the value of an attribute or of a placeholder.
func (d draw) value(n nesting) types.AttributeValue {
	switch {
	case d.chance(16):
		return d.chain(n.most - d.pick(3))
	case n.over > 0 && d.fault(8):
		return d.chain(n.over + d.pick(3))
	}
	return d.nested(4)
}

// chain makes so many maps and lists within each other.
func (d draw) chain(levels int) types.AttributeValue {
	leaf := text("x")
	if d.bits(1) == 0 {
		leaf, levels = oneOf(d, object(attrs{}), list()), levels-1
	}
	if d.bits(1) == 0 {
		return maps(levels, leaf)
	}
	return lists(levels/2, maps(levels-levels/2, leaf))
}

func (d draw) nested(depth int) types.AttributeValue {
	if d.fault(6) {
		// Neither nil nor a kind of a later SDK, which the library refuses in a
		// list and engines do not get to see (TestElementsThatAreNotSent).
		return oneOf[types.AttributeValue](d, null(false), &types.AttributeValueMemberB{},
			(*types.AttributeValueMemberS)(nil), (*types.AttributeValueMemberL)(nil), &types.AttributeValueMemberBS{Value: [][]byte{nil}})
	}
	kinds := 10
	if depth == 0 {
		kinds = 8
	}
	switch d.pick(kinds) {
	case 0:
		return text(d.text())
	case 1:
		return number(d.number())
	case 2:
		return binary(d.text())
	case 3:
		return &types.AttributeValueMemberBOOL{Value: d.bits(1) == 0}
	case 4:
		return null(true)
	case 5:
		return texts(d.set(func(i int) string { return d.text() + strconv.Itoa(i) })...)
	case 6:
		return numbers(d.set(func(i int) string { return oneOf(d, "", "-", "0.", "1e") + strconv.Itoa(i+1) })...)
	case 7:
		return binaries(d.set(strconv.Itoa)...)
	case 8:
		m := attrs{}
		for range d.pick(4) {
			m[d.name()] = d.nested(depth - 1)
		}
		if d.fault(4) {
			m["nil"] = oneOf[types.AttributeValue](d, nil, &types.UnknownUnionMember{Tag: "Z"})
		}
		return object(m)
	}
	l := make([]types.AttributeValue, d.pick(4))
	for i := range l {
		l[i] = d.nested(depth - 1)
	}
	return list(l...)
}

// set makes the members of a set of one member at least, each other than the
// rest.
func (d draw) set(member func(i int) string) (set []string) {
	if d.fault(8) {
		return nil
	}
	members := 1 + d.pick(4)
	if d.chance(8) {
		members = 20
	}
	seen := map[string]bool{}
	for i := range members {
		if m := member(i); !seen[canonical(m)] {
			seen[canonical(m)] = true
			set = append(set, m)
		}
	}
	if d.fault(8) {
		set = append(set, set[d.pick(len(set))])
	}
	return set
}

// canonical is the same for two texts that are the same number, or the same when
// they are sent.
func canonical(s string) string {
	if n, ok := decimal.Parse(s); ok {
		return string(n.AppendPlain(nil))
	}
	return string([]rune(s))
}

func (d draw) text() string {
	if d.chance(16) {
		return long(d.bits(9))
	}
	return oneOf(d, "", "a", "abc", "é", "€", "😀", "\x00", "\n\"\\", "\u2028", "a\xff", "\xe2\x82", "</>&", " ", "1")
}

func (d draw) name() string {
	switch {
	case d.fault(6):
		return oneOf(d, "", long(65536), strings.Repeat("é", 32768))
	case d.chance(1):
		return long(65535)
	case d.chance(8):
		return long(1 + d.bits(9))
	}
	return oneOf(d, "a", "b", "c", "d", "é", "a b", "#a", ":v", "a.b", "\x00", "😀", "\xff", "size")
}

// number makes a number in any spelling, near the limits more often than not. It
// has no digits but 0 to 9: DynamoDB Local takes those of any script (TestValues,
// "digits of another script").
func (d draw) number() string {
	n := oneOf(d, "0", "1", "-1", "42", "19.95", "-0", "0.0", "+7", "007", ".5", "5.", "1e3", "1E+3", "1e-3", "0e125", "0e-130", "1e125", "-1e125", "9.9e125", "1e-130", "-1e-130",
		strings.Repeat("9", 38), "-"+strings.Repeat("9", 38), "0."+strings.Repeat("9", 38), strings.Repeat("1", 38)+"000", "-7.7777777777777777777777777777777777777",
		"1234567890123456789012345678.901234567", "1e126", "-1e126", "1e-131", "9.9e-131", strings.Repeat("9", 39), "0."+strings.Repeat("3", 39), "0e126", "-0.0e-131", "0e999",
		"", "-", "x", " 1", "1 ", "1e", "1e+", ".", "--1", "0x10", "NaN", "Infinity", "1_0", "1,0")
	if d.chance(256) {
		digits := strconv.Itoa(1 + d.bits(9))
		digits += strings.Repeat(digits, d.pick(14))
		point := d.pick(len(digits) + 1)
		n = digits[:point] + "." + digits[point:]
		if d.bits(1) == 0 {
			n += "e" + strconv.Itoa(d.bits(9)-256)
		}
		if d.bits(1) == 0 {
			n = "-" + n
		}
	}
	if _, err := itemsize.CheckValue(number(n)); err != nil && !d.fault(64) {
		return "3"
	}
	return n
}

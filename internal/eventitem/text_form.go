package eventitem

import (
	"strings"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/buslimits"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
)

// checker walks over JSON that is stored as it is, as the text of a string, and
// refuses what is not exact JSON and what EventBridge refuses.
type checker struct {
	scanner
}

// checkText checks a JSON text whose own level of nesting within the published
// Detail is level.
func checkText(text string, level int) *ValueError {
	c := checker{scanner{src: text}}
	c.space()
	if err := c.value(level); err != nil {
		return err
	}
	return c.end()
}

func (c *checker) value(level int) *ValueError {
	switch c.peek() {
	case '{':
		return c.object(level)
	case '[':
		return c.array(level)
	case '"':
		_, _, err := c.text()
		return err
	case 't':
		return c.literal("true")
	case 'f':
		return c.literal("false")
	case 'n':
		return c.literal("null")
	}
	return c.number()
}

func (c *checker) literal(word string) *ValueError {
	if !c.word(word) {
		return c.malformed()
	}
	return nil
}

func (c *checker) number() *ValueError {
	text := c.numberText()
	n, ok := decimal.ParseJSON(text)
	if !ok {
		return c.malformed()
	}
	if problem := textNumberProblem(text, n); problem != "" {
		return fault(problem)
	}
	return nil
}

// textNumberProblem says why EventBridge refuses a number that is published as
// it was written, or "".
func textNumberProblem(text string, n decimal.Number) string {
	switch {
	case !strings.ContainsAny(text, ".eE") && !n.FitsInt64():
		return bigInteger
	case !n.FitsFloat64():
		return "a number too large for a float64, which most JSON readers refuse"
	}
	return ""
}

func (c *checker) object(level int) *ValueError {
	if level > buslimits.MaxDetailDepth {
		return fault(tooDeepForBus)
	}
	c.pos++ // brace
	var keys keySet
	c.space()
	for more := !c.accept('}'); more; {
		key, _, err := c.text()
		if err != nil {
			return err
		}
		if !keys.add(key) {
			return fault(duplicateKey).inMember(key)
		}
		c.space()
		if !c.accept(':') {
			return c.malformed()
		}
		c.space()
		if err := c.value(level + 1); err != nil {
			return err.inMember(key)
		}
		c.space()
		switch {
		case c.accept(','):
			c.space()
		case c.accept('}'):
			more = false
		default:
			return c.malformed()
		}
	}
	return nil
}

func (c *checker) array(level int) *ValueError {
	if level > buslimits.MaxDetailDepth {
		return fault(tooDeepForBus)
	}
	c.pos++ // bracket
	c.space()
	more := !c.accept(']')
	for i := 0; more; i++ {
		if err := c.value(level + 1); err != nil {
			return err.inElement(i)
		}
		c.space()
		switch {
		case c.accept(','):
			c.space()
		case c.accept(']'):
			more = false
		default:
			return c.malformed()
		}
	}
	return nil
}

// keySet holds the keys of one object. Few of them need no map.
type keySet struct {
	few  [8]string
	n    int
	many map[string]struct{}
}

// add reports whether key was not in the set before.
func (k *keySet) add(key string) bool {
	if k.many != nil {
		before := len(k.many)
		k.many[key] = struct{}{}
		return len(k.many) > before
	}
	for _, other := range k.few[:k.n] {
		if other == key {
			return false
		}
	}
	if k.n < len(k.few) {
		k.few[k.n] = key
		k.n++
		return true
	}
	k.many = make(map[string]struct{}, 4*len(k.few))
	for _, other := range k.few {
		k.many[other] = struct{}{}
	}
	k.many[key] = struct{}{}
	return true
}

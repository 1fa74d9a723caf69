package eventitem

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/buslimits"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// walker reads one JSON text. With values, it makes attribute values of it, for
// the form [Map]; without, it only checks that the text can be stored and
// published as it is, for the form [JSONText].
//
// What is read and how is the same in both. What differs is what they refuse:
// a map cannot hold every number, key and depth, and what is published as text
// is read by others as it is.
type walker struct {
	src     string
	pos     int
	values  *values // nil: nothing is made
	scratch []byte  // of the text of one string
}

// walk reads the whole of a JSON text, whose own level of nesting within what
// is stored or published is level.
func (w *walker) walk(level int) (types.AttributeValue, *ValueError) {
	w.space()
	v, err := w.value(level)
	if err != nil {
		return nil, err
	}
	if w.space(); w.pos < len(w.src) {
		return nil, w.fault(jsonlex.Syntax)
	}
	return v, nil
}

// fault is what is wrong with the text at the walker's position.
func (w *walker) fault(bad jsonlex.Fault) *ValueError {
	return fault(bad.String() + " at byte " + strconv.Itoa(w.pos))
}

func (w *walker) space() { w.pos = jsonlex.Space(w.src, w.pos) }

// value reads a value. Without values to make, the result is nil.
func (w *walker) value(level int) (types.AttributeValue, *ValueError) {
	switch c := jsonlex.At(w.src, w.pos); c {
	case '{':
		return w.object(level)
	case '[':
		return w.array(level)
	case '"':
		start := w.pos
		plain, err := w.pass()
		if err != nil || w.values == nil {
			return nil, err
		}
		text, quoted := w.text(start, plain)
		w.values.published += quoted
		return w.values.text(text), nil
	case 't', 'f', 'n':
		start := w.pos
		end, bad := jsonlex.Word(w.src, start)
		if bad != jsonlex.None {
			return nil, w.fault(bad)
		}
		w.pos = end
		if w.values == nil {
			return nil, nil
		}
		w.values.published += end - start
		return w.values.word(c), nil
	}
	return w.number()
}

// pass goes to the end of a string, and reports whether it has no escapes.
func (w *walker) pass() (plain bool, err *ValueError) {
	var bad jsonlex.Fault
	if w.pos, plain, bad = jsonlex.String(w.src, w.pos); bad != jsonlex.None {
		return false, w.fault(bad)
	}
	return plain, nil
}

// text returns the text of the string that began at start and that the walker
// has passed, and how long it is as published JSON.
func (w *walker) text(start int, plain bool) (text string, quoted int) {
	if plain {
		return w.src[start+1 : w.pos-1], w.pos - start
	}
	w.scratch = jsonlex.AppendText(w.scratch[:0], w.src, start)
	return string(w.scratch), jsonlex.QuotedLen(w.scratch)
}

func (w *walker) number() (types.AttributeValue, *ValueError) {
	var n decimal.Number
	var ok bool
	if w.pos, ok = n.Scan(w.src, w.pos, jsonlex.JSON); !ok {
		return nil, w.fault(jsonlex.Syntax)
	}
	if w.values == nil {
		return nil, checkPublished(&n)
	}
	if err := checkStored(&n); err != nil {
		return nil, err
	}
	return w.values.number(&n), nil
}

// object reads an object.
func (w *walker) object(level int) (types.AttributeValue, *ValueError) {
	if err := w.checkLevel(level); err != nil {
		return nil, err
	}
	var (
		keys keySet                          // of the text form
		m    map[string]types.AttributeValue // of the map form, which knows its keys itself
		more bool
	)
	if w.values != nil {
		m = make(map[string]types.AttributeValue)
	}
	for w.pos, more = jsonlex.First(w.src, w.pos); more; {
		start := w.pos
		plain, err := w.pass()
		if err != nil {
			return nil, err
		}
		key, quoted := w.text(start, plain)
		var bad jsonlex.Fault
		if w.pos, bad = jsonlex.Colon(w.src, w.pos); bad != jsonlex.None {
			return nil, w.fault(bad)
		}
		var repeated bool
		if w.values == nil {
			repeated = !keys.add(key)
			_, err = w.value(level + 1)
		} else if err = checkKeyOfMap(key); err == nil {
			w.values.published += quoted + len(":")
			w.values.size += len(key) + itemsize.Element
			before := len(m)
			m[key], err = w.value(level + 1)
			repeated = len(m) == before
		}
		switch {
		case err != nil:
			return nil, err.inMember(key)
		case repeated:
			return nil, fault(duplicateKey).inMember(key)
		}
		if more, err = w.next('}'); err != nil {
			return nil, err
		}
	}
	if w.values == nil {
		return nil, nil
	}
	return w.values.object(m), nil
}

// array reads an array.
func (w *walker) array(level int) (types.AttributeValue, *ValueError) {
	if err := w.checkLevel(level); err != nil {
		return nil, err
	}
	list := []types.AttributeValue{} // the SDK sends nothing for nil
	var more bool
	w.pos, more = jsonlex.First(w.src, w.pos)
	for i := 0; more; i++ {
		v, err := w.value(level + 1)
		if err != nil {
			return nil, err.inElement(i)
		}
		if w.values != nil {
			list = append(list, v)
		}
		if more, err = w.next(']'); err != nil {
			return nil, err
		}
	}
	if w.values == nil {
		return nil, nil
	}
	return w.values.array(list), nil
}

// next goes on behind a member, and reports whether there is another one.
func (w *walker) next(closing byte) (more bool, err *ValueError) {
	var bad jsonlex.Fault
	w.pos, more, bad = jsonlex.Next(w.src, w.pos, closing)
	if bad != jsonlex.None {
		return false, w.fault(bad)
	}
	if more && w.values != nil {
		w.values.published++ // the comma
	}
	return more, nil
}

// checkLevel checks that an object or array may be on a level of nesting.
func (w *walker) checkLevel(level int) *ValueError {
	switch {
	case w.values != nil && level > itemsize.MaxLevel:
		return mapFault(tooDeep)
	case level > buslimits.MaxDetailDepth:
		return fault(tooDeepForBus)
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
	if k.many == nil {
		k.many = map[string]struct{}{}
	}
	before := len(k.many)
	k.many[key] = struct{}{}
	return len(k.many) > before
}

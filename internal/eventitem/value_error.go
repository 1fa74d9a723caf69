package eventitem

import (
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// ValueError says which value of an event cannot be stored or published, and
// why. It has no package prefix and names no event, for it is the detail of an
// error that does both. It holds keys of the payload, never values.
type ValueError struct {
	// Path leads to the value: payload.lines[3].price, headers.timestamp, or
	// the name of an attribute of the item. A key that could be misread, such
	// as one with a dot, is quoted: payload["a.b"]. A long path is shortened
	// in the middle.
	Path string

	// Problem is what is wrong with it, with the limit if there is one.
	Problem string

	// MapOnly reports that the fault is one of the form [Map] alone: [JSONText]
	// takes this value. It may refuse another one.
	MapOnly bool

	trail jsonlex.Trail // until Path is made
}

func (e *ValueError) Error() string {
	return e.Path + ": " + e.Problem
}

func fault(problem string) *ValueError    { return &ValueError{Problem: problem} }
func mapFault(problem string) *ValueError { return &ValueError{Problem: problem, MapOnly: true} }
func faultAt(attribute, problem string) *ValueError {
	return fault(problem).inMember(attribute).under("")
}

// inMember and inElement note, on an error's way out, where it came from.
func (e *ValueError) inMember(key string) *ValueError {
	e.trail.Key(key)
	return e
}

func (e *ValueError) inElement(index int) *ValueError {
	e.trail.Index(index)
	return e
}

// under makes the Path: root and the trail below it.
func (e *ValueError) under(root string) *ValueError {
	e.Path, e.trail = e.trail.Path(root), nil
	return e
}

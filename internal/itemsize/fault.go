package itemsize

import (
	"fmt"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// Fault says which value of an item cannot be sent or stored, and why. It has no
// package prefix, for it is the detail of an error that has one. It holds names,
// never values.
type Fault struct {
	// Path leads to the value: lines[3].price, or the name of an attribute.
	Path string

	// Problem is what is wrong with it. Size and Limit are bytes, where a limit
	// is passed; else 0.
	Problem     string
	Size, Limit int

	deep  bool          // it is one of nesting
	trail jsonlex.Trail // until Path is made
}

func (f *Fault) Error() string {
	text := f.Path
	if f.Problem != "" {
		text += ": " + f.Problem
	}
	if f.Limit > 0 {
		text += fmt.Sprintf(": %d bytes, at most %d", f.Size, f.Limit)
	}
	return text
}

func wrong(problem string) *Fault { return &Fault{Problem: problem} }

// inMember and inElement note, on a fault's way out, where it came from.
func (f *Fault) inMember(name string) *Fault {
	f.trail.Key(name)
	return f
}

func (f *Fault) inElement(index int) *Fault {
	f.trail.Index(index)
	return f
}

// placed makes the Path.
func (f *Fault) placed() *Fault {
	f.Path, f.trail = f.trail.Path(""), nil
	return f
}

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

	deep  bool   // it is one of nesting
	steps []step // from the innermost to the outermost, until Path is made
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

// step is one level of a path: the name of a member, or the index of an element.
type step struct {
	name  string
	index int // -1: the name is meant
}

func wrong(problem string) *Fault { return &Fault{Problem: problem} }

// inMember and inElement note, on a fault's way out, where it came from.
func (f *Fault) inMember(name string) *Fault {
	f.steps = append(f.steps, step{name: name, index: -1})
	return f
}

func (f *Fault) inElement(index int) *Fault {
	f.steps = append(f.steps, step{index: index})
	return f
}

// placed makes the Path.
func (f *Fault) placed() *Fault {
	var path []byte
	for i := len(f.steps) - 1; i >= 0; i-- {
		if s := f.steps[i]; s.index < 0 {
			path = jsonlex.AppendKey(path, s.name)
		} else {
			path = jsonlex.AppendIndex(path, s.index)
		}
	}
	f.Path, f.steps = jsonlex.Path(path), nil
	return f
}

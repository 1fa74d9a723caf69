// Package isnil tells whether an argument is missing: constructors say so, in
// place of a panic at the first call.
package isnil

import "reflect"

// Value reports whether v is nil, or holds a nil pointer, func or the like.
func Value(v any) bool {
	if v == nil {
		return true
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Slice, reflect.Chan, reflect.Interface:
		return r.IsNil()
	default:
		return false
	}
}

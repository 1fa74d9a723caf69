package preflight

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// GoString is what rapid shows of a transaction that fails.
func (tx transaction) GoString() string {
	text := fmt.Sprintf("store %s, token %q\n", *tx.store.table, aws.ToString(tx.token))
	for i, a := range tx.actions {
		text += fmt.Sprintf("[%d] %s\n", i, show(reflect.ValueOf(a)))
	}
	for _, ev := range tx.events {
		text += fmt.Sprintf("event %s with %d bytes\n", ev.Headers.EventID, len(ev.Payload))
	}
	return text
}

// show is a value with what its pointers point to, without its zero fields, and
// with long texts cut.
func show(v reflect.Value) string {
	var parts []string
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return v.Type().String() + "(nil)"
		}
		return show(v.Elem())
	case reflect.String:
		if text := v.String(); len(text) > 300 {
			return fmt.Sprintf("%q… (%d bytes)", text[:300], len(text))
		}
		return fmt.Sprintf("%q", v)
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Field(i).IsZero() {
				parts = append(parts, v.Type().Field(i).Name+" "+show(v.Field(i)))
			}
		}
		return strings.TrimPrefix(v.Type().Name(), "AttributeValueMember") + "{" + strings.Join(parts, ", ") + "}"
	case reflect.Map:
		for _, key := range v.MapKeys() {
			parts = append(parts, show(key)+": "+show(v.MapIndex(key)))
		}
	case reflect.Slice:
		for i := range v.Len() {
			parts = append(parts, show(v.Index(i)))
		}
	default:
		return fmt.Sprint(v)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

package jsonlex_test

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// TestMarks tries every byte at every place, among others.
func TestMarks(t *testing.T) {
	lowest := func(w [8]byte, is func(byte) bool) int {
		for i, c := range w {
			if is(c) {
				return i
			}
		}
		return 8
	}
	each := func(w [8]byte, is func(byte) bool) (marks uint64) {
		for i, c := range w {
			if is(c) {
				marks |= 0x80 << (8 * i)
			}
		}
		return marks
	}
	for place := range 8 {
		for c := range 256 {
			for _, other := range []byte("a \x00\x1f!\"#/09:[\\]\x7f\x80\xa2\xdc\xff") {
				var b [8]byte
				for i := range b {
					b[i] = other
				}
				b[place] = byte(c)
				w := binary.LittleEndian.Uint64(b[:])
				if got, want := jsonlex.Index(jsonlex.Special(w)), lowest(b, func(c byte) bool { return c < ' ' || c == '"' || c == '\\' }); got != want {
					require.Equal(t, want, got, "Special %q", b)
				}
				if got, want := jsonlex.Escaped(jsonlex.Narrow(w)), each(b, func(c byte) bool { return c < ' ' || c == '"' || c == '\\' }); got != want {
					require.Equal(t, want, got, "Escaped %q", b)
				}
				if w&jsonlex.Highs == 0 {
					require.Equal(t, w, jsonlex.Narrow(w), "Narrow %q", b)
				}
				if got, want := jsonlex.Index(jsonlex.SpecialOrWide(w)), lowest(b, func(c byte) bool { return c < ' ' || c == '"' || c == '\\' || c > '~'+1 }); got != want {
					require.Equal(t, want, got, "SpecialOrWide %q", b)
				}
			}
		}
	}
}

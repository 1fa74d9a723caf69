package streamrecord

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// Strings are copied with as few escapes as JSON allows, whatever escapes the
// stream has. Each is copied eight bytes at a time, and whole: what is behind
// its end is overwritten by what comes next.

// spare is how many bytes behind its result a copy may overwrite.
const spare = 8

// store writes w to dst[n:], which must have room for it.
func store(dst []byte, n int, w uint64) {
	binary.LittleEndian.PutUint64(dst[n:n+8], w)
}

// copyString copies the JSON string at src[p] to dst[n:].
func copyString(dst, src []byte, n, p int) (int, int, problem) {
	if jsonlex.At(src, p) != '"' {
		return n, p, unexpected(src, p)
	}
	dst[n] = '"'
	n, p = n+1, p+1
	for {
		w := jsonlex.Load(src, p)
		store(dst, n, w)
		m := jsonlex.SpecialOrWide(w)
		if m == 0 {
			n, p = n+8, p+8
			continue
		}
		k := jsonlex.Index(m)
		n, p = n+k, p+k
		if byte(w>>(8*k)) == '"' {
			return n + 1, p + 1, none
		}
		if jsonlex.At(src, p) == '\\' && jsonlex.At(src, p+1) == '"' { // as most escapes are
			dst[n], dst[n+1] = '\\', '"'
			n, p = n+2, p+2
			continue
		}
		n, p, bad := copyText(dst, src, n, p, true)
		dst[n] = '"'
		return n + 1, p, bad
	}
}

// unquote copies the text of the JSON string at src[p] to dst[n:], without
// escapes and quotes.
func unquote(dst, src []byte, n, p int) (int, int, problem) {
	if jsonlex.At(src, p) != '"' {
		return n, p, unexpected(src, p)
	}
	return copyText(dst, src, n, p+1, false)
}

// copyText copies what is left of a JSON string at src[p], behind ASCII, to
// dst[n:], and returns the position behind the closing quote, which is not
// copied. What has to be escaped in JSON is, if escaped is set.
func copyText(dst, src []byte, n, p int, escaped bool) (int, int, problem) {
	start := n
	wide := false // there is more than ASCII
	for {
		w := jsonlex.Load(src, p)
		store(dst, n, w)
		m := jsonlex.Special(w)
		if m == 0 {
			wide = wide || w&jsonlex.Highs != 0
			n, p = n+8, p+8
			continue
		}
		wide = wide || w&jsonlex.Highs&(m&-m-1) != 0
		k := jsonlex.Index(m)
		n, p = n+k, p+k
		switch c := jsonlex.At(src, p); {
		case c == '"':
			if wide && !utf8.Valid(dst[start:n]) {
				return n, p, badString
			}
			return n, p + 1, none
		case c == '\\':
			if e := jsonlex.At(src, p+1); e == '"' || e == '\\' { // as nearly all are
				if escaped {
					dst[n] = '\\'
					n++
				}
				dst[n] = e
				n, p = n+1, p+2
				continue
			}
			r, q, bad := jsonlex.Escape(src, p)
			if bad != jsonlex.None {
				return n, p, badString
			}
			if p = q; escaped {
				n += jsonlex.PutRune(dst[n:], r)
			} else {
				n += utf8.EncodeRune(dst[n:], r)
			}
		case p >= len(src):
			return n, p, malformed
		case c < ' ':
			return n, p, badString
		default: // near the end of the source, where Load finds nothing
			wide = wide || c >= utf8.RuneSelf
			dst[n] = c
			n, p = n+1, p+1
		}
	}
}

// copyKey copies the key at src[p] and the colon behind it, and returns the
// position of the value.
func copyKey(dst, src []byte, n, p int) (int, int, problem) {
	if jsonlex.At(src, p) != '"' {
		return n, p, malformed
	}
	n, p, bad := copyString(dst, src, n, p)
	if bad != none {
		return n, p, bad
	}
	p, fault := jsonlex.Colon(src, p)
	if fault != jsonlex.None {
		return n, p, malformed
	}
	dst[n] = ':'
	return n + 1, p, none
}

// copyBinary copies the base64 string at src[p].
func copyBinary(dst, src []byte, n, p int) (int, int, problem) {
	end, q, bad := copyString(dst, src, n, p)
	if bad == none && !isBase64(dst[n+1:end-1]) {
		bad = badBinary
	}
	return end, q, bad
}

// isBase64 reports whether s is base64 in the standard alphabet with padding,
// the form of a B.
func isBase64(s []byte) bool {
	if len(s)%4 != 0 {
		return false
	}
	for range 2 {
		if len(s) > 0 && s[len(s)-1] == '=' {
			s = s[:len(s)-1]
		}
	}
	for _, c := range s {
		if !base64Alphabet[c] {
			return false
		}
	}
	return len(s)%4 != 1
}

var base64Alphabet = func() (set [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" {
		set[c] = true
	}
	return set
}()

// short returns the length of the text that w begins with, if it is plain
// ASCII with a closing quote behind it; else -1.
func short(w uint64) int {
	m := jsonlex.SpecialOrWide(w)
	if m == 0 {
		return -1
	}
	k := jsonlex.Index(m)
	if byte(w>>(8*k)) != '"' {
		return -1
	}
	return k
}

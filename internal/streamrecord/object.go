package streamrecord

// The objects around an item (the invocation, a record, its dynamodb part, an
// image) are walked member by member: first, then key and next for each. A
// position of -1 means that the object is damaged.

// first enters the object or array at src[p]. It returns the position of its
// first member and whether there is one; if not, the position behind it.
func first(src []byte, p int) (int, bool) {
	closing := at(src, p) + 2
	p = space(src, p+1)
	if at(src, p) == closing {
		return p + 1, false
	}
	return p, true
}

// next returns the position of the member after the one that ends at src[p],
// and whether there is one; if not, the position behind the object or array,
// which ends with closing.
func next(src []byte, p int, closing byte) (int, bool) {
	if at(src, p) == ',' && at(src, p+1) > ' ' {
		return p + 1, true
	}
	return anyNext(src, p, closing)
}

func anyNext(src []byte, p int, closing byte) (int, bool) {
	if p < 0 {
		return -1, false
	}
	p = space(src, p)
	switch at(src, p) {
	case ',':
		return space(src, p+1), true
	case closing:
		return p + 1, false
	}
	return -1, false
}

// key reads the key at src[p] and returns it with the position of its value.
// The key is valid until the next call of key or text; it is nil if it is not
// valid JSON, and then it is not one that anybody looks for.
func (d *Decoder) key(p int) ([]byte, int) {
	src, q := d.src, p+1
	m := specialOrWide(load(src, q))
	for m == 0 {
		q += 8
		m = specialOrWide(load(src, q))
	}
	q += index(m)
	if at(src, p) == '"' && at(src, q) == '"' && at(src, q+1) == ':' && at(src, q+2) > ' ' {
		return src[p+1 : q], q + 2
	}
	return d.anyKey(p)
}

func (d *Decoder) anyKey(p int) ([]byte, int) {
	if at(d.src, p) != '"' {
		return nil, -1
	}
	name, p, _ := d.text(p)
	if p < 0 {
		return nil, -1
	}
	if p = space(d.src, p); at(d.src, p) != ':' {
		return nil, -1
	}
	return name, space(d.src, p+1)
}

// text reads the string at src[p] and reports whether it is valid JSON. It is
// valid until the next call of key or text.
func (d *Decoder) text(p int) ([]byte, int, bool) {
	src, from := d.src, p+1
	p = from
	m := specialOrWide(load(src, p))
	for m == 0 {
		p += 8
		m = specialOrWide(load(src, p))
	}
	p += index(m)
	if at(src, p) == '"' {
		return src[from:p], p + 1, true
	}
	end := skipString(src, from)
	if end < 0 {
		return nil, -1, false
	}
	buffer := d.scratchOf(end - from)
	n, _, bad := unquote(buffer, src[:end], 0, from)
	if bad != none {
		return nil, end, false
	}
	return buffer[:n], end, true
}

// spare is how many bytes behind its result a copy may overwrite.
const spare = 8

// scratchOf returns a buffer for a result of at most n bytes. There is only
// one: it is good until the next call.
func (d *Decoder) scratchOf(n int) []byte {
	if len(d.scratch) < n+spare {
		d.scratch = make([]byte, n+spare)
	}
	return d.scratch
}

// optionalText is text for a value that may be null, which is "", and that
// need not be a string, which is reported.
func (d *Decoder) optionalText(p int) ([]byte, int, bool) {
	if at(d.src, p) == '"' {
		return d.text(p)
	}
	end := skip(d.src, p)
	return nil, end, isNull(d.src, p, end)
}

func isNull(src []byte, p, end int) bool {
	return end >= 0 && string(src[p:end]) == "null"
}

package streamrecord

// checkText reports what keeps s from being JSON text that can stand inside a
// Detail, in depth containers. It asks what json.Valid asks, and that no
// escaped surrogate lacks its other half. s must be valid UTF-8.
func (open *nesting) checkText(s []byte, depth int) problem {
	base := depth
	inMap := false
	p := 0

value:
	p = space(s, p)
	switch c := at(s, p); c {
	case '"':
		if p = checkString(s, p+1); p < 0 {
			return badText
		}
	case '{', '[':
		if depth == maxDepth {
			return tooDeep
		}
		open[depth] = inMap
		depth++
		inMap = c == '{'
		p = space(s, p+1)
		if at(s, p) == c+2 {
			goto end
		}
		if inMap {
			goto key
		}
		goto value
	case 't':
		p = checkWord(s, p, "true")
	case 'f':
		p = checkWord(s, p, "false")
	case 'n':
		p = checkWord(s, p, "null")
	default:
		p = checkNumber(s, p)
	}
	if p < 0 {
		return badText
	}

next:
	p = space(s, p)
	if depth == base {
		if p != len(s) {
			return badText
		}
		return none
	}
	switch c := at(s, p); {
	case c == ',':
		p++
		if inMap {
			p = space(s, p)
			goto key
		}
		goto value
	case c == '}' && inMap, c == ']' && !inMap:
		goto end
	}
	return badText

key:
	if at(s, p) != '"' {
		return badText
	}
	if p = checkString(s, p+1); p < 0 {
		return badText
	}
	if p = space(s, p); at(s, p) != ':' {
		return badText
	}
	p++
	goto value

end:
	p++
	depth--
	inMap = open[depth]
	goto next
}

// checkString returns the end of the JSON string that begins before s[p], -1
// if it is none.
func checkString(s []byte, p int) int {
	for {
		m := special(load(s, p))
		if m == 0 {
			p += 8
			continue
		}
		p += index(m)
		switch c := at(s, p); {
		case c == '"':
			return p + 1
		case c == '\\':
			if _, p = escape(s, p); p < 0 {
				return -1
			}
		case c < ' ':
			return -1
		default:
			p++
		}
	}
}

func checkWord(s []byte, p int, word string) int {
	if len(s)-p < len(word) || string(s[p:p+len(word)]) != word {
		return -1
	}
	return p + len(word)
}

// checkNumber returns the end of the JSON number at s[p], -1 if it is none.
func checkNumber(s []byte, p int) int {
	if at(s, p) == '-' {
		p++
	}
	switch c := at(s, p); {
	case c == '0':
		p++
	case isDigit(c):
		p = digits(s, p)
	default:
		return -1
	}
	if at(s, p) == '.' {
		q := digits(s, p+1)
		if q == p+1 {
			return -1
		}
		p = q
	}
	if c := at(s, p); c == 'e' || c == 'E' {
		p++
		if c := at(s, p); c == '+' || c == '-' {
			p++
		}
		q := digits(s, p)
		if q == p {
			return -1
		}
		p = q
	}
	return p
}

func digits(s []byte, p int) int {
	for isDigit(at(s, p)) {
		p++
	}
	return p
}

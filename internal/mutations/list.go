package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mutation is a change of the code that breaks one rule.
type mutation struct {
	rule  string
	hunks []hunk
}

// hunk is one place of a change: the lines old become the lines new.
type hunk struct {
	file     string // from the root of the module, with slashes
	old, new []string
}

// parse reads a list of mutations. Each begins with a line "== " and the rule
// that it breaks. Below it stand its hunks: a line "@ " and a file, and then
// lines as in a unified diff, each with its first character: "-" is taken out,
// "+" is put in, " " stays. Lines that begin with "#", and empty ones, are left
// out.
func parse(r io.Reader) ([]mutation, error) {
	var list []mutation
	rules := map[string]bool{}
	in := bufio.NewScanner(r)
	for n := 1; in.Scan(); n++ {
		line := in.Text()
		fault := func(what string) error { return fmt.Errorf("line %d: %s: %q", n, what, line) }
		if line == "" || line[0] == '#' {
			continue
		}
		if rule, ok := strings.CutPrefix(line, "== "); ok {
			if rules[rule] {
				return nil, fault("the rule is there already")
			}
			rules[rule] = true
			list = append(list, mutation{rule: rule})
			continue
		}
		if len(list) == 0 {
			return nil, fault("no rule before it")
		}
		m := &list[len(list)-1]
		if file, ok := strings.CutPrefix(line, "@ "); ok {
			m.hunks = append(m.hunks, hunk{file: file})
			continue
		}
		if len(m.hunks) == 0 {
			return nil, fault("no file before it")
		}
		h, text := &m.hunks[len(m.hunks)-1], line[1:]
		switch line[0] {
		case '-':
			h.old = append(h.old, text)
		case '+':
			h.new = append(h.new, text)
		case ' ':
			h.old, h.new = append(h.old, text), append(h.new, text)
		default:
			return nil, fault(`a line begins with "== ", "@ ", "-", "+", a blank or "#"`)
		}
	}
	for _, m := range list {
		if len(m.hunks) == 0 {
			return nil, fmt.Errorf("rule %q has no change", m.rule)
		}
		for _, h := range m.hunks {
			if len(h.old) == 0 || strings.Join(h.old, "\n") == strings.Join(h.new, "\n") {
				return nil, fmt.Errorf("rule %q changes nothing in %s", m.rule, h.file)
			}
		}
	}
	return list, in.Err()
}

// apply returns the text with the change made. The old lines must be there, and
// once.
func (h hunk) apply(text string) (string, error) {
	lines := strings.Split(text, "\n")
	at := -1
	for i := range lines {
		if len(lines)-i < len(h.old) || !slices.Equal(lines[i:i+len(h.old)], h.old) {
			continue
		}
		if at >= 0 {
			return "", fmt.Errorf("%s has these lines more than once; add some around them:\n%s", h.file, strings.Join(h.old, "\n"))
		}
		at = i
	}
	if at < 0 {
		return "", fmt.Errorf("%s does not have these lines any more:\n%s", h.file, strings.Join(h.old, "\n"))
	}
	return strings.Join(slices.Replace(lines, at, at+len(h.old), h.new...), "\n"), nil
}

// mutated returns the text of each file that m changes.
func (m mutation) mutated(root string) (map[string]string, error) {
	texts := map[string]string{}
	for _, h := range m.hunks {
		path := filepath.Join(root, filepath.FromSlash(h.file))
		if _, ok := texts[path]; !ok {
			text, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			texts[path] = string(text)
		}
		var err error
		if texts[path], err = h.apply(texts[path]); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

package template

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
)

// body reads properties of one resource. It remembers the first that is not of
// the expected type; what is absent reads as the zero value.
type body struct {
	where string
	props map[string]any
	err   *error
}

func newBody(r Resource, err *error) body {
	return body{where: r.Type + " " + r.Name, props: r.Body, err: err}
}

func (b body) fail(name, want string, got any) {
	if *b.err == nil {
		*b.err = fmt.Errorf("template: %s: %s is %T, want %s", b.where, name, got, want)
	}
}

func (b body) has(name string) bool { return b.props[name] != nil }

func (b body) str(name string) string {
	switch v := b.props[name].(type) {
	case nil:
	case string:
		return v
	default:
		b.fail(name, "a string", v)
	}
	return ""
}

func (b body) num(name string) float64 {
	switch v := b.props[name].(type) {
	case nil:
	case float64:
		return v
	default:
		b.fail(name, "a number", v)
	}
	return 0
}

func (b body) yes(name string) bool {
	switch v := b.props[name].(type) {
	case nil:
	case bool:
		return v
	default:
		b.fail(name, "a bool", v)
	}
	return false
}

// list is a list; a single value counts as a list of one.
func (b body) list(name string) []any {
	switch v := b.props[name].(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}

func (b body) strs(name string) []string {
	var all []string
	for _, v := range b.list(name) {
		s, ok := v.(string)
		if !ok {
			b.fail(name, "a list of strings", v)
			continue
		}
		all = append(all, s)
	}
	return all
}

// sub is the object under a name, or the only one in a list there (a block of
// Terraform). Absent, it is empty.
func (b body) sub(name string) body {
	all := b.subs(name)
	if len(all) == 0 {
		return body{where: b.where + "." + name, err: b.err}
	}
	if len(all) > 1 {
		b.fail(name, "one object", all)
	}
	return all[0]
}

func (b body) subs(name string) []body {
	var all []body
	for _, v := range b.list(name) {
		props, ok := v.(map[string]any)
		if !ok {
			b.fail(name, "an object", v)
			continue
		}
		all = append(all, body{where: b.where + "." + name, props: props, err: b.err})
	}
	return all
}

func (b body) strMap(name string) map[string]string {
	props := b.sub(name).props
	if props == nil {
		return nil
	}
	out := make(map[string]string, len(props))
	for k, v := range props {
		s, ok := v.(string)
		if !ok {
			b.fail(name+"."+k, "a string", v)
			continue
		}
		out[k] = s
	}
	return out
}

// parsed is an object that may be given as its JSON text.
func (b body) parsed(name string) body {
	text, ok := b.props[name].(string)
	if !ok {
		return b.sub(name)
	}
	out := body{where: b.where + "." + name, err: b.err}
	if err := json.Unmarshal([]byte(text), &out.props); err != nil {
		b.fail(name, "a JSON object", text)
	}
	return out
}

// statements are those of a policy document.
func (b body) statements() []Statement {
	var all []Statement
	for _, s := range b.subs("Statement") {
		st := Statement{Sid: s.str("Sid"), Effect: s.str("Effect"), Actions: s.strs("Action"), Resources: s.strs("Resource")}
		if s.has("Principal") {
			st.Principal = canonical(s.props["Principal"])
		}
		if s.has("Condition") {
			st.Condition = canonical(s.props["Condition"])
		}
		all = append(all, st)
	}
	return all
}

// canonical is JSON with sorted names and no white space.
func canonical(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%v", v)
	}
	return string(text)
}

// functionName is the name in a function's ARN, or the name itself.
func functionName(s string) string { return s[strings.LastIndexByte(s, ':')+1:] }

// baseName is the file's name in a path.
func baseName(path string) string { return filepath.Base(path) }

// dashboardMetrics are the series in a dashboard's body.
func dashboardMetrics(b body) []Metric {
	var all []Metric
	for _, w := range b.subs("widgets") {
		for _, row := range w.sub("properties").list("metrics") {
			cells, ok := row.([]any)
			if !ok || len(cells) < 2 {
				b.fail("metrics", "rows of namespace, name, dimensions", row)
				continue
			}
			m := Metric{Dimensions: map[string]string{}}
			if options, ok := cells[len(cells)-1].(map[string]any); ok {
				m.Stat, _ = options["stat"].(string)
				cells = cells[:len(cells)-1]
			}
			var text []string
			for _, c := range cells {
				s, _ := c.(string)
				text = append(text, s)
			}
			if len(text)%2 != 0 {
				b.fail("metrics", "pairs of dimensions", row)
				continue
			}
			m.Namespace, m.Name = text[0], text[1]
			for i := 2; i < len(text); i += 2 {
				m.Dimensions[text[i]] = text[i+1]
			}
			all = append(all, m)
		}
	}
	return all
}

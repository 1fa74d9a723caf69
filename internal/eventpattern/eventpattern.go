// Package eventpattern evaluates event patterns: those of EventBridge rules and
// of Lambda's event filtering, which are one language. It knows the part of it
// that the deployment templates use and a little more; a pattern beyond that is
// an error, never a guess.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
package eventpattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Pattern is a parsed event pattern.
type Pattern struct{ fields map[string]field }

// field is what a pattern says of one member of an object: patterns of the
// members below it, or conditions of which one must hold.
type field struct {
	below      map[string]field
	conditions []condition
}

// condition reports whether it holds for a value; there is false for a member
// that is absent.
type condition func(value any, there bool) bool

// Parse reads a pattern.
func Parse(text string) (*Pattern, error) {
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		return nil, fmt.Errorf("eventpattern: %w", err)
	}
	fields, err := parseObject(object)
	if err != nil {
		return nil, fmt.Errorf("eventpattern: %w", err)
	}
	return &Pattern{fields: fields}, nil
}

func parseObject(object map[string]any) (map[string]field, error) {
	if len(object) == 0 {
		return nil, errors.New("an empty object matches nothing that it says")
	}
	fields := make(map[string]field, len(object))
	for name, v := range object {
		switch v := v.(type) {
		case map[string]any:
			below, err := parseObject(v)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			fields[name] = field{below: below}
		case []any:
			if name == "$or" {
				return nil, errors.New("$or is not evaluated")
			}
			f := field{}
			for _, alternative := range v {
				c, err := parseCondition(alternative)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", name, err)
				}
				f.conditions = append(f.conditions, c)
			}
			if len(f.conditions) == 0 {
				return nil, fmt.Errorf("%s: an empty list matches nothing", name)
			}
			fields[name] = f
		default:
			return nil, fmt.Errorf("%s: a value must stand in a list", name)
		}
	}
	return fields, nil
}

func parseCondition(v any) (condition, error) {
	if isScalar(v) {
		return func(value any, there bool) bool { return there && isScalar(value) && value == v }, nil
	}
	operator, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("a list in a list is not evaluated")
	}
	if len(operator) != 1 {
		return nil, errors.New("one operator in an object is evaluated")
	}
	name := slices.Collect(maps.Keys(operator))[0]
	return parseOperator(name, operator[name])
}

func parseOperator(name string, argument any) (condition, error) {
	switch name {
	case "exists":
		want, ok := argument.(bool)
		if !ok {
			return nil, errors.New("exists takes true or false")
		}
		// It looks at leaves only: of an object it holds for nothing.
		return func(value any, there bool) bool { return there == want && isScalar(value) }, nil
	case "prefix", "suffix", "equals-ignore-case":
		text, ok := argument.(string)
		if !ok {
			return nil, fmt.Errorf("%s with something other than a text is not evaluated", name)
		}
		is := map[string]func(s, t string) bool{"prefix": strings.HasPrefix, "suffix": strings.HasSuffix, "equals-ignore-case": strings.EqualFold}[name]
		return func(value any, there bool) bool {
			s, ok := value.(string)
			return there && ok && is(s, text)
		}, nil
	case "anything-but":
		not, ok := argument.([]any)
		if !ok {
			not = []any{argument}
		}
		if slices.ContainsFunc(not, func(v any) bool { return !isScalar(v) }) {
			return nil, errors.New("anything-but with an operator is not evaluated")
		}
		return func(value any, there bool) bool { return there && isScalar(value) && !slices.Contains(not, value) }, nil
	default:
		return nil, fmt.Errorf("the operator %q is not evaluated", name)
	}
}

// isScalar reports whether v is a text, a number, a bool or null.
func isScalar(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

// Match reports whether the event, a JSON object, matches.
func (p *Pattern) Match(event []byte) (bool, error) {
	var object map[string]any
	if err := json.Unmarshal(event, &object); err != nil {
		return false, fmt.Errorf("eventpattern: %w", err)
	}
	return matches(p.fields, object), nil
}

// matches reports whether every field holds.
func matches(fields map[string]field, object map[string]any) bool {
	for name, f := range fields {
		value, there := object[name]
		if f.below != nil {
			below, _ := value.(map[string]any)
			if !matches(f.below, below) {
				return false
			}
			continue
		}
		if !f.holds(value, there) {
			return false
		}
	}
	return true
}

// holds reports whether a condition holds for the value or, if it is a list,
// for one of its elements.
func (f field) holds(value any, there bool) bool {
	values := []any{value}
	if list, ok := value.([]any); ok {
		values = list
	}
	return slices.ContainsFunc(f.conditions, func(c condition) bool {
		return slices.ContainsFunc(values, func(v any) bool { return c(v, there) })
	})
}

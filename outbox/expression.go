package outbox

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/operation"
)

// Limits of an expression: of its text, of a placeholder, and of all names and
// values that placeholders stand for
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html).
const (
	maxExpression    = 4096
	maxPlaceholder   = 255
	maxSubstitutions = 2 << 20
)

// The fields of an action that belong to its expressions.
const (
	conditionField = "ConditionExpression"
	updateField    = "UpdateExpression"
	namesField     = "ExpressionAttributeNames"
	valuesField    = "ExpressionAttributeValues"
)

// expressions are those of one action and what their placeholders stand for. A
// nil expression is none.
type expressions operation.Operation

// check checks what can be seen without knowing the grammar. Placeholders without
// any expression are let through: not every region refuses them in a transaction.
func (x expressions) check(a *action) *PreflightError {
	if x.Condition == nil && x.Update == nil {
		return nil
	}
	for _, e := range []struct {
		field string
		text  *string
	}{{conditionField, x.Condition}, {updateField, x.Update}} {
		if err := x.checkText(a, e.field, e.text); err != nil {
			return err
		}
	}
	total := 0
	if x.Names != nil && len(x.Names) == 0 {
		return a.refuse(RuleValue, namesField, "empty; without names it has to be nil")
	}
	for _, placeholder := range slices.Sorted(maps.Keys(x.Names)) {
		if err := x.checkPlaceholder(a, namesField, placeholder, '#'); err != nil {
			return err
		}
		name := x.Names[placeholder]
		if err := itemsize.CheckName(name); err != nil {
			return a.fault(joined(namesField, placeholder), err)
		}
		total += len(itemsize.Sent(name))
	}
	if x.Values != nil && len(x.Values) == 0 {
		return a.refuse(RuleValue, valuesField, "empty; without values it has to be nil")
	}
	for _, placeholder := range slices.Sorted(maps.Keys(x.Values)) {
		if err := x.checkPlaceholder(a, valuesField, placeholder, ':'); err != nil {
			return err
		}
		size, err := itemsize.CheckValue(x.Values[placeholder])
		if err != nil {
			return a.fault(joined(valuesField, placeholder), err)
		}
		total += size
	}
	if total > maxSubstitutions {
		e := a.over(RuleExpressionSize, "", total, maxSubstitutions)
		e.Problem = "all names and values of the action"
		return e
	}
	return nil
}

func (x expressions) checkText(a *action, field string, text *string) *PreflightError {
	switch {
	case text == nil:
		return nil
	case strings.TrimSpace(*text) == "":
		return a.refuse(RuleValue, field, "empty; nil is no expression")
	case len(*text) > maxExpression:
		return a.over(RuleExpressionSize, field, len(*text), maxExpression)
	}
	for rest := *text; ; {
		start := strings.IndexAny(rest, "#:")
		if start < 0 {
			return nil
		}
		rest = rest[start:]
		placeholder := rest[:placeholderLen(rest)]
		rest = rest[len(placeholder):]
		_, isName := x.Names[placeholder]
		_, isValue := x.Values[placeholder]
		if !isName && !isValue {
			return a.refuse(RuleValue, field, fmt.Sprintf("the placeholder %q is not defined", placeholder))
		}
	}
}

// checkPlaceholder checks a placeholder and that it occurs in an expression.
func (x expressions) checkPlaceholder(a *action, field, placeholder string, first byte) *PreflightError {
	path := joined(field, placeholder)
	switch {
	case len(placeholder) < 2 || placeholder[0] != first || placeholderLen(placeholder) != len(placeholder):
		return a.refuse(RuleValue, path, fmt.Sprintf("not a placeholder, which is %q and then letters, digits and underscores", first))
	case len(placeholder) > maxPlaceholder:
		e := a.over(RuleExpressionSize, path, len(placeholder), maxPlaceholder)
		e.Problem = "the placeholder"
		return e
	case !occurs(placeholder, x.Condition) && !occurs(placeholder, x.Update):
		return a.refuse(RuleValue, path, "not used in an expression")
	}
	return nil
}

// occurs reports whether a placeholder is one of an expression.
func occurs(placeholder string, expression *string) bool {
	if expression == nil {
		return false
	}
	for rest := *expression; ; {
		i := strings.Index(rest, placeholder)
		if i < 0 {
			return false
		}
		rest = rest[i:]
		if placeholderLen(rest) == len(placeholder) {
			return true
		}
		rest = rest[len(placeholder):]
	}
}

// placeholderLen returns the length of the placeholder that s begins with. An
// expression has neither text nor comments of its own, so each # and : in it
// begins one.
func placeholderLen(s string) int {
	for i := 1; i < len(s); i++ {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '_' {
			return i
		}
	}
	return len(s)
}

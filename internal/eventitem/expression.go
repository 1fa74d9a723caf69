package eventitem

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Limits of the expressions of an action. That of the text is AWS's
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html),
// as is that of a placeholder; the other two are DynamoDB Local's. With them, and
// no placeholder unused, AWS's 2 MB of names and values in all cannot be passed.
const (
	MaxExpression      = 4096
	MaxPlaceholder     = 255
	MaxExpressionTree  = 1 << 20   // of an expression and all that its placeholders stand for
	MaxExpressionValue = 400 << 10 // of the members or elements of a value
)

// Expressions are those of one action and what their placeholders stand for. A
// nil expression is none.
type Expressions struct {
	Condition, Update *string
	Names             map[string]string
	Values            map[string]types.AttributeValue
}

// Size returns what the expressions add to the size of their transaction, in
// bytes. It allocates nothing unless there is an error.
//
// AWS limits a transaction to 4 MB without saying how they are counted
// (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html).
// DynamoDB Local takes up to 4,194,304 bytes of the sum, over all actions, of
//
//   - the size of a Put's item, or of the key of an Update, Delete or
//     ConditionCheck, as [ItemSize] counts it,
//   - the text of its condition and update expressions as it is sent, and
//   - each time that a placeholder occurs in them, the length of the name, or
//     the size of the value, that it stands for.
//
// Table names, tokens, return values and what is stored already do not count.
// No engine that was tried counts more.
//
// The error is a [*ValueError] whose path begins with the name of the field of
// the action, for what DynamoDB refuses and can be seen without knowing the
// grammar: an expression that is empty or too long, alone or with what its
// placeholders stand for; a placeholder that is malformed, not defined or not
// used; names and values that no attribute has; maps of them that are empty but
// not nil.
func (x Expressions) Size() (int, error) {
	if err := checkExpression(x.Condition); err != nil {
		return 0, err.under(conditionField)
	}
	if err := checkExpression(x.Update); err != nil {
		return 0, err.under(updateField)
	}
	given := x.Condition != nil || x.Update != nil
	if err := x.checkNames(given); err != nil {
		return 0, err.under("ExpressionAttributeNames")
	}
	if err := x.checkValues(given); err != nil {
		return 0, err.under("ExpressionAttributeValues")
	}
	condition, err := x.size(x.Condition)
	if err != nil {
		return 0, err.under(conditionField)
	}
	update, err := x.size(x.Update)
	if err != nil {
		return 0, err.under(updateField)
	}
	return condition + update, nil
}

// The fields of an action that are expressions.
const (
	conditionField = "ConditionExpression"
	updateField    = "UpdateExpression"
)

func checkExpression(expression *string) *ValueError {
	switch {
	case expression == nil:
		return nil
	case strings.TrimSpace(*expression) == "":
		return fault("empty; nil is no expression")
	case len(*expression) > MaxExpression:
		return limitFault("", len(*expression), MaxExpression)
	}
	return nil
}

// size sizes one expression, whose names and values have been checked. It sizes
// a value each time that it occurs, and stops when the limit is passed.
func (x Expressions) size(expression *string) (int, *ValueError) {
	if expression == nil {
		return 0, nil
	}
	rest := *expression
	size := len(rest)
	for size <= MaxExpressionTree {
		start := strings.IndexAny(rest, "#:")
		if start < 0 {
			return size, nil
		}
		rest = rest[start:]
		placeholder := rest[:placeholderLen(rest)]
		rest = rest[len(placeholder):]
		if name, ok := x.Names[placeholder]; ok {
			n, _ := textSize(name)
			size += n
			continue
		}
		value, ok := x.Values[placeholder]
		if !ok {
			return 0, fault(fmt.Sprintf("the placeholder %q is not defined", placeholder))
		}
		n, _ := valueSize(value, 0)
		size += n
	}
	return 0, limitFault("so far, with what its placeholders stand for", size, MaxExpressionTree)
}

func (x Expressions) checkNames(given bool) *ValueError {
	if x.Names != nil && len(x.Names) == 0 && given {
		return fault("empty; without names it has to be nil")
	}
	var worst *ValueError
	var worstName string
	for placeholder, name := range x.Names {
		err := x.checkPlaceholder(placeholder, '#')
		if err == nil {
			err = checkAttribute(name)
		}
		if err != nil && (worst == nil || placeholder < worstName) {
			worst, worstName = err, placeholder
		}
	}
	if worst != nil {
		return worst.inMember(worstName)
	}
	return nil
}

func (x Expressions) checkValues(given bool) *ValueError {
	if x.Values != nil && len(x.Values) == 0 && given {
		return fault("empty; without values it has to be nil")
	}
	var worst *ValueError
	var worstName string
	for placeholder, value := range x.Values {
		err := x.checkPlaceholder(placeholder, ':')
		if err == nil {
			err = checkExpressionValue(value)
		}
		if err != nil && (worst == nil || placeholder < worstName) {
			worst, worstName = err, placeholder
		}
	}
	if worst != nil {
		return worst.inMember(worstName)
	}
	return nil
}

// checkExpressionValue checks the value of a placeholder. It is no attribute
// yet, so it is a level less deep than one, and the members or elements of a map
// or list are counted as those of an item are.
func checkExpressionValue(value types.AttributeValue) *ValueError {
	size, err := valueSize(value, 0)
	if err != nil {
		return err
	}
	members := 0
	switch v := value.(type) {
	case *types.AttributeValueMemberM:
		members = len(v.Value)
	case *types.AttributeValueMemberL:
		members = len(v.Value)
	default:
		return nil
	}
	if size -= nestedSize + members*elementSize; size > MaxExpressionValue {
		return limitFault("", size, MaxExpressionValue)
	}
	return nil
}

// checkPlaceholder checks a placeholder and that it occurs in an expression.
func (x Expressions) checkPlaceholder(placeholder string, first byte) *ValueError {
	switch {
	case len(placeholder) < 2 || placeholder[0] != first || placeholderLen(placeholder) != len(placeholder):
		return fault(fmt.Sprintf("not a placeholder, which is %q and then letters, digits and underscores", first))
	case len(placeholder) > MaxPlaceholder:
		return limitFault("the placeholder", len(placeholder), MaxPlaceholder)
	case !occurs(placeholder, x.Condition) && !occurs(placeholder, x.Update):
		return fault("not used in an expression")
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

package eventitem

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// ExpressionSize returns what the expressions of one action add to the size of
// its transaction, in bytes. A nil expression is none. It allocates nothing
// unless there is an error, which is one of [ItemSize] about a value.
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
func ExpressionSize(names map[string]string, values map[string]types.AttributeValue, expressions ...*string) (int, error) {
	size := 0
	for _, expression := range expressions {
		if expression != nil {
			size += len(*expression)
		}
	}
	for placeholder, name := range names {
		size += len(name) * occurrences(placeholder, expressions)
	}
	var worst *ValueError
	var worstName string
	for placeholder, value := range values {
		n, err := valueSize(value, 1)
		if err != nil && (worst == nil || placeholder < worstName) {
			worst, worstName = err, placeholder
		}
		size += n * occurrences(placeholder, expressions)
	}
	if worst != nil {
		return 0, worst.inMember(worstName).under("")
	}
	return size, nil
}

// occurrences counts a placeholder in expressions.
func occurrences(placeholder string, expressions []*string) int {
	n := 0
	if placeholder == "" {
		return n
	}
	for _, expression := range expressions {
		if expression == nil {
			continue
		}
		for rest := *expression; ; {
			i := strings.Index(rest, placeholder)
			if i < 0 {
				break
			}
			rest = rest[i+len(placeholder):]
			if rest == "" || !inPlaceholder(rest[0]) {
				n++
			}
		}
	}
	return n
}

// inPlaceholder reports whether c goes on with a placeholder's name.
func inPlaceholder(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '_'
}

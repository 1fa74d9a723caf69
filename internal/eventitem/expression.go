package eventitem

import "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

// ExpressionSize returns what the expressions of one action add to the size of
// its transaction, in bytes. It allocates nothing unless there is an error,
// which is one of [ItemSize].
//
// AWS limits a transaction to 4 MB without saying how they are counted
// (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html).
// DynamoDB Local refuses more than 4,194,304 bytes of the sum, over all actions,
// of
//
//   - the size of a Put's item, or of the key of an Update, Delete or
//     ConditionCheck, as [ItemSize] counts it,
//   - the text of the condition and update expressions as it is sent,
//   - the names that ExpressionAttributeNames stand for, without placeholders,
//   - the size of the ExpressionAttributeValues, likewise,
//
// and counts nothing for table names, tokens, return values and what is already
// stored. Other engines count less, never more.
func ExpressionSize(names map[string]string, values map[string]types.AttributeValue, expressions ...*string) (int, error) {
	size := 0
	for _, expression := range expressions {
		if expression != nil {
			size += len(*expression)
		}
	}
	for _, name := range names {
		size += len(name)
	}
	if len(values) == 0 {
		return size, nil
	}
	n, err := ItemSize(values)
	if err != nil {
		return 0, err
	}
	for placeholder := range values {
		n -= len(placeholder)
	}
	return size + n, nil
}

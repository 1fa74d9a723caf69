package preflight

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// GoString is what rapid shows of a transaction that fails.
func (tx transaction) GoString() string {
	text := fmt.Sprintf("store %s\n%s", *tx.store.table, describe(tx.actions))
	for _, ev := range tx.events {
		text += fmt.Sprintf("event %s with %d bytes\n", ev.Headers.EventID, len(ev.Payload))
	}
	if tx.token != nil {
		text += fmt.Sprintf("token %q\n", *tx.token)
	}
	return text
}

// describe shows actions with long texts shortened.
func describe(actions []action) string {
	var b strings.Builder
	for i, a := range actions {
		fmt.Fprintf(&b, "[%d]", i)
		switch {
		case a.Put != nil:
			fmt.Fprintf(&b, " Put %q %s %s %v %s", aws.ToString(a.Put.TableName), show(a.Put.Item), aws.ToString(a.Put.ConditionExpression), a.Put.ExpressionAttributeNames, show(a.Put.ExpressionAttributeValues))
		case a.Update != nil:
			fmt.Fprintf(&b, " Update %q %s %s; %s %v %s", aws.ToString(a.Update.TableName), show(a.Update.Key), aws.ToString(a.Update.UpdateExpression), aws.ToString(a.Update.ConditionExpression), a.Update.ExpressionAttributeNames, show(a.Update.ExpressionAttributeValues))
		case a.Delete != nil:
			fmt.Fprintf(&b, " Delete %q %s %s %v %s", aws.ToString(a.Delete.TableName), show(a.Delete.Key), aws.ToString(a.Delete.ConditionExpression), a.Delete.ExpressionAttributeNames, show(a.Delete.ExpressionAttributeValues))
		case a.ConditionCheck != nil:
			fmt.Fprintf(&b, " ConditionCheck %q %s %s %v %s", aws.ToString(a.ConditionCheck.TableName), show(a.ConditionCheck.Key), aws.ToString(a.ConditionCheck.ConditionExpression), a.ConditionCheck.ExpressionAttributeNames, show(a.ConditionCheck.ExpressionAttributeValues))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func show(values attrs) string {
	var b strings.Builder
	for name, v := range values {
		text := fmt.Sprintf("%q: %s", name, showValue(v))
		if len(text) > 300 {
			text = fmt.Sprintf("%s… (%d bytes)", text[:300], len(text))
		}
		b.WriteString(text + ", ")
	}
	return "{" + b.String() + "}"
}

func showValue(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberM:
		if v != nil {
			return "M" + show(v.Value)
		}
	case *types.AttributeValueMemberL:
		if v != nil {
			elements := make([]string, len(v.Value))
			for i, e := range v.Value {
				elements[i] = showValue(e)
			}
			return fmt.Sprintf("L%v", elements)
		}
	case *types.AttributeValueMemberS:
		if v != nil {
			return fmt.Sprintf("S%q", v.Value)
		}
	}
	return fmt.Sprintf("%T%+v", v, v)
}

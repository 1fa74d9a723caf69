package outboxtest

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/operation"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/tablename"
)

// action is one action of a transaction, as it is to be judged and done.
type action struct {
	condition *string
	names     map[string]string
	wantsOld  bool
	old       map[string]types.AttributeValue // the item that is there
	do        func()
}

// action reads an action. It wants mu held, and so does what it returns.
func (c *Client) action(op operation.Operation) (action, error) {
	table := tablename.Of(aws.ToString(op.Table))
	key, err := c.keyOf(table, op.Attrs)
	if err != nil {
		return action{}, err
	}
	set := func(item map[string]types.AttributeValue) {
		if c.tables == nil {
			c.tables, c.opaque = map[string]map[string]map[string]types.AttributeValue{}, map[string]bool{}
		}
		if c.tables[table] == nil {
			c.tables[table] = map[string]map[string]types.AttributeValue{}
		}
		delete(c.opaque, table+"\x00"+key)
		if c.tables[table][key] = item; item == nil {
			delete(c.tables[table], key)
		}
	}
	a := action{
		condition: op.Condition, names: op.Names, old: c.tables[table][key], do: func() {},
		wantsOld: op.OnFailure == types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	switch op.Name {
	case operation.Put:
		a.do = func() { set(op.Attrs) }
	case operation.Delete:
		a.do = func() { set(nil) }
	case operation.Update:
		a.do = func() {
			item := c.tables[table][key]
			if item == nil {
				item = op.Attrs
			}
			set(item)
			c.opaque[table+"\x00"+key] = true
		}
	}
	return a, nil
}

// keySchema is the key of a table that was made.
type keySchema struct {
	names []string
	types map[string]types.ScalarAttributeType
}

// keyFault is a key that is not the table's, as DynamoDB would say.
type keyFault struct{ what string }

func (f *keyFault) Error() string { return "One or more parameter values were invalid: " + f.what }

// keyOf returns the key of an item, or of a Key, as a text. It wants mu held.
func (c *Client) keyOf(table string, item map[string]types.AttributeValue) (string, error) {
	schema, known := c.keys[table]
	names := schema.names
	if !known {
		names = []string{"pk"}
		if _, ok := item["sk"]; ok {
			names = append(names, "sk")
		}
	}
	var key strings.Builder
	for _, name := range names {
		v, ok := item[name]
		if known && !ok {
			return "", &keyFault{fmt.Sprintf("table %s has the key %q, which is missing", table, name)}
		}
		if want := schema.types[name]; known && want != "" && want != scalar(v) {
			return "", &keyFault{fmt.Sprintf("the key %q of table %s is of type %s", name, table, want)}
		}
		if !ok {
			return "", fmt.Errorf("outboxtest: an item of table %s has no %q; say what its key is by Client.CreateTable", table, name)
		}
		// each on its own: the members of a map come in any order
		text, err := attributevalue.MarshalMapJSON(map[string]types.AttributeValue{name: v})
		if err != nil {
			return "", fmt.Errorf("outboxtest: the key of an item of table %s: %w", table, err)
		}
		key.Write(text)
	}
	return key.String(), nil
}

// scalar is the type of a value that can be a key, "" for any other.
func scalar(v types.AttributeValue) types.ScalarAttributeType {
	switch v.(type) {
	case *types.AttributeValueMemberS:
		return types.ScalarAttributeTypeS
	case *types.AttributeValueMemberN:
		return types.ScalarAttributeTypeN
	case *types.AttributeValueMemberB:
		return types.ScalarAttributeTypeB
	}
	return ""
}

// term is a condition that can be judged.
var term = regexp.MustCompile(`^attribute_(not_exists|exists)\s*\(\s*([#A-Za-z_][A-Za-z0-9_]*)\s*\)$`)

// judge reports whether the condition of an action is met.
func (c *Client) judge(a action) (bool, error) {
	if a.condition == nil {
		return true, nil
	}
	for _, part := range strings.Split(*a.condition, " AND ") {
		m := term.FindStringSubmatch(strings.TrimSpace(part))
		if m == nil {
			return false, fmt.Errorf("the condition %q is not modelled", aws.ToString(a.condition))
		}
		name := m[2]
		if strings.HasPrefix(name, "#") {
			name = a.names[name]
		}
		if _, exists := a.old[name]; exists != (m[1] == "exists") {
			return false, nil
		}
	}
	return true, nil
}

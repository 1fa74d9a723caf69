package outbox

import (
	"errors"
	"unicode/utf16"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
)

// Limits of a transaction
// (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html).
const (
	MaxActions          = 100
	MaxItemBytes        = 400 << 10
	MaxTransactionBytes = 4 << 20
	maxToken            = 36
)

// preflight checks a transaction as DynamoDB will, as far as a request shows
// what DynamoDB looks at. It reads the caller's actions and keeps nothing.
type preflight struct {
	table   string // of the writer or inbox, whose key names are known
	layout  envelope.Layout
	actions []types.TransactWriteItem // the caller's
	puts    []eventPut                // ours, behind them
	own     tableKey                  // of table

	// hashes of the keys that are known, by the index of the action, for the rule
	// that no two actions go to one item; 0 where the key is not known.
	hashes [MaxActions]uint64
}

// check checks the transaction that actions and puts make together.
func (p *preflight) check(token *string) error {
	actions := len(p.actions) + len(p.puts)
	if actions > MaxActions {
		return &PreflightError{Index: -1, Rule: RuleActions, Actual: actions, Allowed: MaxActions}
	}
	if n := characters(token); token != nil && (n == 0 || n > maxToken) {
		return &PreflightError{Index: -1, Rule: RuleToken, Actual: n, Allowed: maxToken}
	}
	p.own = p.ownKey()
	total := 0
	for i := range actions {
		a, err := p.at(i)
		if err != nil {
			return err
		}
		size, err := a.check()
		if err == nil {
			err = p.checkKey(a)
		}
		if err == nil {
			err = p.sameItem(a)
		}
		if err != nil {
			return p.named(err, a)
		}
		total += size
	}
	if total > MaxTransactionBytes {
		return &PreflightError{Index: -1, Rule: RuleTransactionSize, Actual: total, Allowed: MaxTransactionBytes}
	}
	return nil
}

// at returns the action with an index.
func (p *preflight) at(i int) (action, error) {
	if ours := i - len(p.actions); ours >= 0 {
		put := p.puts[ours]
		return action{index: i, table: *put.TableName, item: put.Item, size: put.size,
			expressions: eventitem.Expressions{Condition: put.ConditionExpression, Names: put.ExpressionAttributeNames}}, nil
	}
	return view(i, &p.actions[i])
}

// named fills in the event that an error is about, if it is about one.
func (p *preflight) named(err error, a action) error {
	var e *PreflightError
	if errors.As(err, &e) && a.item != nil && tableName(a.table) == tableName(p.table) {
		if id, ok := eventitem.EventOf(a.item, p.layout); ok {
			e.EventID, e.EventName = id.EventID, id.EventName
		} else if id := text(a.item[receiptEventID]); id != "" && text(a.item[receiptConsumer]) != "" {
			e.EventID, e.EventName = id, text(a.item[receiptEventName])
		}
	}
	return err
}

// characters counts the characters of a token as DynamoDB Local does: one beyond
// U+FFFF, which takes two units of UTF-16, for two.
func characters(token *string) int {
	n := 0
	for _, r := range value(token) {
		n += utf16.RuneLen(r)
	}
	return n
}

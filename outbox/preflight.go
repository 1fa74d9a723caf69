package outbox

import (
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
)

// Limits of a transaction
// (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html).
const (
	MaxActions          = 100
	MaxItemBytes        = 400 << 10
	MaxTransactionBytes = 4 << 20
	maxToken            = 36
)

// preflight looks at a whole transaction. It reads the caller's actions and keeps
// nothing.
//
// What check refuses of the caller's actions is what AWS documents as a limit and
// DynamoDB refuses for certain, whatever the tables are like and whatever is
// stored, and what the SDK would not send as it was meant. A false refusal breaks
// a service that works, while DynamoDB refuses a transaction as a whole anyway.
// All else that can be seen is for [Writer.Check].
type preflight struct {
	own     tableID // the table of the writer or inbox, whose key names are known
	layout  envelope.Layout
	actions []action   // the caller's, and ours behind them
	keys    []tableKey // of the tables of which an action's Key shows it
}

// check checks the transaction.
func (p *preflight) check(token *string) error {
	if n := len(p.actions); n > MaxActions {
		return &PreflightError{Index: -1, Rule: RuleActions, Actual: n, Allowed: MaxActions}
	}
	if token != nil {
		// AWS does not say what a character is; more than this are too many by
		// any count.
		if n := utf8.RuneCountInString(*token); n == 0 || n > maxToken {
			return &PreflightError{Index: -1, Rule: RuleToken, Actual: n, Allowed: maxToken}
		}
	}
	p.learnKeys()
	place, total := p.own.place, 0
	for i := range p.actions {
		a := &p.actions[i]
		size, err := a.check(&place)
		if err == nil && (!a.put || a.name == p.own.name) {
			err = p.keySizes(a)
		}
		if err == nil {
			err = p.sameItem(a)
		}
		if err != nil {
			return p.named(err, a)
		}
		total += size
	}
	// The items of Puts alone: how AWS counts the others is not documented.
	if total > MaxTransactionBytes {
		return &PreflightError{Index: -1, Rule: RuleTransactionSize, Actual: total, Allowed: MaxTransactionBytes}
	}
	return nil
}

// read reads each of the caller's actions once, and our Puts behind them.
func read(caller []types.TransactWriteItem, puts []eventPut) []action {
	actions := make([]action, 0, len(caller)+len(puts))
	for i := range caller {
		actions = append(actions, view(i, &caller[i]))
	}
	for i, put := range puts {
		table := *put.TableName
		actions = append(actions, action{index: len(caller) + i, table: table, name: tableName(table), attrs: put.Item, put: true, size: put.size})
	}
	return actions
}

// check checks an action alone, its key apart, and returns the size of the item of
// a Put. All ARNs of a transaction are of one place.
func (a *action) check(place *string) (int, *PreflightError) {
	if len(a.table) > len(a.name) { // an ARN
		switch id := tableIDOf(a.table); {
		case id.part != "":
			return 0, a.refuse(RuleTable, "TableName", "the ARN of the table's "+shortened(id.part)+", not of the table")
		case *place != "" && id.place != *place:
			return 0, a.refuse(RuleTable, "TableName", "a table of "+shortened(id.place)+", while another of the transaction is of "+shortened(*place)+
				"; a transaction is within one region and account")
		default:
			*place = id.place
		}
	}
	size := a.size
	if size == 0 {
		var err error
		if size, err = itemsize.Measure(a.attrs); err != nil {
			return 0, a.fault(a.where(), err)
		}
	}
	if len(a.values) > 0 {
		if _, err := itemsize.Measure(a.values); err != nil {
			return 0, a.fault(valuesField, err)
		}
	}
	switch {
	case !a.put:
		return 0, nil
	case size > MaxItemBytes:
		return 0, a.over(RuleItemSize, "", size, MaxItemBytes)
	}
	return size, nil
}

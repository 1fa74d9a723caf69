package outbox

import (
	"fmt"
	"strings"
)

// Rule names what a transaction broke.
type Rule string

// The rules of a preflight.
const (
	RuleValue           Rule = "value"             // a value that DynamoDB or EventBridge refuses; see Path
	RuleAction          Rule = "action"            // an action that is not exactly one complete operation
	RuleActions         Rule = "number of actions" // 1 to 100 in a transaction
	RuleItemSize        Rule = "item size"         // 409,600 bytes by DynamoDB's size rules
	RuleKeySize         Rule = "key size"          // partition key 2,048 bytes, sort key 1,024
	RuleTable           Rule = "table"             // an index or a stream, or not of the region and account of the others
	RuleExpressionSize  Rule = "expression size"   // 4,096 bytes of text, 255 of a placeholder, 2 MB of names and values; see Path
	RuleTransactionSize Rule = "transaction size"  // 4 MB of items to put
	RuleSameItem        Rule = "two actions on one item"
	RuleEntrySize       Rule = "event size on the bus" // Options.MaxEntryBytes
	RuleToken           Rule = "ClientRequestToken"    // 1 to 36 characters
)

// PreflightError says which action of a transaction would have been refused,
// and why. Nothing has been written and the transaction is as it was.
type PreflightError struct {
	// Index is the place in TransactItems, where the events of the call would
	// have come behind the caller's actions; -1 means the transaction as a
	// whole.
	Index int
	Table string // as the action names it

	// EventID and EventName are set when the action is an event of this
	// writer; the action is the caller's own otherwise.
	EventID, EventName string

	Rule Rule

	// Path is the value at fault, such as "payload.lines[3].price" for an event
	// or "Item.address.zip" for an action of the caller; empty where a rule is
	// about the whole.
	Path string

	// Actual and Allowed are bytes, or actions for RuleActions, where the rule
	// is a limit; else 0.
	Actual, Allowed int

	Problem string // in words; never holds a value
	Err     error  // *envelope.FieldError where a header is at fault; may be nil

	ours bool // the action is an event or a receipt, whatever it shows of it
}

func (e *PreflightError) Error() string {
	var b strings.Builder
	b.WriteString("outbox: ")
	if e.Index >= 0 {
		b.WriteString(place(e.Index, e.Table, e.EventID, e.EventName, e.ours) + ": ")
	}
	if e.Path != "" {
		b.WriteString(e.Path)
	} else {
		b.WriteString(string(e.Rule))
	}
	if e.Problem != "" {
		b.WriteString(": " + e.Problem)
	}
	if e.Allowed > 0 {
		unit := "bytes"
		switch e.Rule {
		case RuleActions:
			unit = "actions"
		case RuleToken:
			unit = "characters"
		}
		fmt.Fprintf(&b, ": %d %s, at most %d", e.Actual, unit, e.Allowed)
	}
	return b.String()
}

// place names an action and whose it is. What was given as an id or a name is
// shortened, for it can be anything.
func place(index int, table, eventID, eventName string, ours bool) string {
	whose := "the caller's own item"
	switch {
	case eventID != "" || eventName != "":
		whose = fmt.Sprintf("event %q (%q)", shortened(eventID), shortened(eventName))
	case ours:
		whose = "the event"
	}
	return fmt.Sprintf("TransactItems[%d] (table %q, %s)", index, shortened(table), whose)
}

func shortened(s string) string {
	const limit = 255 // the longest name of a table
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}

// Unwrap returns Err.
func (e *PreflightError) Unwrap() error { return e.Err }

package outbox

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Conditions that a [*CommitError] can report; test with errors.Is.
var (
	// ErrDuplicate: every receipt of the inbox is there already, so what was
	// received has been done before, perhaps by an earlier attempt of this very
	// transaction. From Inbox.Explain.
	ErrDuplicate = errors.New("outbox: duplicate: the event has been done before")

	// ErrSequenceTaken: another event has this sequence of the aggregate.
	// Read the aggregate again and decide again.
	ErrSequenceTaken = errors.New("outbox: the sequence of the aggregate is taken by another event")

	// ErrEventExists: the key of the event, or of its receipt, is taken by
	// another item; nothing was committed. Or it is taken by an event with the
	// same eventId and other content, or by an item that shows no event: then
	// the outcome is Unknown.
	ErrEventExists = errors.New("outbox: the key of the event is taken by an item with other content")
)

// Outcome says what is known about a transaction.
type Outcome uint8

// The outcomes of a transaction that returned an error. One that has committed
// is no error.
const (
	// Unknown: it may have committed, now or in an earlier attempt.
	Unknown Outcome = iota
	// NotCommitted: nothing was written by this call, the SDK's own attempts
	// included. With [CommitError.Reasons], no earlier call with these events
	// has committed either: their items were looked for. Without, the request
	// was refused as a whole or never left (no region, no credentials, no
	// connection), which says nothing of an earlier call: one that ended as
	// Unknown is still unknown.
	//
	// Where the SDK's error shows that it made several attempts, an earlier one
	// may have got through, and the outcome is Unknown. It does not show that
	// for a host that is not found and for credentials that cannot be had:
	// these are taken to have been missing from the first attempt on.
	NotCommitted
)

func (o Outcome) String() string {
	switch o {
	case Unknown:
		return "outcome unknown"
	case NotCommitted:
		return "not committed"
	}
	return fmt.Sprintf("outcome %d", uint8(o))
}

// Reason is what one action of a cancelled transaction was refused for.
type Reason struct {
	Index   int    // in TransactItems
	Code    string // DynamoDB's, such as "ConditionalCheckFailed"
	Message string // DynamoDB's
	Table   string // as the action names it

	// EventID and EventName are set when the action is an event of the writer,
	// or the receipt of an event; the action is the caller's own otherwise.
	EventID, EventName string

	// Item is the item that was there, when DynamoDB returned it: always
	// for ours, for the caller's where ReturnValuesOnConditionCheckFailure asks
	// for it.
	Item map[string]types.AttributeValue

	// Err is ErrDuplicate, ErrSequenceTaken or ErrEventExists, as errors.Is
	// finds them, where the reason means that; else nil.
	Err error
}

// CommitError explains an error of TransactWriteItems. errors.Is finds the
// conditions of its Reasons, and errors.As and Is reach the SDK's own error.
// [ErrDuplicate] alone is found only if it holds for all that was received.
type CommitError struct {
	Outcome Outcome

	// Retryable says that the same request, with the same ClientRequestToken,
	// may be sent again and can succeed, or settle a doubt: after a wait, for a
	// conflict, throttling or a lost connection. The SDK does not retry a
	// cancelled transaction.
	Retryable bool

	Reasons []Reason // of the actions that were refused; empty unless the transaction was cancelled
	Err     error    // the SDK's error

	duplicate bool // every receipt of an inbox is there
}

func (e *CommitError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "outbox: transaction: %s", e.Outcome)
	if e.Retryable {
		b.WriteString(", may be sent again")
	}
	separator := ": "
	for _, r := range e.Reasons {
		fmt.Fprintf(&b, "%s%s: %s", separator, place(r.Index, r.Table, r.EventID, r.EventName, false), r.Code)
		separator = "; "
		switch {
		case r.Err != nil:
			b.WriteString(" (" + strings.TrimPrefix(r.Err.Error(), "outbox: ") + ")")
		case r.Code != codeCondition && r.Message != "":
			b.WriteString(": " + r.Message)
		}
	}
	if len(e.Reasons) == 0 && e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	var mismatch *types.IdempotentParameterMismatchException
	if errors.As(e.Err, &mismatch) {
		b.WriteString("; set ClientRequestToken to nil if you changed the input")
	}
	return b.String()
}

// Unwrap returns the conditions of the reasons and the SDK's error.
func (e *CommitError) Unwrap() []error {
	var errs []error
	for _, r := range e.Reasons {
		if r.Err != nil && (e.duplicate || !errors.Is(r.Err, ErrDuplicate)) {
			errs = append(errs, r.Err)
		}
	}
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	return errs
}

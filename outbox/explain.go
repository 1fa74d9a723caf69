package outbox

import (
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/operation"
)

// Codes of CancellationReason, as listed with
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
const (
	codeNone            = "None"
	codeCondition       = "ConditionalCheckFailed"
	codeConflict        = "TransactionConflict"
	codeThrottled       = "ThrottlingError"
	codeThroughput      = "ProvisionedThroughputExceeded"
	codeValidation      = "ValidationError"
	codeCollectionLimit = "ItemCollectionSizeLimitExceeded"
)

// Explain says what an error of TransactWriteItems means for the transaction
// that was sent: nil when it has committed after all, else a [*CommitError]. A
// nil err gives nil. It calls nothing and retries nothing.
//
// It has committed when each of this writer's events in the transaction is in
// the event store: it can only have come there together with what it was
// appended to. That is what a second attempt meets when the answer to the first
// was lost and its ClientRequestToken is no longer known. It does not prove that
// the other items of that transaction were these: it is so as long as an event is
// made once and appended to one set of items.
//
// An event in the store is this one when what the caller gave is equal: the
// eventId, the name, the payload as JSON values, and the caller's headers. What a
// writer fills in may differ, for a deploy may lie between two attempts: source,
// region, createdBy, the form of the payload, the expiry, the attributes beside
// the event. The same eventId with anything else is [ErrEventExists] and the
// outcome is [Unknown]: the event was made twice, or was changed in the store.
//
// An event whose own Put was refused unseen (for a conflict, throttling, a code
// that is not known here, or without the item that is there) may have been
// committed by an earlier attempt: the outcome is Unknown whatever else was
// refused.
//
// The SDK writes the ClientRequestToken that it makes into the input. Sending
// the same input again is therefore idempotent for ten minutes, while an input
// that was changed since is refused with IdempotentParameterMismatchException:
// set the token to nil when you change one.
//
// Every event Put asks for the old item when its condition fails. That costs
// nothing on success; a failed condition costs the same write units either way,
// and the old item counts against the size of the answer.
//
// An err that Explain of another writer or of an inbox returned is explained
// further; [ErrDuplicate] is returned as it is.
func (w *Writer) Explain(in *dynamodb.TransactWriteItemsInput, err error) error {
	verdict, committed := explain(in, err, w)
	if committed {
		return nil
	}
	return verdict
}

// ExplainPut is Explain for the request of [Writer.PutItem].
func (w *Writer) ExplainPut(in *dynamodb.PutItemInput, err error) error {
	var refused *types.ConditionalCheckFailedException
	if in == nil || !errors.As(err, &refused) {
		return w.Explain(nil, err)
	}
	action := types.TransactWriteItem{Put: &types.Put{TableName: in.TableName, Item: in.Item}}
	message := refused.ErrorMessage()
	code := codeCondition
	verdict, committed := weigh([]types.TransactWriteItem{action}, []types.CancellationReason{{
		Code: &code, Message: &message, Item: refused.Item,
	}}, &CommitError{Outcome: NotCommitted}, err, w)
	if committed {
		return nil
	}
	return verdict
}

// owner is a Writer or an Inbox: it knows its own actions in a transaction.
type owner interface {
	// owns reports whether the action is one of its own, and of which event.
	owns(action types.TransactWriteItem) (eventID, eventName string, ok bool)

	// meets says what it means that the Put, which is its own, was refused
	// because of the item that is there; the error is nil where it means that
	// the Put was done before.
	meets(put *types.Put, there map[string]types.AttributeValue) (finding, error)
}

// finding is what the reason of an action shows of one's own item.
type finding uint8

const (
	notOwn    finding = iota // the action is not one's own
	absent                   // it is not there
	there                    // it is there: the transaction has committed
	duplicate                // it is there: the work has been done before
	changed                  // something is there that may have been this
	taken                    // another one is there
	unseen                   // it was not looked at
	findings
)

// explain returns what an error means, and whether all that is the owner's own
// in the transaction is there.
func explain(in *dynamodb.TransactWriteItemsInput, err error, who owner) (verdict error, allThere bool) {
	if err == nil || errors.Is(err, ErrDuplicate) {
		return err, false
	}
	before := new(CommitError)
	if errors.As(err, &before) {
		err = before.Err
	} else {
		before.Outcome = NotCommitted // nobody doubts it yet
	}
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return requestError(err), false
	}
	if in == nil || len(in.TransactItems) != len(cancelled.CancellationReasons) {
		return &CommitError{Outcome: Unknown, Err: err}, false
	}
	return weigh(in.TransactItems, cancelled.CancellationReasons, before, err, who)
}

// weigh turns the reasons of a cancelled transaction, in the order of its
// actions, into an outcome. before is what another writer or inbox made of them:
// its reasons are kept, and so is its doubt.
func weigh(actions []types.TransactWriteItem, reasons []types.CancellationReason, before *CommitError, err error, who owner) (verdict *CommitError, allThere bool) {
	e := &CommitError{Err: err}
	var own [findings]int
	var refused, settled, permanent, conflict, throttled, unknown bool
	for i, cancellation := range reasons {
		reason := reasonOf(i, actions[i], cancellation, before)
		found := notOwn
		if id, name, ok := who.owns(actions[i]); ok {
			reason.EventID, reason.EventName = id, name
			switch {
			case reason.Code == codeNone:
				found = absent
			case reason.Code == codeCondition && len(reason.Item) > 0:
				found, reason.Err = who.meets(actions[i].Put, reason.Item)
			default:
				found = unseen
			}
		} else if reason.Err != nil {
			settled = true // as another writer or inbox has found
		}
		own[found]++
		switch reason.Code {
		case codeNone:
			continue
		case codeCondition:
			refused = refused || found == notOwn
		case codeConflict:
			conflict = true
		case codeThrottled, codeThroughput:
			throttled = true
		case codeValidation, codeCollectionLimit:
			permanent = true
		default:
			unknown = true
		}
		e.Reasons = append(e.Reasons, reason)
	}
	all := len(reasons) - own[notOwn]
	if all > 0 && (own[there] == all || own[duplicate] == all) {
		e.Outcome = NotCommitted
		return e, true
	}
	settled = settled || own[taken] > 0 || own[duplicate] > 0
	switch {
	case before.Outcome == Unknown, own[unseen] > 0, own[changed] > 0, own[there] > 0:
		e.Outcome = Unknown
	case settled, permanent:
		e.Outcome = NotCommitted
	case conflict, unknown:
		// What is in conflict is not looked at further, so a reason of its own
		// may not show.
		e.Outcome = Unknown
	default:
		e.Outcome = NotCommitted
	}
	// To send it again settles a doubt, too, unless it ends in the same way.
	hopeless := settled || own[changed] > 0
	if e.Outcome == NotCommitted {
		hopeless = hopeless || permanent || refused
	}
	e.Retryable = (conflict || throttled) && !hopeless
	return e, false
}

// reasonOf returns the reason of the action at index i, as it was explained
// before if it was.
func reasonOf(i int, action types.TransactWriteItem, cancellation types.CancellationReason, before *CommitError) Reason {
	if k := slices.IndexFunc(before.Reasons, func(r Reason) bool { return r.Index == i }); k >= 0 {
		return before.Reasons[k]
	}
	op, _ := operation.Of(&action)
	r := Reason{Index: i, Code: value(cancellation.Code), Message: value(cancellation.Message), Table: value(op.Table), Item: cancellation.Item}
	if r.Code == "" {
		r.Code = codeNone
	}
	return r
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

package outbox

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
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
// the event store with equal content: they can only have come there together
// with what they were appended to. That is what a second attempt meets when
// the answer to the first was lost and its ClientRequestToken is no longer
// known. It does not prove that the other items of that transaction were these:
// it is so as long as an event is made once and appended to one set of items.
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
	return explain(in, err, w.judge)
}

// ExplainPut is Explain for the request of [Writer.PutItem].
func (w *Writer) ExplainPut(in *dynamodb.PutItemInput, err error) error {
	var refused *types.ConditionalCheckFailedException
	if in == nil || !errors.As(err, &refused) {
		return explain(nil, err, w.judge)
	}
	action := types.TransactWriteItem{Put: &types.Put{TableName: in.TableName, Item: in.Item}}
	message := refused.ErrorMessage()
	code := codeCondition
	return weigh([]types.TransactWriteItem{action}, []types.CancellationReason{{
		Code: &code, Message: &message, Item: refused.Item,
	}}, &CommitError{Outcome: NotCommitted}, err, w.judge)
}

// finding is what a condition that failed on one of our own items shows.
type finding uint8

const (
	notOurs      finding = iota // the action is not one of ours
	ours                        // ours, and nothing is known of what was there
	oursDone                    // ours, and there already
	oursDisplace                // ours, and something else is there
)

// judge looks at the action at reason's index: it fills in whose it is, and
// says what reason.Item, if any, shows.
type judge func(action types.TransactWriteItem, reason *Reason) finding

func (w *Writer) judge(action types.TransactWriteItem, reason *Reason) finding {
	mine, ok := w.eventOf(action)
	if !ok {
		return notOurs
	}
	reason.EventID, reason.EventName = mine.EventID, mine.EventName
	if len(reason.Item) == 0 {
		return ours
	}
	event := w.opts.Layout.Event
	if eventitem.Equal(action.Put.Item[event], reason.Item[event]) {
		return oursDone
	}
	reason.Err = ErrEventExists
	there, ok := eventitem.EventOf(reason.Item, w.opts.Layout)
	if ok && there.EventID != mine.EventID && sameHeader(there, mine, "aggregateId") && sameHeader(there, mine, "sequence") {
		reason.Err = ErrSequenceTaken
	}
	return oursDisplace
}

// sameHeader reports whether both events have the header, with the same value.
func sameHeader(a, b eventitem.Event, name string) bool {
	value := header(a, name)
	return value != nil && eventitem.Equal(value, header(b, name))
}

func header(ev eventitem.Event, name string) types.AttributeValue {
	event, _ := ev.Value.(*types.AttributeValueMemberM)
	if event == nil {
		return nil
	}
	headers, _ := event.Value["headers"].(*types.AttributeValueMemberM)
	if headers == nil {
		return nil
	}
	return headers.Value[name]
}

// eventOf reports whether the action is an event Put of this writer, and whose.
func (w *Writer) eventOf(action types.TransactWriteItem) (eventitem.Event, bool) {
	put := action.Put
	if put == nil || put.TableName == nil || tableName(*put.TableName) != tableName(w.table) {
		return eventitem.Event{}, false
	}
	return eventitem.EventOf(put.Item, w.opts.Layout)
}

func explain(in *dynamodb.TransactWriteItemsInput, err error, judge judge) error {
	if err == nil || errors.Is(err, ErrDuplicate) {
		return err
	}
	before := new(CommitError)
	if errors.As(err, &before) {
		err = before.Err
	} else {
		before.Outcome = NotCommitted // nobody doubts it yet
	}
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return requestError(err)
	}
	if in == nil || len(in.TransactItems) != len(cancelled.CancellationReasons) {
		return &CommitError{Outcome: Unknown, Err: err}
	}
	return weigh(in.TransactItems, cancelled.CancellationReasons, before, err, judge)
}

// weigh turns the reasons of a cancelled transaction, in the order of its
// actions, into an outcome. before is what another writer or inbox made of them:
// its reasons are kept, and so is its doubt.
func weigh(actions []types.TransactWriteItem, reasons []types.CancellationReason, before *CommitError, err error, judge judge) error {
	e := &CommitError{Err: err}
	var mine, done, displaced int
	var refused, permanent, conflict, throttled bool
	blind := before.Outcome == Unknown
	for i, cancellation := range reasons {
		reason := Reason{Index: i, Code: value(cancellation.Code), Message: value(cancellation.Message),
			Table: tableOf(actions[i]), Item: cancellation.Item}
		for _, k := range before.Reasons {
			if k.Index == i {
				reason = k
			}
		}
		if reason.Code == "" {
			reason.Code = codeNone
		}
		found := judge(actions[i], &reason)
		if found != notOurs {
			mine++
		}
		if reason.Code == codeNone {
			continue
		}
		switch reason.Code {
		case codeCondition:
			switch found {
			case oursDone:
				done++
			case oursDisplace:
				displaced++
			case ours:
				blind = true
			case notOurs:
				refused = true
			}
		case codeConflict:
			conflict = true
		case codeThrottled, codeThroughput:
			throttled = true
			blind = blind || found != notOurs
		case codeValidation, codeCollectionLimit:
			permanent = true
		default:
			blind = true
		}
		e.Reasons = append(e.Reasons, reason)
	}
	if mine > 0 && done == mine {
		return nil
	}
	switch {
	case displaced > 0 || permanent:
		e.Outcome = NotCommitted
	case conflict:
		// An action in conflict was not looked at further, so its own reason,
		// and perhaps that our event is already there, does not show.
		e.Outcome, e.Retryable = Unknown, true
	case blind || done > 0:
		e.Outcome, e.Retryable = Unknown, throttled
	default:
		e.Outcome, e.Retryable = NotCommitted, throttled && !refused
	}
	return e
}

func tableOf(action types.TransactWriteItem) string {
	switch {
	case action.Put != nil:
		return value(action.Put.TableName)
	case action.Update != nil:
		return value(action.Update.TableName)
	case action.Delete != nil:
		return value(action.Delete.TableName)
	case action.ConditionCheck != nil:
		return value(action.ConditionCheck.TableName)
	}
	return ""
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

package outbox

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/backoff"
)

// CommitAttempts is how often [Commit] sends a transaction at the most.
const CommitAttempts = 6

// The wait before a transaction is sent again, with full jitter.
const (
	commitBase  = 25 * time.Millisecond
	commitLimit = 800 * time.Millisecond
)

// TransactWriteItemsAPIClient is the operation that [Commit] needs of a client.
type TransactWriteItemsAPIClient interface {
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// Explainer says what an error of a transaction means; see [Writer.Explain] and
// [Inbox.Explain].
type Explainer interface {
	Explain(in *dynamodb.TransactWriteItemsInput, err error) error
}

var (
	_ TransactWriteItemsAPIClient = (*dynamodb.Client)(nil)
	_ Explainer                   = (*Writer)(nil)
	_ Explainer                   = (*Inbox)(nil)
)

// Commit sends a transaction, explains the error, and sends it again where that
// can help: after a conflict or throttling, which the SDK does not retry when
// they cancel a transaction, and after an answer that leaves the outcome
// unknown. It waits in between, with full jitter and within ctx, and sends it
// [CommitAttempts] times at the most. A request that the SDK has sent again
// until its attempts were used up is not sent again by Commit.
//
// It returns nil when the transaction has committed, by this call or an earlier
// one; [ErrDuplicate] from an inbox; else a [*CommitError]. An attempt that may
// have committed is not forgotten: the error stays [Unknown] until a later answer
// settles it.
//
// Give it the writers and inboxes that have appended to the transaction, inboxes
// first: Commit(ctx, client, in, inbox, w). Without any, only the caller's own
// actions are explained.
//
// Every attempt has the same ClientRequestToken, by which DynamoDB does a
// transaction once within ten minutes. If the input has none, one is written into
// it, as the SDK does: set it to nil before you send the same input with other
// actions.
func Commit(ctx context.Context, client TransactWriteItemsAPIClient, in *dynamodb.TransactWriteItemsInput, explainers ...Explainer) error {
	if in == nil {
		return errNilTransaction
	}
	if in.ClientRequestToken == nil {
		token := rand.Text()
		in.ClientRequestToken = &token
	}
	var unsure error // of an attempt that may have committed
	for attempt := 1; ; attempt++ {
		_, err := client.TransactWriteItems(ctx, in)
		err = explainAll(in, err, explainers)
		var failed *CommitError
		if !errors.As(err, &failed) {
			return err // nil, or a duplicate
		}
		switch {
		case failed.Outcome == Unknown:
			unsure = err
		case len(failed.Reasons) > 0:
			unsure = nil // our items were looked for, and are not there
		}
		var spent *retry.MaxAttemptsError
		again := failed.Retryable && attempt < CommitAttempts && !errors.As(err, &spent)
		if !again || !pause(ctx, backoff.Full(attempt+1, commitBase, commitLimit)) {
			return cmp.Or(unsure, err)
		}
	}
}

func explainAll(in *dynamodb.TransactWriteItemsInput, err error, explainers []Explainer) error {
	if len(explainers) == 0 {
		verdict, _ := explain(in, err, nobody{})
		return verdict
	}
	for _, x := range explainers {
		if err = x.Explain(in, err); err == nil {
			return nil
		}
	}
	return err
}

// nobody owns no action.
type nobody struct{}

func (nobody) owns(types.TransactWriteItem) (eventID, eventName string, ok bool) {
	return "", "", false
}

func (nobody) meets(*types.Put, map[string]types.AttributeValue) (finding, error) {
	return notOwn, nil
}

// pause waits. It reports false if ctx ends before that.
func pause(ctx context.Context, wait time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Refused reports whether the transaction was not committed because the
// condition of action i, by its index in TransactItems, was not met: what a
// service answers with 409 or 412. It is false while the outcome is unknown. A
// nil CommitError has refused nothing.
func (e *CommitError) Refused(i int) bool {
	return e.refusal(i) != nil
}

// RefusedItem returns the item that was there when the condition of action i was
// not met, nil if [CommitError.Refused] is false, if there was no item, or if the
// action did not ask for it by ReturnValuesOnConditionCheckFailure.
func (e *CommitError) RefusedItem(i int) map[string]types.AttributeValue {
	if r := e.refusal(i); r != nil {
		return r.Item
	}
	return nil
}

func (e *CommitError) refusal(i int) *Reason {
	if e == nil || e.Outcome != NotCommitted {
		return nil
	}
	for k := range e.Reasons {
		if r := &e.Reasons[k]; r.Index == i && r.Code == codeCondition {
			return r
		}
	}
	return nil
}

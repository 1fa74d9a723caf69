// Package transact sends a transaction, and again where that is safe and can
// help: the retry loop of the example services.
package transact

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// APIClient is the one operation that is needed.
type APIClient interface {
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

var _ APIClient = (*dynamodb.Client)(nil)

const (
	attempts   = 6
	firstPause = 25 * time.Millisecond
	lastPause  = 800 * time.Millisecond
)

// Commit sends the transaction, and again if it was cancelled for a conflict or
// for throttling, which the SDK does not do. A request that failed as a whole has
// been retried by the SDK, and one layer of that is enough.
//
// It is the same input each time, with the same ClientRequestToken, which the SDK
// has put into it: one that had committed after all is not done twice. explain is
// Explain of the writer, the inbox or both. What it makes of the last error is
// returned, or of an earlier one that left the outcome unknown, if no later one
// settles that.
func Commit(ctx context.Context, db APIClient, in *dynamodb.TransactWriteItemsInput, explain func(*dynamodb.TransactWriteItemsInput, error) error) error {
	var unsure error // of an attempt that may have committed
	for attempt := 1; ; attempt++ {
		_, err := db.TransactWriteItems(ctx, in)
		err = explain(in, err)
		var failed *outbox.CommitError
		switch {
		case !errors.As(err, &failed):
			return err
		case failed.Outcome == outbox.Unknown:
			unsure = err
		case len(failed.Reasons) > 0:
			unsure = nil // our items were looked for, and are not there
		}
		var retried *retry.MaxAttemptsError
		if !failed.Retryable || errors.As(err, &retried) || attempt == attempts || !pause(ctx, attempt) {
			return cmp.Or(unsure, err)
		}
	}
}

// Refused returns the reason for which the action at index was refused because
// its condition was not met, and nil if it was not or if that is not known.
func Refused(err error, index int) *outbox.Reason {
	var failed *outbox.CommitError
	if errors.As(err, &failed) && failed.Outcome == outbox.NotCommitted {
		for i := range failed.Reasons {
			if r := &failed.Reasons[i]; r.Index == index && r.Code == "ConditionalCheckFailed" {
				return r
			}
		}
	}
	return nil
}

// pause waits before the next attempt, a random part of a time that doubles, so
// that requests which got in each other's way do not meet again. It reports
// false when ctx ends first.
func pause(ctx context.Context, attempt int) bool {
	timer := time.NewTimer(rand.N(min(lastPause, firstPause<<(attempt-1))))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

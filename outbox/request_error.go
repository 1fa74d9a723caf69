package outbox

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// refusals are error codes by which DynamoDB refuses a request for what it is.
// Each attempt of the SDK at the same request gets the same answer, so none of
// them has committed.
var refusals = map[string]bool{
	"ValidationException":             true,
	"SerializationException":          true,
	"ResourceNotFoundException":       true,
	"RequestEntityTooLarge":           true,
	"AccessDeniedException":           true,
	"UnrecognizedClientException":     true,
	"MissingAuthenticationToken":      true,
	"IncompleteSignature":             true,
	"InvalidSignatureException":       true,
	"ConditionalCheckFailedException": true,

	"ItemCollectionSizeLimitExceededException": true,
}

// requestError explains an error that is not about one action.
func requestError(err error) error {
	e := &CommitError{Outcome: Unknown, Err: err}
	var (
		mismatch   *types.IdempotentParameterMismatchException
		inProgress *types.TransactionInProgressException
		conflict   *types.TransactionConflictException
		replicated *types.ReplicatedWriteConflictException
		params     smithy.InvalidParamsError
		serialize  *smithy.SerializationError
		api        smithy.APIError
	)
	switch {
	case errors.As(err, &mismatch):
		// The token was used for other content: what that content did is not
		// known here, and the same request never gets through.
	case errors.As(err, &inProgress), errors.As(err, &conflict), errors.As(err, &replicated):
		e.Retryable = true
	case errors.As(err, &params), errors.As(err, &serialize):
		e.Outcome = NotCommitted // it never left the client
	case !errors.As(err, &api):
		e.Retryable = true // no answer: a timeout, a cut connection, a cancelled context
	case throttle(api.ErrorCode()):
		e.Retryable = true
		if !attemptedBefore(err) {
			e.Outcome = NotCommitted
		}
	case refusals[api.ErrorCode()]:
		e.Outcome = NotCommitted
	default:
		// An answer of the service's fault says nothing about the transaction; a code
		// that is not known here is not taken for more than it may be.
		e.Retryable = serverFault(err, api)
	}
	return e
}

func throttle(code string) bool {
	_, ok := retry.DefaultThrottleErrorCodes[code]
	return ok
}

// attemptedBefore reports whether the SDK made other attempts before the one
// whose error this is: one of those may have committed without an answer.
func attemptedBefore(err error) bool {
	var attempts *retry.MaxAttemptsError
	return errors.As(err, &attempts) && attempts.Attempt > 1
}

func serverFault(err error, api smithy.APIError) bool {
	if api.ErrorFault() == smithy.FaultServer {
		return true
	}
	var response interface{ HTTPStatusCode() int }
	return errors.As(err, &response) && response.HTTPStatusCode() >= 500
}

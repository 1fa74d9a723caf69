package outbox

import (
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/noanswer"
)

// refusals are error codes by which DynamoDB refuses a request before it does
// anything
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html).
var refusals = map[string]bool{
	"ValidationException":                 true,
	"SerializationException":              true,
	"ResourceNotFoundException":           true,
	"RequestEntityTooLarge":               true,
	"AccessDeniedException":               true,
	"UnrecognizedClientException":         true,
	"MissingAuthenticationToken":          true,
	"MissingAuthenticationTokenException": true,
	"IncompleteSignature":                 true,
	"IncompleteSignatureException":        true,
	"InvalidSignatureException":           true,

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
	case noanswer.Unsent(err):
		e.Outcome = unlessAttempted(err)
		// Without a region or credentials, the same client never sends it.
		name := noanswer.Name(err)
		e.Retryable = name != noanswer.NoRegion && name != noanswer.NoCredentials
	case !errors.As(err, &api):
		e.Retryable = true // no answer: a timeout, a cut connection, a cancelled context
	case throttle(api.ErrorCode()):
		e.Outcome, e.Retryable = unlessAttempted(err), true
	case refusals[api.ErrorCode()]:
		e.Outcome = unlessAttempted(err)
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

// unlessAttempted is the outcome of a call that ended with a refusal: an earlier
// attempt of the SDK may have committed without an answer.
func unlessAttempted(err error) Outcome {
	if attemptedBefore(err) {
		return Unknown
	}
	return NotCommitted
}

// usedUp returns the error that says that all attempts of an operation were
// made, nil if err is none. It is not that of another operation within, by which
// the credentials should have come.
func usedUp(err error) *retry.MaxAttemptsError {
	var op, within *smithy.OperationError
	if errors.As(err, &op) {
		err = op.Err
	}
	var used *retry.MaxAttemptsError
	if !errors.As(err, &used) || errors.As(err, &within) && errors.Is(within, used) {
		return nil
	}
	return used
}

// attemptedBefore reports whether the SDK made other attempts before the one
// whose error this is, or may have made. An error that used up the attempts says
// so itself, and the SDK counts them in a header of each request: "attempt=2;
// max=3". An error that is not tried again and has no answer does not say it: the
// host that is not found and the credentials that are not to be had are taken to
// have been so in the first attempt, too.
func attemptedBefore(err error) bool {
	if used := usedUp(err); used != nil {
		return used.Attempt > 1
	}
	if r := answered(err); r != nil && r.Request != nil {
		attempt, _, _ := strings.Cut(r.Request.Header.Get("Amz-Sdk-Request"), ";")
		return attempt != "" && attempt != "attempt=1"
	}
	var quota ratelimit.QuotaExceededError
	return errors.As(err, &quota) // one of the attempts was the last
}

func serverFault(err error, api smithy.APIError) bool {
	r := answered(err)
	return api.ErrorFault() == smithy.FaultServer || r != nil && r.StatusCode >= 500
}

// answered returns the HTTP response that an error was made of, nil if none
// shows.
func answered(err error) *smithyhttp.Response {
	var e interface{ HTTPResponse() *smithyhttp.Response }
	if !errors.As(err, &e) {
		return nil
	}
	if r := e.HTTPResponse(); r != nil && r.Response != nil {
		return r
	}
	return nil
}

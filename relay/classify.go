package relay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// The codes of EventBridge, by class
// (https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/eventbridge@v1.55.10/types#PutEventsResultEntry,
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/CommonErrors.html).
// Every code that is not here is Transient: an unknown fault is retried and
// held, never dead-lettered.
var codeClass = map[string]Class{
	// what is in the event
	"MalformedDetail":  EventFault,
	"InvalidArgument":  EventFault,
	"RedactionFailure": EventFault, // documented as not retryable

	// what is refused of a call as a whole, for its content or its size
	"ValidationException":             EventFault,
	"ValidationError":                 EventFault,
	"InvalidParameterValue":           EventFault,
	"InvalidParameterValueException":  EventFault,
	"RequestEntityTooLarge":           EventFault,
	"RequestEntityTooLargeException":  EventFault,
	"RequestTooLargeException":        EventFault,
	"PutEventsRequestEntryTooLarge":   EventFault,
	"EventSizeLimitExceededException": EventFault,

	// what is around it
	"AccessDeniedException":               ConfigFault,
	"AccessDenied":                        ConfigFault,
	"NotAuthorized":                       ConfigFault,
	"NotAuthorizedForSourceException":     ConfigFault,
	"NotAuthorizedForDetailTypeException": ConfigFault,
	"InvalidAccountIdException":           ConfigFault,
	"ResourceNotFoundException":           ConfigFault,
	"OperationDisabledException":          ConfigFault,
	"OptInRequired":                       ConfigFault,
	"UnrecognizedClientException":         ConfigFault,
	"InvalidClientTokenId":                ConfigFault,
	"InvalidSignatureException":           ConfigFault,
	"SignatureDoesNotMatch":               ConfigFault,
	"IncompleteSignature":                 ConfigFault,
	"MissingAuthenticationToken":          ConfigFault,
	"MissingAuthenticationTokenException": ConfigFault,
	"ExpiredToken":                        ConfigFault,
	"ExpiredTokenException":               ConfigFault,
	"UnknownOperationException":           ConfigFault,
}

// classifyEntry classes one entry of a PutEvents answer. An error code wins
// over an id; neither of them is unpublished.
func classifyEntry(r types.PutEventsResultEntry) Result {
	code, id := aws.ToString(r.ErrorCode), aws.ToString(r.EventId)
	switch {
	case code != "":
		return Result{Class: codeClass[code], Code: code, Message: aws.ToString(r.ErrorMessage)}
	case id != "":
		return Result{Class: Accepted, ID: id}
	default:
		return Result{Class: Transient, Code: "NoResult", Message: aws.ToString(r.ErrorMessage)}
	}
}

// classifyCall classes the error of a PutEvents call.
func classifyCall(err error) *CallError {
	code, status := faultCode(err)
	ce := &CallError{Class: codeClass[code], Code: code, Err: err}
	if status == http.StatusRequestEntityTooLarge {
		ce.Class = EventFault // also with an empty body, which the SDK calls UnknownError
	}
	var spent *retry.MaxAttemptsError
	ce.Retried = errors.As(err, &spent)
	return ce
}

// faultCode returns a short name of an SDK error that holds no data, and the
// HTTP status, 0 if there was no answer.
func faultCode(err error) (code string, status int) {
	var withStatus interface{ HTTPStatusCode() int }
	if errors.As(err, &withStatus) {
		status = withStatus.HTTPStatusCode()
	}
	var api interface{ ErrorCode() string }
	if errors.As(err, &api) {
		code = api.ErrorCode()
	}
	switch {
	case code != "" && code != "UnknownError":
		return code, status
	case status != 0:
		return fmt.Sprintf("HTTP%d", status), status
	case errors.Is(err, context.DeadlineExceeded):
		return "Timeout", 0
	case errors.Is(err, context.Canceled):
		return "Canceled", 0
	default:
		return "NoAnswer", 0
	}
}

// throttled reports whether a code says that there was too much traffic, which
// is never the fault of one event.
func throttled(code string) bool {
	_, ok := retry.DefaultThrottleErrorCodes[code]
	return ok || strings.Contains(code, "Throttl")
}

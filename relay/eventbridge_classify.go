package relay

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/buslimits"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/noanswer"
)

// notAuthorizedForSource is EventBridge's refusal of a source. Whose fault that
// is depends on the source: nobody may use one that begins with "aws.".
const notAuthorizedForSource = "NotAuthorizedForSourceException"

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
	notAuthorizedForSource:                ConfigFault,
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

	// the request was never sent
	noanswer.NoRegion:      ConfigFault,
	noanswer.NoCredentials: ConfigFault,
}

// reservedSource reports whether nobody may use the entry's source.
func reservedSource(e Entry) bool { return strings.HasPrefix(e.Source, buslimits.ReservedSource) }

// classifyEntry classes the answer for one entry. An error code wins over an
// id; neither of them is unpublished.
func classifyEntry(e Entry, r types.PutEventsResultEntry) Result {
	code, id := aws.ToString(r.ErrorCode), aws.ToString(r.EventId)
	switch {
	case code == notAuthorizedForSource && reservedSource(e):
		return Result{Class: EventFault, Code: code, Message: aws.ToString(r.ErrorMessage)}
	case code != "":
		return Result{Class: codeClass[code], Code: code, Message: aws.ToString(r.ErrorMessage)}
	case id != "":
		return Result{Class: Accepted, ID: id}
	default:
		return Result{Class: Transient, Code: codeNoResult, Message: aws.ToString(r.ErrorMessage)}
	}
}

// classifyCall classes the error of a PutEvents call.
func classifyCall(entries []Entry, err error) *CallError {
	code, status := noanswer.Code(err)
	ce := &CallError{Class: codeClass[code], Code: code, Err: err}
	switch {
	case status == http.StatusRequestEntityTooLarge:
		ce.Class = EventFault // also with an empty body, which the SDK calls UnknownError
	case code == notAuthorizedForSource && slices.ContainsFunc(entries, reservedSource):
		ce.Class = EventFault // one such entry can fail the call; it is split until that one stands alone
	}
	var spent *retry.MaxAttemptsError
	ce.Retried = errors.As(err, &spent)
	return ce
}

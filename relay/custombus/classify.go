package custombus

import (
	"errors"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/noanswer"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// The codes of the publisher's own.
const (
	codeInvalidBusARN   = "InvalidBusARN"   // the bus of the entries is no ARN of a Custom Event Bus
	codeNoSuchBus       = "NoSuchBus"       // as of the EventBridge publisher
	codeBusCreating     = "BusCreating"     // the bus is not there yet
	codeBusCreateFailed = "BusCreateFailed" // and it never will be
	codeBusDeleting     = "BusDeleting"
	codeNoResult        = "NoResult" // neither a success nor an error
)

// codeClass has the codes of calls and entries, by class, each without its ending
// "Exception": AWS names the errors of a call
// (https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_PutEvents.html,
// https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/CommonErrors.html), and
// not the codes of an entry. Every code that is not here is Transient: an unknown
// fault is retried and held, never dead-lettered.
var codeClass = map[string]relay.Class{
	// what is in the event, or of a call as a whole, in one of its events
	"InvalidInput":          relay.EventFault,
	"InvalidArgument":       relay.EventFault, // and three more of classic EventBridge
	"MalformedDetail":       relay.EventFault,
	"RedactionFailure":      relay.EventFault,
	"Validation":            relay.EventFault,
	"ValidationError":       relay.EventFault,
	"Serialization":         relay.EventFault, // one entry that cannot be read rejects the whole call
	"RequestEntityTooLarge": relay.EventFault,

	// what is around it
	"AccessDenied":               relay.ConfigFault,
	"ResourceNotFound":           relay.ConfigFault,
	"InvalidState":               relay.ConfigFault,
	"NotAuthorized":              relay.ConfigFault,
	"NotAuthorizedForSource":     relay.ConfigFault,
	"NotAuthorizedForDetailType": relay.ConfigFault,
	"InvalidAccountId":           relay.ConfigFault,
	"OptInRequired":              relay.ConfigFault,
	"UnrecognizedClient":         relay.ConfigFault,
	"InvalidClientTokenId":       relay.ConfigFault,
	"InvalidSignature":           relay.ConfigFault,
	"SignatureDoesNotMatch":      relay.ConfigFault,
	"IncompleteSignature":        relay.ConfigFault,
	"MissingAuthenticationToken": relay.ConfigFault,
	"ExpiredToken":               relay.ConfigFault,
	"UnknownOperation":           relay.ConfigFault,
	"MalformedHttpRequest":       relay.ConfigFault,
	"KMSAccessDenied":            relay.ConfigFault,
	noanswer.NoCredentials:       relay.ConfigFault,
}

func classOf(code string) relay.Class { return codeClass[strings.TrimSuffix(code, "Exception")] }

// classifyEntry classes the answer for one entry: an error code wins, and only
// the two success codes that AWS names are a success
// (https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_PutEventsResultEntry.html).
func classifyEntry(a answerEntry) relay.Result {
	switch {
	case a.errorCode != "":
		return relay.Result{Class: classOf(a.errorCode), Code: a.errorCode, Message: a.errorMessage}
	case a.successCode == "PUBLISHED":
		return relay.Result{Class: relay.Accepted, ID: a.eventID}
	case a.successCode == "DEDUPLICATED":
		return relay.Result{Class: relay.Deduplicated, ID: a.eventID}
	default:
		return relay.Result{Class: relay.Transient, Code: codeNoResult, Message: a.errorMessage}
	}
}

// classifyCall classes the error of a call.
func classifyCall(err error) *relay.CallError {
	code, status := noanswer.Code(err)
	ce := &relay.CallError{Class: classOf(code), Code: code, Err: err}
	if status == http.StatusRequestEntityTooLarge {
		ce.Class = relay.EventFault // also with an empty body
	}
	var spent *retry.MaxAttemptsError
	ce.Retried = errors.As(err, &spent)
	return ce
}

package relay

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/noanswer"
)

// faultCode returns a short name of an error that holds no data, and the HTTP
// status, 0 if there was no answer.
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
	default:
		return noanswer.Name(err), 0
	}
}

// throttled reports whether a code says that there was too much traffic, which
// is never the fault of one event.
func throttled(code string) bool {
	_, ok := retry.DefaultThrottleErrorCodes[code]
	return ok || strings.Contains(code, "Throttl")
}

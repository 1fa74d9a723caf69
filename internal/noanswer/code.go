package noanswer

import (
	"errors"
	"fmt"
)

// Code returns a short name of a fault that holds no data: the code of the
// answer, else its HTTP status, else the [Name] of what kept it from coming. The
// status is 0 if there was no answer.
func Code(err error) (code string, status int) {
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
		return Name(err), 0
	}
}

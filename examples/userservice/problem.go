package userservice

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// Problem is a request that was refused: the error of every method of [Store]
// that is the client's to act on, and the JSON body of the answer.
type Problem struct {
	Status  int    `json:"-"`
	Code    string `json:"code"`            // stable, for programs
	Message string `json:"message"`         // for people
	Field   string `json:"field,omitempty"` // of the request's body
	Version int64  `json:"version,omitempty"`

	CorrelationID string `json:"correlationId"` // filled in by Service
}

func (p *Problem) Error() string { return fmt.Sprintf("userservice: %s: %s", p.Code, p.Message) }

func invalid(field, what string) *Problem {
	return &Problem{Status: http.StatusBadRequest, Code: "invalid_" + field, Message: field + " " + what, Field: field}
}

func problem(status int, code, message string) *Problem {
	return &Problem{Status: status, Code: code, Message: message}
}

func emailTaken() *Problem {
	p := problem(http.StatusConflict, "email_taken", "another user has this e-mail address")
	p.Field = "email"
	return p
}

func stale(version int64) *Problem {
	p := problem(http.StatusConflict, "stale_version", fmt.Sprintf("the user has version %d by now; read it again", version))
	p.Version = version
	return p
}

func noSuchUser() *Problem {
	return problem(http.StatusNotFound, "no_such_user", "there is no user with this id")
}

// unavailable is what is left after the retries. The client may repeat the
// request, and must take care if the outcome is unknown: a POST with the same
// Idempotency-Key.
func unavailable(unknown bool) *Problem {
	if unknown {
		return problem(http.StatusServiceUnavailable, "outcome_unknown", "it is not known whether this was done; repeat the request with the same Idempotency-Key or version")
	}
	return problem(http.StatusServiceUnavailable, "busy", "nothing was done; try again in a moment")
}

// refusal is what the client is told of an error. What is not its to act on is
// logged and not told.
func refusal(err error) *Problem {
	var told *Problem
	var failed *outbox.CommitError
	switch {
	case errors.As(err, &told):
		p := *told
		return &p
	case errors.As(err, &failed) && (failed.Retryable || failed.Outcome == outbox.Unknown):
		return unavailable(failed.Outcome == outbox.Unknown)
	case errors.Is(err, context.DeadlineExceeded) || retry.NewStandard().IsErrorRetryable(err):
		return unavailable(false) // a read, or a claim: they change nothing
	}
	return problem(http.StatusInternalServerError, "internal", "the service is at fault; tell it the correlation id")
}

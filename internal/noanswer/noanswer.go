// Package noanswer names the faults of a request to AWS that got no answer:
// what people look for in a log first, and what the SDK hides in a chain of
// errors.
package noanswer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// The names.
const (
	NoRegion      = "NoRegion"      // the client has no region, so there is no endpoint
	NoCredentials = "NoCredentials" // the client has no credentials, or cannot get any
	DNS           = "DNS"           // the endpoint's name is not known
	Refused       = "Refused"       // nobody listens there
	TLS           = "TLS"           // no secure connection could be made
	Reset         = "Reset"         // the connection was cut
	Timeout       = "Timeout"       // the time was over
	Canceled      = "Canceled"      // the context was cancelled
	Unknown       = "NoAnswer"      // none of these
)

// Name returns the name of a fault. The error must be one of a request that got
// no answer: that is for the caller to know.
func Name(err error) string {
	var (
		noRegion    *aws.MissingRegionError
		dns         *net.DNSError
		certificate *tls.CertificateVerificationError
		authority   x509.UnknownAuthorityError
		hostname    x509.HostnameError
		invalid     x509.CertificateInvalidError
		record      tls.RecordHeaderError
		alert       tls.AlertError
		network     net.Error
	)
	switch {
	case err == nil:
		return Unknown
	case errors.As(err, &noRegion), unsentFor(err, "missing region"):
		return NoRegion
	case unsentFor(err, "get identity: "), unsentFor(err, "get credentials: "):
		return NoCredentials // whatever kept it from getting them
	case errors.As(err, &dns):
		return DNS
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.As(err, &certificate), errors.As(err, &authority), errors.As(err, &hostname),
		errors.As(err, &invalid), errors.As(err, &record), errors.As(err, &alert), errors.Is(err, http.ErrSchemeMismatch):
		return TLS
	case errors.Is(err, context.Canceled):
		return Canceled
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return Timeout
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return Reset
	default:
		return Unknown
	}
}

// Unsent reports whether the request certainly never reached AWS: the SDK did
// not get as far as sending it, or no connection could be made for it. Of
// several attempts, the error is that of the last one: it says nothing of those
// before it.
func Unsent(err error) bool {
	switch Name(err) {
	case NoRegion, NoCredentials, DNS, Refused, TLS:
		return true
	default:
		var connection *net.OpError
		return errors.As(err, &connection) && connection.Op == "dial"
	}
}

// unsentFor reports whether the SDK gave up before it sent anything, with that
// reason. The SDK has no type for it, only words
// (smithy-go: "get identity: …"; endpoint rules: "Invalid Configuration: Missing Region").
func unsentFor(err error, reason string) bool {
	var operation *smithy.OperationError
	if !errors.As(err, &operation) || sent(operation.Err) {
		return false
	}
	return strings.Contains(strings.ToLower(operation.Err.Error()), reason)
}

// sent reports whether an operation's error is one of its transport. That of
// another operation within, by which the credentials should have come, is not.
func sent(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		switch err.(type) { //nolint:errorlint // each step of the way is looked at
		case *smithy.OperationError:
			return false
		case interface {
			HTTPResponse() *smithyhttp.Response
		}, *smithyhttp.RequestSendError:
			return true
		}
	}
	return false
}

package relaytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/smithy-go"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/buslimits"
)

// The rules of PutEvents, where no link says otherwise from
// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/eventbridge@v1.55.10#Client.PutEvents.
// AWS names the codes of an entry, and not always which rule has which.
const (
	malformedDetail = "MalformedDetail"
	invalidArgument = "InvalidArgument"
	notAuthorized   = "NotAuthorizedForSourceException"
)

// maxTraceHeader is the length of a trace header in characters
// (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html).
const maxTraceHeader = 500

// refusedCall returns the error of a call that is refused as a whole, nil if it is
// not.
func refusedCall(entries []Entry, size int) error {
	if n := len(entries); n < 1 || n > buslimits.MaxEntries {
		return validation(fmt.Sprintf("%d entries in the request; 1 to %d are allowed", n, buslimits.MaxEntries))
	}
	complete := false
	for i, e := range entries {
		complete = complete || !incomplete(e)
		if utf8.RuneCountInString(e.Bus) > buslimits.MaxBusName {
			return validation(fmt.Sprintf("EventBusName of entry %d is too long", i))
		}
		if utf8.RuneCountInString(e.TraceHeader) > maxTraceHeader {
			return validation(fmt.Sprintf("TraceHeader of entry %d is too long", i))
		}
	}
	if size > buslimits.MaxCallSize {
		return validation(fmt.Sprintf("Total size of the entries in the request is over the limit: %d bytes", size))
	}
	if !complete {
		return validation("no entry has a Source, a DetailType and a Detail")
	}
	return nil
}

// validation is the error that was seen of requests that are too large
// (https://github.com/awslabs/aws-service-catalog-puppet/issues/563).
func validation(message string) error {
	return &smithy.GenericAPIError{Code: "ValidationException", Message: message, Fault: smithy.FaultClient}
}

func incomplete(e Entry) bool { return e.Source == "" || e.DetailType == "" || len(e.Detail) == 0 }

// refusedEntry returns the code of an entry that is refused alone, "" if it is not.
func refusedEntry(e Entry) string {
	switch {
	case incomplete(e), utf8.RuneCountInString(e.DetailType) > buslimits.MaxDetailType:
		return invalidArgument
	case strings.HasPrefix(e.Source, buslimits.ReservedSource):
		return notAuthorized
	case !validDetail(e.Detail):
		return malformedDetail
	}
	return ""
}

// validDetail reports whether a Detail is a JSON object that EventBridge takes:
// not too deep, and with integers of 64 bits.
func validDetail(detail []byte) bool {
	if !utf8.Valid(detail) || !json.Valid(detail) || bytes.TrimSpace(detail)[0] != '{' {
		return false
	}
	dec := json.NewDecoder(bytes.NewReader(detail))
	dec.UseNumber()
	for depth := 0; ; {
		token, err := dec.Token()
		if err != nil {
			return true // the end
		}
		switch v := token.(type) {
		case json.Delim:
			if depth++; v == '}' || v == ']' {
				depth -= 2
			}
			if depth > buslimits.MaxDetailDepth {
				return false
			}
		case json.Number:
			_, err := strconv.ParseInt(v.String(), 10, 64)
			if err != nil && !strings.ContainsAny(v.String(), ".eE") {
				return false
			}
		}
	}
}

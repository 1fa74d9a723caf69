package relay

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/buslimits"
)

// Explain says which rule of EventBridge the entry breaks, "" if none that is
// known. What was committed is asked about only when EventBridge has refused it,
// so a limit that AWS has raised since does no harm.
func (e *EventBridge) Explain(entry Entry) string {
	switch n := utf8.RuneCountInString(entry.DetailType); {
	case n == 0:
		return "the detail-type is empty"
	case n > buslimits.MaxDetailType:
		return "the detail-type has " + strconv.Itoa(n) + " characters; EventBridge takes " + strconv.Itoa(buslimits.MaxDetailType)
	}
	switch {
	case entry.Source == "":
		return "the source is empty"
	case reservedSource(entry):
		return "the source begins with " + buslimits.ReservedSource
	case e.Size(entry) > buslimits.MaxEntrySize:
		return tooLarge(e.Size(entry), buslimits.MaxEntrySize)
	case utf8.RuneCountInString(entry.TraceHeader) > buslimits.MaxTraceHeader:
		return "the trace header has more than " + strconv.Itoa(buslimits.MaxTraceHeader) + " characters"
	case utf8.RuneCountInString(entry.Bus) > buslimits.MaxBusName:
		return "the bus's name has more than " + strconv.Itoa(buslimits.MaxBusName) + " characters"
	}
	return explainDetail(entry.Detail)
}

// explainDetail looks for what EventBridge is known to refuse in a Detail
// (https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/eventbridge@v1.55.10#Client.PutEvents).
func explainDetail(detail []byte) string {
	dec := json.NewDecoder(bytes.NewReader(detail))
	dec.UseNumber()
	depth := 0
	for {
		token, err := dec.Token()
		if err != nil {
			return "" // the end, or no JSON: that would be our own fault
		}
		switch v := token.(type) {
		case json.Delim:
			if v == '}' || v == ']' {
				depth--
			} else if depth++; depth > buslimits.MaxDetailDepth {
				return "the event nests deeper than " + strconv.Itoa(buslimits.MaxDetailDepth) + " levels"
			}
		case json.Number:
			if strings.ContainsAny(v.String(), ".eE") {
				continue
			}
			if _, err := strconv.ParseInt(v.String(), 10, 64); err != nil {
				return "an integer of the event does not fit 64 bits"
			}
		}
	}
}

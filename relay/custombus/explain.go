package custombus

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/buslimits"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// The limits of an entry, in characters
// (https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_PutEventsRequestEntry.html).
const (
	maxSource     = 256
	maxDetailType = 128
	maxResources  = 100
	maxResource   = 2048
)

// Explain says which rule of the bus the entry breaks, "" if none that is known.
func (p *Publisher) Explain(e relay.Entry) string {
	if e.Bus != "" {
		if _, err := parseARN(e.Bus); err != nil {
			return "the bus is not the ARN of a Custom Event Bus"
		}
	}
	if rule := lengthRule("detail-type", e.DetailType, 1, maxDetailType); rule != "" {
		return rule
	}
	if rule := lengthRule("source", e.Source, 1, maxSource); rule != "" {
		return rule
	}
	if strings.HasPrefix(e.Source, buslimits.ReservedSource) {
		return "the source begins with " + buslimits.ReservedSource
	}
	if n := len(e.Resources); n > maxResources {
		return "the entry has " + strconv.Itoa(n) + " resources; the bus takes " + strconv.Itoa(maxResources)
	}
	for _, r := range e.Resources {
		if rule := lengthRule("resource", r, 0, maxResource); rule != "" {
			return rule
		}
	}
	return ""
}

func lengthRule(what, s string, least, most int) string {
	switch n := utf8.RuneCountInString(s); {
	case n < least:
		return "the " + what + " is empty"
	case n > most:
		return "the " + what + " has " + strconv.Itoa(n) + " characters; the bus takes " + strconv.Itoa(most)
	case !utf8.ValidString(s):
		return "the " + what + " is not UTF-8"
	default:
		return ""
	}
}

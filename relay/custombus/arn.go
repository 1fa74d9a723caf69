package custombus

import (
	"fmt"
	"regexp"
	"strings"
)

// busARN is the ARN of a Custom Event Bus, and what the endpoint needs of it.
type busARN struct {
	text, partition, region, account string
}

// busPattern is the pattern of the API's own model
// (https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_PutEvents.html).
var busPattern = regexp.MustCompile(`^arn:(aws(?:-[a-z0-9]+)*):events:([a-z][a-z0-9]*(?:-[a-z0-9]+)*):([0-9]{12}):event-busv2/[A-Za-z0-9][._A-Za-z0-9-]{0,255}/[a-z0-9]{25}$`)

func parseARN(text string) (busARN, error) {
	m := busPattern.FindStringSubmatch(text)
	if m == nil {
		return busARN{}, fmt.Errorf("custombus: %q is not the ARN of a Custom Event Bus, arn:aws:events:REGION:ACCOUNT:event-busv2/NAME/ID; "+
			"a classic event bus has the publisher relay.NewEventBridge", text)
	}
	return busARN{text: strings.Clone(text), partition: m[1], region: m[2], account: m[3]}, nil
}

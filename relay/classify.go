package relay

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// throttled reports whether a code says that there was too much traffic, which
// is never the fault of one event.
func throttled(code string) bool {
	_, ok := retry.DefaultThrottleErrorCodes[code]
	return ok || strings.Contains(code, "Throttl")
}

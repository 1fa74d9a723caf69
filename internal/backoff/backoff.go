// Package backoff says how long to wait before trying again.
package backoff

import (
	"math/rand/v2"
	"time"
)

// Full returns a random wait before the given attempt, with full jitter: it is
// uniform in [0, min(limit, base × 2^(attempt-2))), where attempt 2 is the first
// repetition. Attempts below 2 need no wait. It is safe for concurrent use
// (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
func Full(attempt int, base, limit time.Duration) time.Duration {
	top := Ceiling(attempt, base, limit)
	if top <= 0 {
		return 0
	}
	return rand.N(top)
}

// Ceiling returns the bound of [Full].
func Ceiling(attempt int, base, limit time.Duration) time.Duration {
	if attempt < 2 || base <= 0 || limit <= 0 {
		return 0
	}
	for top := base; ; top *= 2 {
		if attempt == 2 || top >= limit {
			return min(top, limit)
		}
		attempt--
	}
}

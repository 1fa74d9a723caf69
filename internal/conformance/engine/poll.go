package engine

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// pollEvery is the pause between two tries of poll.
const pollEvery = 20 * time.Millisecond

// poll calls try until it returns nil, ctx ends, or gone is closed. The error
// tells why it ended and what the last try said.
func poll(ctx context.Context, try func(context.Context) error, gone <-chan struct{}) error {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	var last error
	for {
		if last = try(ctx); last == nil {
			return nil
		}
		select {
		case <-gone:
			return errGone
		case <-ctx.Done():
			return fmt.Errorf("%w (last try: %w)", ctx.Err(), last)
		case <-ticker.C:
		}
	}
}

// errGone says that the process under way ended by itself.
var errGone = errors.New("it ended by itself")

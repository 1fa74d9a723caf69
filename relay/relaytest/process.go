package relaytest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// process is one that runs the function, one invocation at a time.
type process struct {
	number      int
	handler     Handler
	invocations int
}

// run invokes the handler and abandons it when ctx ends. What is there only then
// is too late.
func (p *process) run(ctx context.Context, payload []byte) (answer []byte, died bool, err error) {
	type outcome struct {
		answer   []byte
		panicked bool
		err      error
	}
	p.invocations++
	ended := make(chan outcome, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				ended <- outcome{nil, true, fmt.Errorf("relaytest: the handler panicked: %v", v)}
			}
		}()
		answer, err := p.handler.Invoke(ctx, payload)
		ended <- outcome{slices.Clone(answer), false, err}
	}()
	var o outcome
	select {
	case o = <-ended:
	case <-ctx.Done():
	}
	if end, _ := ctx.Deadline(); ctx.Err() != nil || !time.Now().Before(end) {
		return nil, true, fmt.Errorf("relaytest: the function timed out: %w", cmp.Or(ctx.Err(), context.DeadlineExceeded))
	}
	return o.answer, o.panicked, o.err
}

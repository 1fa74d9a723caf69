package relaytest_test

import (
	"context"
	"fmt"
	"sync"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// t is what a test has, in the examples.
var t = &fakeT{}

// fakeT is a test that keeps what is reported to it.
type fakeT struct {
	ctx context.Context

	mu           sync.Mutex // guards what follows
	errors, logs []string
}

var _ relaytest.T = (*fakeT)(nil)

func (*fakeT) Helper() {}

func (f *fakeT) Errorf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errors = append(f.errors, fmt.Sprintf(format, args...))
}

func (f *fakeT) Logf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.logs = append(f.logs, fmt.Sprintf(format, args...))
}

func (f *fakeT) Context() context.Context {
	if f.ctx == nil {
		return context.Background()
	}
	return f.ctx
}

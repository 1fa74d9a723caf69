package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// instance is a Lambda function that is up: a process, or a handler that plays
// one.
type instance interface {
	lambda.Handler
	// Kill ends it at once, in whatever it is doing. It does not wait for an
	// invocation to return.
	Kill()
}

// function is a Lambda function that is started at its first invocation, and
// again at the next one after it was killed. It is safe for concurrent use.
type function struct {
	name  string
	start func(context.Context) (instance, error)
	bell  *bell

	starting sync.Mutex // held while an instance is started
	mu       sync.Mutex // guards what follows
	up       instance   // nil while there is none
	until    time.Time  // it stays down that long
}

// part says how a function is.
type part string

const (
	cold part = "cold" // not started yet
	up   part = "up"
	down part = "down" // killed, and not yet started again
)

// mourning is how long a killed function stays down, so that one can see it.
const mourning = 1500 * time.Millisecond

// Invoke starts the function, if need be, and invokes it.
func (f *function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	running, err := f.instance(ctx)
	if err != nil {
		return nil, err
	}
	return running.Invoke(ctx, payload)
}

func (f *function) instance(ctx context.Context) (instance, error) {
	f.starting.Lock()
	defer f.starting.Unlock()
	f.mu.Lock()
	running, until := f.up, f.until
	f.mu.Unlock()
	if running != nil {
		return running, nil
	}
	if !pause(ctx, time.Until(until), nil) {
		return nil, ctx.Err()
	}
	running, err := f.start(ctx)
	if err != nil {
		return nil, fmt.Errorf("local: start %s: %w", f.name, err)
	}
	f.mu.Lock()
	f.up, f.until = running, time.Time{}
	f.mu.Unlock()
	f.bell.ring()
	return running, nil
}

// kill ends the running instance, if there is one.
func (f *function) kill() {
	f.mu.Lock()
	running := f.up
	f.up = nil
	if running != nil {
		f.until = time.Now().Add(mourning)
	}
	f.mu.Unlock()
	if running != nil {
		running.Kill()
		f.bell.ring()
	}
}

func (f *function) part() part {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.up != nil:
		return up
	case !f.until.IsZero():
		return down
	}
	return cold
}

// inProcess plays a Lambda function without the emulator: a handler with the
// function's timeout, whose context ends when it is killed.
type inProcess struct {
	handler lambda.Handler
	timeout time.Duration
	alive   context.Context
	end     context.CancelFunc
}

func newInProcess(h lambda.Handler, timeout time.Duration) *inProcess {
	alive, end := context.WithCancel(context.Background())
	return &inProcess{h, timeout, alive, end}
}

func (p *inProcess) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	defer context.AfterFunc(p.alive, cancel)()
	answer, err := p.handler.Invoke(ctx, payload)
	if p.alive.Err() != nil {
		return nil, fmt.Errorf("local: the function was killed: %w", p.alive.Err()) // its last words went unheard
	}
	return answer, err
}

func (p *inProcess) Kill() { p.end() }

// patient is a function behind an event source mapping: after a failure it
// takes its time to answer, as Lambda does to try again; a fault that is
// switched off ends the wait.
type patient struct {
	next     lambda.Handler
	switched *bell
	failed   func(error) // told of the first failure of a row
	back     func()      // told of the first success after one
	failures int         // in a row; one invocation at a time
}

// The wait doubles with each failure in a row.
const (
	firstWait = 100 * time.Millisecond
	lastWait  = 5 * time.Second
)

func (p *patient) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	rung := p.switched.listen()
	answer, err := p.next.Invoke(ctx, payload)
	var partial struct {
		BatchItemFailures []json.RawMessage `json:"batchItemFailures"`
	}
	if err == nil && json.Unmarshal(answer, &partial) == nil && len(partial.BatchItemFailures) == 0 {
		if p.failures > 0 {
			p.back()
		}
		p.failures = 0
		return answer, nil
	}
	if p.failures == 0 && ctx.Err() == nil {
		p.failed(err)
	}
	pause(ctx, min(lastWait, firstWait<<min(p.failures, 10)), rung)
	p.failures++
	return answer, err
}

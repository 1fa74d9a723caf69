// Package rie runs a Lambda binary under AWS's Lambda runtime interface emulator
// (https://github.com/aws/aws-lambda-runtime-interface-emulator): the binary that
// is deployed, the runtime API that it meets on Lambda, one invocation at a time,
// with a deadline, a timeout and a new process after a crash.
//
// The emulator runs on Linux only.
package rie

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
)

// Build builds a Lambda binary, as it is built to be deployed, into the folder
// dir, and returns its path. The package is named as from the folder module,
// which is in its module; "" is the current one.
func Build(ctx context.Context, module, pkg, dir string) (string, error) {
	binary, err := filepath.Abs(filepath.Join(dir, "bootstrap"))
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", binary, pkg)
	cmd.Dir, cmd.Env = module, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("rie: build %s: %w\n%s", pkg, err, out)
	}
	return binary, nil
}

// Options are the configuration of a function.
type Options struct {
	// Env is the function's environment, each as NAME=value. Nothing of ours is
	// passed on. See AWSEnv.
	Env []string
	// Timeout is the function's timeout, in whole seconds. Zero means 3 s, as
	// on Lambda.
	Timeout time.Duration
	// Log gets what the function and the emulator write. Nil means that it is
	// thrown away. It must be safe for concurrent use if several functions
	// share it.
	Log io.Writer
}

// Function is a Lambda function that runs under the emulator. Its methods are
// safe for concurrent use; invocations wait for each other.
type Function struct {
	url    string
	child  *engine.Child // the emulator
	binary string        // the function's program
	turn   chan struct{} // holds one token; who has it may invoke
}

// Start starts a Lambda binary under the emulator and waits until it can be
// invoked. Its process starts with the first invocation. An emulator that is not
// installed is an *engine.MissingError. Stop it after use; if its starter dies,
// it ends by itself.
func Start(ctx context.Context, binary string, optFns ...func(*Options)) (*Function, error) {
	opts := Options{Timeout: 3 * time.Second}
	for _, fn := range optFns {
		fn(&opts)
	}
	if opts.Timeout < time.Second || opts.Timeout%time.Second != 0 {
		return nil, fmt.Errorf("rie: Timeout is %s; Lambda takes whole seconds", opts.Timeout)
	}
	emulator, err := engine.LambdaRIEPath()
	if err != nil {
		return nil, err
	}
	if binary, err = filepath.EvalSymlinks(binary); err != nil {
		return nil, fmt.Errorf("rie: %w", err)
	}
	// An address of its own in 127.0.0.0/8, so that no port is taken.
	host := fmt.Sprintf("127.%d.%d.%d", 1+rand.N(254), 1+rand.N(254), 1+rand.N(254))
	env := append([]string{"AWS_LAMBDA_FUNCTION_TIMEOUT=" + strconv.Itoa(int(opts.Timeout/time.Second))}, opts.Env...)
	argv := []string{emulator, "--log-level", "warn",
		"--runtime-interface-emulator-address", host + ":8080", "--runtime-api-address", host + ":9001", binary}
	child, err := engine.StartChild(argv, func(cmd *exec.Cmd) {
		cmd.Env, cmd.Dir = env, filepath.Dir(binary)
		cmd.Stdout, cmd.Stderr = opts.Log, opts.Log
		cmd.WaitDelay = 3 * time.Second // for a function that keeps our pipe open
	})
	if err != nil {
		return nil, fmt.Errorf("rie: start %s: %w", binary, err)
	}
	f := &Function{url: "http://" + host + ":8080", child: child, binary: binary, turn: make(chan struct{}, 1)}
	if err := f.wait(ctx); err != nil {
		child.Stop()
		return nil, fmt.Errorf("rie: start %s: %w", binary, err)
	}
	f.turn <- struct{}{}
	return f, nil
}

const (
	ready     = 20 * time.Second
	pollEvery = 10 * time.Millisecond
)

var errGone = errors.New("the emulator has ended")

// wait waits until the emulator answers anything.
func (f *Function) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, ready)
	defer cancel()
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			return resp.Body.Close()
		}
		select {
		case <-f.child.Gone:
			return errGone
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-ticker.C:
		}
	}
}

// Error is an invocation that failed in the function, as Lambda reports it.
type Error struct {
	Type    string `json:"errorType"` // such as Runtime.ExitError, Sandbox.Timedout or the Go type
	Message string `json:"errorMessage"`
}

func (e *Error) Error() string { return fmt.Sprintf("rie: %s: %s", e.Type, e.Message) }

// Invoke invokes the function with a JSON event. An error of the function is an
// [*Error]: also a timeout, and a process that has ended. If ctx ends first, the
// invocation goes on, and the next one waits for it.
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	select {
	case <-f.turn:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	type result struct {
		answer []byte
		err    error
	}
	done := make(chan result, 1)
	payload = bytes.Clone(payload) // the caller's, who may be gone before us
	go func() {
		// The emulator dies of a second invocation during one that was left.
		answer, err := f.post(context.WithoutCancel(ctx), payload)
		f.turn <- struct{}{}
		done <- result{answer, err}
	}()
	select {
	case r := <-done:
		return r.answer, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *Function) post(ctx context.Context, payload []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url+"/2015-03-31/functions/function/invocations", bytes.NewReader(payload))
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("rie: invoke: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("rie: invoke: %w", err)
	}
	return answer, failure(resp.StatusCode, answer)
}

// failure tells an error of the function from its answer. The emulator has no
// header for it: an error that the function returned comes with status 200, and
// so does a timeout, in words.
func failure(status int, answer []byte) error {
	var e struct{ ErrorType, ErrorMessage *string }
	switch {
	case bytes.HasPrefix(answer, []byte("Task timed out after ")):
		return &Error{Type: "Sandbox.Timedout", Message: string(answer)}
	case json.Unmarshal(answer, &e) == nil && e.ErrorType != nil && e.ErrorMessage != nil:
		return &Error{Type: *e.ErrorType, Message: *e.ErrorMessage}
	case status != http.StatusOK:
		return &Error{Type: "Emulator." + strconv.Itoa(status), Message: string(answer)}
	}
	return nil
}

// Crash kills the function's process, as a power cut would, and reports whether
// there was one. An invocation that is under way fails; the next one starts a new
// process.
func (f *Function) Crash() bool {
	lists, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(f.child.PID()), "task", "*", "children"))
	if err != nil {
		return false
	}
	killed := false
	for _, list := range lists {
		children, err := os.ReadFile(list)
		if err != nil {
			continue // a thread that has ended
		}
		for child := range strings.FieldsSeq(string(children)) {
			if program, err := os.Readlink(filepath.Join("/proc", child, "exe")); err != nil || program != f.binary {
				continue
			}
			id, err := strconv.Atoi(child)
			if err != nil {
				continue
			}
			if p, err := os.FindProcess(id); err == nil && p.Kill() == nil {
				killed = true
			}
		}
	}
	return killed
}

// Stop ends the function, which gets SIGTERM, and the emulator. It may be called
// more than once.
func (f *Function) Stop() { f.child.Stop() }

// AWSEnv is the environment by which the SDK in a function finds region and
// credentials. Endpoints are up to the caller: AWS_ENDPOINT_URL_DYNAMODB and its
// like (https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html).
func AWSEnv(ctx context.Context, cfg aws.Config) ([]string, error) {
	keys, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("rie: %w", err)
	}
	return []string{
		"AWS_REGION=" + cfg.Region,
		"AWS_ACCESS_KEY_ID=" + keys.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + keys.SecretAccessKey,
	}, nil
}

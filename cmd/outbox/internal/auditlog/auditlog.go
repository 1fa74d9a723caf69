// Package auditlog writes down who changed what, and why: one JSON object a line,
// before anything is changed and when it is over.
package auditlog

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Entry is one line.
type Entry struct {
	Time    time.Time `json:"time"`
	Command string    `json:"command"`
	Phase   string    `json:"phase"` // "begin" or "end"
	Caller  string    `json:"caller"`
	Region  string    `json:"region"`
	Reason  string    `json:"reason"`
	Args    []string  `json:"args"`
	// Result is what came of it, at the end.
	Result any    `json:"result,omitempty"`
	Error  string `json:"error,omitempty"`
}

// Log writes the lines of one run.
type Log struct {
	w     io.Writer
	close func() error
	entry Entry
}

// Open returns the log of a run. With a path the lines are appended to that file,
// which only its owner can read; else they go to w.
func Open(path string, w io.Writer, run Entry) (*Log, error) {
	l := &Log{w: w, close: func() error { return nil }, entry: run}
	if path != "" {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, fmt.Errorf("--audit-log: %w", err)
		}
		l.w, l.close = f, f.Close
	}
	return l, nil
}

// Begin writes the line that comes before any change. If it cannot be written,
// nothing may be changed.
func (l *Log) Begin() error { return l.write("begin", nil, nil) }

// End writes what came of it, and closes the log.
func (l *Log) End(result any, err error) error {
	werr := l.write("end", result, err)
	if cerr := l.close(); werr == nil {
		werr = cerr
	}
	return werr
}

func (l *Log) write(phase string, result any, err error) error {
	e := l.entry
	e.Time, e.Phase, e.Result = time.Now().UTC(), phase, result
	if err != nil {
		e.Error = err.Error()
	}
	line, jerr := json.Marshal(e)
	if jerr != nil {
		return fmt.Errorf("audit log: %w", jerr)
	}
	if _, err := l.w.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	return nil
}

// callerTimeout bounds the question who the caller is.
const callerTimeout = 3 * time.Second

// Caller is the ARN of whoever runs the command, as STS says it; "unknown" and
// why if it does not.
func Caller(ctx context.Context, cfg aws.Config) string {
	ctx, cancel := context.WithTimeout(ctx, callerTimeout)
	defer cancel()
	out, err := sts.NewFromConfig(cfg, func(o *sts.Options) { o.Retryer = aws.NopRetryer{} }).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return fmt.Sprintf("unknown (sts:GetCallerIdentity: %v)", err)
	}
	return aws.ToString(out.Arn)
}

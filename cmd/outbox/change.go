package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/auditlog"
)

// change is what every verb has that publishes or changes something.
type change struct {
	Execute  bool   `group:"change" help:"Do it. Without this flag nothing is published or changed: the command looks, and says what it would do."`
	Reason   string `group:"change" placeholder:"TEXT" help:"Why; it goes into the audit log."`
	AuditLog string `group:"change" placeholder:"FILE" help:"Append the audit log to this file: who, when, why, and what came of it, as one JSON object a line. Default: stderr."`
}

// audited runs do between the two lines of the audit log. Without the first one,
// nothing is done.
func (c change) audited(ctx context.Context, a *app, cfg aws.Config, verb string, do func() (result any, err error)) error {
	if !c.Execute {
		_, err := do()
		return err
	}
	l, err := auditlog.Open(c.AuditLog, a.stderr, auditlog.Entry{
		Command: verb, Caller: auditlog.Caller(ctx, cfg), Region: cfg.Region, Reason: c.Reason, Args: a.args,
	})
	if err != nil {
		return usageError{err}
	}
	if err := l.Begin(); err != nil {
		return err
	}
	result, err := do()
	if lerr := l.End(result, err); err == nil {
		err = lerr
	}
	return err
}

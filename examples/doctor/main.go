// Command doctor looks at a deployment of the outbox on AWS, and says what in
// it loses events, holds them up or will hurt some day, why, and how to mend
// it. It only reads.
//
//	go -C examples run ./doctor -name outbox            what the templates have deployed under that name
//	go -C examples run ./doctor -name outbox -json      the same for a program
//	go -C examples run ./doctor -policy                 the permissions that it needs
//
// Flags give it other names than those of the templates; -h lists them with
// their defaults.
//
// Two things about global tables that it knows: a strongly consistent one takes
// no transactions and has no TTL, so it cannot be an event store; and the stream
// of every other one has old and new images and cannot be switched off, which is
// right for the relay.
//
// Region and credentials come from where the AWS SDK takes them. It ends with 0
// if there is no problem, 1 if there is one, 2 if there is none but something
// could not be looked at, 3 if it was called wrongly.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], func(ctx context.Context) (aws.Config, error) { return config.LoadDefaultConfig(ctx) }, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the command; load gives it the AWS configuration.
func run(ctx context.Context, args []string, load func(context.Context) (aws.Config, error), out, errOut io.Writer) int {
	flags := flag.NewFlagSet("doctor", flag.ContinueOnError)
	flags.SetOutput(errOut)
	name := flags.String("name", "outbox", "what the names of the deployment begin with: the stack's name, or var.name")
	asJSON := flags.Bool("json", false, "write the report as JSON")
	policy := flags.Bool("policy", false, "print the IAM policy that the doctor needs, and look at nothing")
	var names Names
	overrides := []struct {
		flag, what string
		to         func(*Names) *string
	}{
		{"event-store", "table of the events", func(n *Names) *string { return &n.EventStore }},
		{"ttl", "attribute of the time to live", func(n *Names) *string { return &n.TTL }},
		{"marker", "attribute that marks events in a table that holds other items too", func(n *Names) *string { return &n.Marker }},
		{"dead-letters", "table of the dead letters, where the relay's DEAD_LETTER_TABLE does not say it", func(n *Names) *string { return &n.DeadLetters }},
		{"relay", "function of the relay", func(n *Names) *string { return &n.Relay }},
		{"bus", "event bus", func(n *Names) *string { return &n.Bus }},
		{"rule", "rule on the bus", func(n *Names) *string { return &n.Rule }},
		{"queue", "queue that is the rule's target", func(n *Names) *string { return &n.Queue }},
		{"consumer", "function behind the queue", func(n *Names) *string { return &n.Consumer }},
		{"source", "source of the sample event", func(n *Names) *string { return &n.Source }},
		{"detail-type", "detail-type of the sample event", func(n *Names) *string { return &n.DetailType }},
	}
	templates := NamesOf(*name)
	for _, o := range overrides {
		flags.StringVar(o.to(&names), o.flag, "", fmt.Sprintf("%s (default %s)", o.what, orNone(*o.to(&templates))))
	}
	flags.Usage = func() {
		fmt.Fprintln(errOut, "doctor looks at a deployment of the outbox on AWS. It only reads.")
		flags.PrintDefaults()
		fmt.Fprintln(errOut, "Names that begin with outbox follow -name: with -name shop, shop-event-store and so on.")
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitHealthy
	case err != nil:
		return exitUsage
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(errOut, "doctor: unexpected argument %q\n", flags.Arg(0))
		return exitUsage
	}
	all := NamesOf(*name)
	for _, o := range overrides {
		if given := *o.to(&names); given != "" {
			*o.to(&all) = given
		}
	}
	all.deadLettersGiven = names.DeadLetters != ""
	if *policy {
		fmt.Fprintln(out, permissions(*name, all))
		return exitHealthy
	}
	cfg, err := load(ctx)
	if err == nil && cfg.Region == "" {
		err = fmt.Errorf("no region: set AWS_REGION")
	}
	if err != nil {
		fmt.Fprintf(errOut, "doctor: %v\n", err)
		return exitUsage
	}
	report := Inspect(ctx, Clients{
		Tables: dynamodb.NewFromConfig(cfg), Functions: lambda.NewFromConfig(cfg), Events: eventbridge.NewFromConfig(cfg), Queues: sqs.NewFromConfig(cfg),
	}, all, *name, cfg.Region)
	write := report.writeText
	if *asJSON {
		write = report.writeJSON
	}
	if err := write(out); err != nil {
		fmt.Fprintf(errOut, "doctor: %v\n", err)
		return exitUnclear
	}
	return report.exitCode()
}

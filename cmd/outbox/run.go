package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/advice"
)

// Exit codes.
const (
	exitDone        = 0
	exitSomeFailed  = 1
	exitUsage       = 2
	exitInterrupted = 3
)

// cli is the grammar.
type cli struct {
	common
	Version kong.VersionFlag `help:"Print the version."`

	Doctor  doctorCmd  `cmd:"" help:"Look at a deployment, and say what in it loses events or holds them up, and how to mend it."`
	Inspect inspectCmd `cmd:"" help:"Say all that is known about one event."`
	Audit   auditCmd   `cmd:"" help:"Say which events were never published: event store, less the journal, less the dead letters."`
	Replay  replayCmd  `cmd:"" help:"Publish events again."`
	Redrive redriveCmd `cmd:"" help:"Look at the dead letters, publish them again, or discard them."`
	Tail    tailCmd    `cmd:"" help:"Print events as they come on the stream."`
}

const description = `outbox is for whoever operates an outbox on AWS. Nothing is published or changed without --execute.

Names come from flags, or from the file outbox.yaml, whose keys are the flags' names. Region and credentials come from where the AWS SDK takes them; AWS_ENDPOINT_URL_* points at an engine.

Exit status: 0 done, 1 some failed, 2 wrong call or configuration, 3 interrupted (it can be resumed).`

// environment is what a run has of the process.
type environment struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	terminal       bool // stderr is one
	signals        <-chan os.Signal
	load           func(ctx context.Context, region string) (aws.Config, error)
}

// app is one run.
type app struct {
	environment
	common
	args       []string
	interrupts interrupts
}

// exited is how kong asks for an end, after -h.
type exited int

// run is the command.
func run(ctx context.Context, args []string, env environment) (code int) {
	a := &app{environment: env, args: args}
	defer func() {
		switch e := recover().(type) {
		case nil:
		case exited:
			code = int(e)
		default:
			panic(e)
		}
	}()
	var grammar cli
	parser, err := kong.New(&grammar,
		kong.Name("outbox"), kong.Description(description), kong.Vars{"config": defaultConfig, "version": "outbox " + version()},
		kong.Writers(env.stdout, env.stderr), kong.Exit(func(code int) { panic(exited(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, WrapUpperBound: 100}),
		fromFile(),
		kong.ExplicitGroups([]kong.Group{
			{Key: "what", Title: "Which events:"},
			{Key: "filter", Title: "Fewer of them:"},
			{Key: "to", Title: "Where to:"},
			{Key: "pace", Title: "How fast:"},
			{Key: "resume", Title: "Interrupted and resumed:"},
			{Key: "change", Title: "Doing it:"},
			{Key: "names", Title: "Names (in " + defaultConfig + ", too):"},
		}),
	)
	if err != nil {
		return a.fail(err)
	}
	parser.Model.HelpFlag.Help = "Show this help."
	verb, err := parser.Parse(args)
	if err != nil {
		return a.fail(usageError{err})
	}
	a.common = grammar.common
	ctx, release := a.interrupts.follow(ctx, env.signals, func(s string) { fmt.Fprintln(env.stderr, "outbox: "+s) })
	defer release()
	verb.BindTo(ctx, (*context.Context)(nil))
	err = verb.Run(a)
	if err != nil && errors.Is(context.Cause(ctx), errInterrupted) {
		err = errInterrupted
	}
	return a.fail(err)
}

// version is that of the module, as go install or go run has it; (devel) in a
// checkout without one.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(devel)"
	}
	return or(info.Main.Version, "(devel)")
}

// fail says what is wrong, and returns the exit code that stands for it.
func (a *app) fail(err error) int {
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errSomeFailed): // the result has said it
		return exitSomeFailed
	case errors.Is(err, errInterrupted):
		fmt.Fprintln(a.stderr, "outbox: interrupted")
		return exitInterrupted
	case errors.Is(err, errUnclear): // so has the report
		return exitUsage
	}
	fmt.Fprintf(a.stderr, "outbox: %v\n", err)
	what := advice.Of(err)
	if what.Text != "" {
		fmt.Fprintf(a.stderr, "outbox: %s\n", what.Text)
	}
	if bad := (usageError{}); errors.As(err, &bad) || what.Configuration {
		return exitUsage
	}
	return exitSomeFailed
}

// write writes a result: with --json for a program, else as a text for people.
func (a *app) write(result any, text func(*strings.Builder)) error {
	var b strings.Builder
	if a.JSON {
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(result); err != nil {
			return err
		}
	} else {
		text(&b)
	}
	_, err := io.WriteString(a.stdout, b.String())
	return err
}

// aws returns the configuration of the AWS SDK.
func (a *app) aws(ctx context.Context) (aws.Config, error) {
	cfg, err := a.load(ctx, a.Region)
	if err != nil {
		return cfg, usageError{err}
	}
	if cfg.Region == "" {
		return cfg, usage("no region: --region, or set AWS_REGION")
	}
	return cfg, nil
}

// Package engine installs, starts and stops the servers that the end-to-end
// tests run against: DynamoDB Local and dynoxide (DynamoDB and its streams),
// moto (EventBridge and SQS), and the Lambda runtime interface emulator.
//
// Each engine has one pinned version. Installing downloads it with the
// ordinary client of its registry (Maven, npm, pip) into a cache folder outside
// the source tree; starting never downloads anything. A started engine listens
// on a free loopback port and ends with the process that started it, however
// that process ends.
//
// Tests use it through package enginetest.
package engine

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// Name names an engine.
type Name string

// The engines.
const (
	// DynamoDBLocal is AWS's own DynamoDB server: tables, transactions, streams.
	DynamoDBLocal Name = "dynamodb-local"
	// Dynoxide is an independent DynamoDB server: tables, transactions, streams.
	Dynoxide Name = "dynoxide"
	// Moto serves EventBridge, its rules, and SQS.
	Moto Name = "moto"
	// LambdaRIE is AWS's Lambda runtime interface emulator: a program that a
	// test runs around its own binary, not a server that is started here.
	LambdaRIE Name = "lambda-rie"
)

// InstallCommand is what a person types to install every engine.
const InstallCommand = "go -C examples run ./cmd/engines install"

// spec is what there is to know about one engine.
type spec struct {
	version string
	// env names the variable that points at an engine which is already running.
	// Empty for a program that is no server.
	env string
	// folder is the engine's folder in the cache; it carries the version, so
	// that another version is another folder.
	folder func() string
	// install fills the empty folder dir.
	install func(ctx context.Context, dir string, say Say) error
	// command is the argv that serves on the loopback port. Nil for a program.
	command func(dir string, port int) ([]string, error)
	// answers does one real request; nil error means the engine is up.
	answers func(ctx context.Context, url string) error
}

var specs = map[Name]spec{
	DynamoDBLocal: {
		version: dynamoDBLocalVersion,
		env:     "OUTBOX_DYNAMODB_LOCAL_URL",
		folder:  func() string { return "dynamodb-local-" + dynamoDBLocalVersion },
		install: installDynamoDBLocal,
		command: dynamoDBLocalCommand,
		answers: answersDynamoDB,
	},
	Dynoxide: {
		version: dynoxideVersion,
		env:     "OUTBOX_DYNOXIDE_URL",
		folder:  func() string { return "dynoxide-" + dynoxideVersion + "-" + npmPlatform() },
		install: installDynoxide,
		command: dynoxideCommand,
		answers: answersDynamoDB,
	},
	Moto: {
		version: motoVersion,
		env:     "OUTBOX_MOTO_URL",
		folder:  func() string { return "moto-" + motoVersion },
		install: installMoto,
		command: motoCommand,
		answers: answersMoto,
	},
	LambdaRIE: {
		version: samCLIVersion,
		folder:  func() string { return "lambda-rie-" + samCLIVersion },
		install: installLambdaRIE,
	},
}

// Names lists every engine, in the order in which they are installed.
func Names() []Name { return []Name{DynamoDBLocal, Dynoxide, Moto, LambdaRIE} }

// DynamoDBNames lists the engines that serve DynamoDB and its streams.
func DynamoDBNames() []Name { return []Name{DynamoDBLocal, Dynoxide} }

// ParseName returns the engine called s.
func ParseName(s string) (Name, error) {
	if _, ok := specs[Name(s)]; ok {
		return Name(s), nil
	}
	names := make([]string, 0, len(specs))
	for _, n := range Names() {
		names = append(names, string(n))
	}
	return "", fmt.Errorf("engine: no engine is called %q; there are %s", s, strings.Join(names, ", "))
}

// Version is the pinned version; for LambdaRIE that of the aws-sam-cli wheel
// in which it lies.
func (n Name) Version() string { return specs[n].version }

// Env names the environment variable that points at an engine which is already
// running, "" for LambdaRIE. While it is set, Start starts nothing and uses
// that engine.
func (n Name) Env() string { return specs[n].env }

// External returns the URL of an engine that is already running, "" if Env is
// not set.
func (n Name) External() string {
	if n.Env() == "" {
		return ""
	}
	return strings.TrimSuffix(os.Getenv(n.Env()), "/")
}

// MissingError says that an engine is not on this machine, and how to get it.
type MissingError struct {
	Name Name
	// Reason is what was looked for and not found.
	Reason string
}

func (e *MissingError) Error() string {
	msg := fmt.Sprintf("engine: %s %s is missing (%s); install it: %s", e.Name, e.Name.Version(), e.Reason, InstallCommand)
	if env := e.Name.Env(); env != "" {
		msg += "; or point " + env + " at a running one"
	}
	return msg
}

// Engine is a running server, or one that somebody else runs. Its methods are
// safe for concurrent use.
type Engine struct {
	// Name says what it is.
	Name Name
	// URL is its endpoint, such as http://127.0.0.1:40123, without a slash at
	// the end.
	URL string

	process *process // nil if somebody else runs it
}

// Ready bounds how long a started engine may take until it answers.
const Ready = 90 * time.Second

// Start returns the engine that Env points at, else starts the installed one as
// StartOwn does.
func Start(ctx context.Context, name Name) (*Engine, error) {
	url := name.External()
	if url == "" {
		return StartOwn(ctx, name)
	}
	ctx, cancel := context.WithTimeout(ctx, Ready)
	defer cancel()
	if err := poll(ctx, func(ctx context.Context) error { return specs[name].answers(ctx, url) }, nil); err != nil {
		return nil, fmt.Errorf("engine: %s=%s does not answer: %w", name.Env(), url, err)
	}
	return &Engine{Name: name, URL: url}, nil
}

// StartOwn starts an installed engine and waits until it answers, even if Env
// points at another. One that is not installed is a *MissingError. The caller
// stops it with Stop; an engine whose starter dies ends by itself.
func StartOwn(ctx context.Context, name Name) (*Engine, error) {
	if specs[name].command == nil {
		return nil, fmt.Errorf("engine: %q is not a server that can be started", name)
	}
	dir, err := Installed(name)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, Ready)
	defer cancel()
	return launch(ctx, name, dir)
}

// Log returns what the engine has written since byte offset, and the offset of
// its end. It returns "" for an engine that somebody else runs.
func (e *Engine) Log(offset int64) (text string, end int64) {
	if e.process == nil {
		return "", 0
	}
	return e.process.readLog(offset)
}

// LogFile is the path of the engine's log, "" for an engine that somebody else
// runs.
func (e *Engine) LogFile() string {
	if e.process == nil {
		return ""
	}
	return e.process.logFile
}

// Stop ends the engine and waits until it is gone. An engine that somebody
// else runs goes on. Stop may be called more than once.
func (e *Engine) Stop() {
	if e.process != nil {
		e.process.stop()
	}
}

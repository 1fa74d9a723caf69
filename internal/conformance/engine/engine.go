// Package engine installs, starts and stops the servers that the end-to-end
// tests run against: dynoxide and MiniStack (DynamoDB and its streams), moto
// (EventBridge and SQS), the Lambda runtime interface emulator, AWS's client for
// Python, its command for SAM templates and its checker of them. All of them have open-source licences.
//
// Each engine has one pinned version. Installing downloads it with the
// ordinary client of its registry (npm, pip) into a cache folder outside
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
	// Dynoxide is a DynamoDB server: tables, transactions, streams.
	Dynoxide Name = "dynoxide"
	// MiniStack is a server of many AWS services: DynamoDB and its streams, and
	// all that the templates of the examples deploy.
	MiniStack Name = "ministack"
	// Moto serves EventBridge, its rules, and SQS.
	Moto Name = "moto"
	// LambdaRIE is AWS's Lambda runtime interface emulator: a program that a
	// test runs around its own binary, not a server that is started here.
	LambdaRIE Name = "lambda-rie"
	// Botocore is AWS's client for Python: a library that a test runs a script
	// with, to see what AWS's own client sends and understands.
	Botocore Name = "botocore"
	// SAM is AWS's command for SAM templates, which a test deploys one with.
	SAM Name = "sam"
	// CFNLint is AWS's checker of templates.
	CFNLint Name = "cfn-lint"
	// DynamoDBLocal is AWS's own DynamoDB server. Its licence is no open-source
	// one, so it is neither installed nor required: who has one points its Env at
	// it, and the tests run on it, too.
	DynamoDBLocal Name = "dynamodb-local"
)

// InstallCommand is what a person types to install every engine.
const InstallCommand = "go -C internal/conformance run ./cmd/engines install"

// spec is what there is to know about one engine.
type spec struct {
	version string
	// env names the variable that points at an engine which is already running.
	// Empty for a program that is no server.
	env string
	// folder is the engine's folder in the cache; it carries the version, so
	// that another version is another folder.
	folder func() string
	// install fills the empty folder dir. Nil for what is never installed.
	install func(ctx context.Context, dir string, say Say) error
	// command is the argv that serves on the loopback port. Nil for a program, and
	// for what is never installed.
	command func(dir string, port int) []string
	// answers does one real request; nil error means the engine is up.
	answers func(ctx context.Context, url string) error
}

var specs = map[Name]spec{
	Dynoxide: {
		version: dynoxideVersion,
		env:     "OUTBOX_DYNOXIDE_URL",
		folder:  func() string { return "dynoxide-" + dynoxideVersion + "-" + npmPlatform() },
		install: installDynoxide,
		command: dynoxideCommand,
		answers: answersDynamoDB,
	},
	MiniStack: {
		version: miniStackVersion,
		env:     "OUTBOX_MINISTACK_URL",
		folder:  miniStackFolder,
		install: installMiniStack,
		command: miniStackCommand,
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
	Botocore: {
		version: botocoreVersion,
		folder:  func() string { return "botocore-" + botocoreVersion },
		install: fromPyPI("botocore==" + botocoreVersion),
	},
	SAM: {
		version: samCLIVersion,
		folder:  func() string { return "sam-" + samCLIVersion },
		install: fromPyPI("aws-sam-cli==" + samCLIVersion),
	},
	CFNLint: {
		version: cfnLintVersion,
		folder:  func() string { return "cfn-lint-" + cfnLintVersion },
		install: fromPyPI("cfn-lint==" + cfnLintVersion),
	},
	DynamoDBLocal: {
		env:     "OUTBOX_DYNAMODB_LOCAL_URL",
		answers: answersDynamoDB,
	},
}

// Names lists every engine that is installed, in that order.
func Names() []Name { return []Name{Dynoxide, MiniStack, Moto, LambdaRIE, Botocore, SAM, CFNLint} }

// DynamoDBNames lists the engines that serve DynamoDB and its streams: the
// installed ones, and DynamoDB Local if there is one to use.
func DynamoDBNames() []Name {
	names := []Name{Dynoxide, MiniStack}
	if DynamoDBLocal.External() != "" {
		names = append(names, DynamoDBLocal)
	}
	return names
}

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
// in which it lies, "" for DynamoDBLocal.
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
	if specs[e.Name].install == nil {
		return fmt.Sprintf("engine: %s is missing (%s); point %s at a running one", e.Name, e.Reason, e.Name.Env())
	}
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
	if s := specs[name]; s.command == nil && s.env == "" {
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

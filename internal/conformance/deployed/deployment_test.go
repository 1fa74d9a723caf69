package deployed

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
)

// TestMain lets MiniStack, which inherits the environment, ask the roles' policies
// at every call; the tests have the keys of the account itself. The code of the
// functions, which MiniStack leaves behind, is removed.
func TestMain(m *testing.M) {
	temp, err := os.MkdirTemp("", "deployed-")
	if err != nil {
		panic(err)
	}
	for k, v := range map[string]string{"AUTH": "true", "AWS_ACCESS_KEY_ID": engine.AccessKey, "AWS_SECRET_ACCESS_KEY": engine.SecretKey, "TMPDIR": temp} {
		if err := os.Setenv(k, v); err != nil {
			panic(err)
		}
	}
	code := enginetest.Main(m)
	if err := os.RemoveAll(temp); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

const (
	examples = "../../../examples"
	// stack is what the names of the deployment begin with.
	stack    = "outbox"
	mailFrom = "hello@example.com"
	mailID   = "example.com"

	relayFunction     = stack + "-relay"
	messagingFunction = stack + "-messaging"
	eventStore        = stack + "-event-store"
	receiptsTable     = stack + "-messaging"
	deadLetterTable   = stack + "-dead-letters"
	journalTable      = stack + "-journal"
	bus               = stack + "-bus"
	rule              = stack + "-user-created"
	messagingQueue    = stack + "-messaging"
	messagingDLQ      = stack + "-messaging-dlq"
)

// deployment is what a template has made of an engine.
type deployment struct {
	engine *engine.Engine
	dist   string // the folder with the functions' zip files
	host   string // of the HTTP API

	leftOut []string // checks of the doctor that fail because MiniStack leaves something out
	set     []string // and those that fail because of what the test has set

	tables    *dynamodb.Client
	functions *lambda.Client
	events    *eventbridge.Client
	queues    *sqs.Client
	logs      *cloudwatchlogs.Client
	roles     *iam.Client
}

func newDeployment(e *engine.Engine, dist, host string) *deployment {
	return &deployment{
		engine: e, dist: dist, host: host,
		tables: e.DynamoDB(), functions: lambda.NewFromConfig(e.Config()), events: e.EventBridge(), queues: e.SQS(), logs: cloudwatchlogs.NewFromConfig(e.Config()), roles: iam.NewFromConfig(e.Config()),
	}
}

// must runs a command in a folder, and returns what it prints. It has to succeed.
func must(t *testing.T, dir string, env []string, argv ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s\n%s%s", argv, out, &stderr)
	return string(out)
}

// bundle builds the functions for this machine, on which MiniStack runs them.
func bundle(t *testing.T, dist string) {
	t.Helper()
	must(t, examples, nil, "go", "run", "./deploy/bundle", "-arch", runtime.GOARCH, "-dist", dist)
}

// program builds a command of the examples.
func program(t *testing.T, pkg string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.Base(pkg))
	must(t, examples, nil, "go", "build", "-o", path, pkg)
	return path
}

// patience is how long the deployment may take to do what is waited for. It is a
// guard, not a measure.
const patience = 2 * time.Minute

// until tries until there is nothing left to say against it.
func until(t *testing.T, what string, missing func() string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		why := missing()
		if why == "" {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %s", what, why)
		case <-ticker.C:
		}
	}
}

func queueARN(name string) string {
	return "arn:aws:sqs:" + engine.Region + ":" + engine.AccountID + ":" + name
}

// all asks for every attribute of a queue.
var all = []types.QueueAttributeName{types.QueueAttributeNameAll}

// queueURL is the address of a queue.
func (d *deployment) queueURL(t *testing.T, name string) *string {
	t.Helper()
	out, err := d.queues.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String(name)})
	require.NoError(t, err)
	return out.QueueUrl
}

// mapping is the id of a function's event source mapping.
func (d *deployment) mapping(t *testing.T, function string) *string {
	t.Helper()
	out, err := d.functions.ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{FunctionName: &function})
	require.NoError(t, err)
	require.Len(t, out.EventSourceMappings, 1)
	return out.EventSourceMappings[0].UUID
}

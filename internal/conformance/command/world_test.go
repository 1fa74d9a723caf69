package command_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/command"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lambdapoller"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/wirefault"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/deadletter"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/journal"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

// world is a deployment on engines: a service that signs people up, a relay with a
// journal and dead letters, a bus with a queue behind it.
type world struct {
	db        *engine.Engine
	client    *dynamodb.Client
	users     enginetest.Table
	events    enginetest.Table
	journal   enginetest.Table
	letters   enginetest.Table
	bus       enginetest.Bus
	wire      *wire // between the command and the bus
	relayWire *wire // between the relay and the bus
	layout    envelope.Layout
	writer    *outbox.Writer
	poller    *lambdapoller.Poller
	mode      atomic.Int32 // of the relay

	dir   string   // where the command runs, with outbox.yaml in it
	env   []string // of the command
	names string   // outbox.yaml
}

// What the relay does with a batch.
const (
	publishing  = iota
	forgetting  // as when the stream has forgotten it, or Lambda has given it up: it is gone
	unreachable // nothing
)

type worldOptions struct {
	table  func(*enginetest.TableOptions)
	layout envelope.Layout
	yaml   string // more lines of outbox.yaml
}

func newWorld(t *testing.T, db *engine.Engine, optFns ...func(*worldOptions)) *world {
	t.Helper()
	o := worldOptions{table: func(*enginetest.TableOptions) {}}
	for _, fn := range optFns {
		fn(&o)
	}
	moto := enginetest.Moto(t)
	w := &world{
		db: db, client: db.DynamoDB(), layout: o.layout, dir: t.TempDir(),
		users: enginetest.BusinessTable(t, db), events: enginetest.EventStore(t, db, o.table),
		letters: enginetest.BusinessTable(t, db, twoKeys),
		wire:    newWire(t, moto.URL), relayWire: newWire(t, moto.URL),
		// No rule matches: what the bus has accepted is taken from the wire, which is quicker than the engine's queues.
		bus: enginetest.NewBus(t, moto, func(o *enginetest.BusOptions) { o.Pattern = `{"source":["nobody"]}` }),
	}
	// The journal has the name that follows from that of the deployment, as with the templates.
	w.journal = enginetest.BusinessTable(t, db, twoKeys, func(o *enginetest.TableOptions) { o.Name = w.events.Name + "-journal" })
	w.names = fmt.Sprintf("name: %s\nevent-store: %[1]s\ndead-letters: %s\nbus: %s\n%s", w.events.Name, w.letters.Name, w.bus.Name, o.yaml)
	w.write(t, "outbox.yaml", w.names)
	w.env = append(command.Environment(moto, map[string]*engine.Engine{"dynamodb": db, "dynamodb_streams": db}), "AWS_ENDPOINT_URL_EVENTBRIDGE="+w.wire.URL)

	var err error
	w.writer, err = outbox.NewWriter(w.events.Name, func(o *outbox.Options) {
		o.Source, o.Region, o.Layout = "userService", engine.Region, w.layout
	})
	require.NoError(t, err)
	h := w.handler(t)
	w.poller, err = lambdapoller.New(db.Streams(), w.events.StreamARN, lambdapoller.HandlerFunc(func(ctx context.Context, event []byte) ([]byte, error) {
		switch w.mode.Load() {
		case forgetting:
			return nil, nil
		case unreachable:
			return nil, context.DeadlineExceeded
		}
		return h.Invoke(ctx, event)
	}))
	require.NoError(t, err)
	return w
}

// handler is the relay.
func (w *world) handler(t *testing.T) *relay.Handler {
	t.Helper()
	bus := enginetest.Moto(t).EventBridge(func(o *eventbridge.Options) { o.BaseEndpoint = &w.relayWire.URL })
	h, err := relay.NewHandler(relay.NewEventBridge(bus, w.bus.Name), deadletter.New(w.client, w.letters.Name), func(o *relay.Options) {
		o.Layout, o.Journal = w.layout, journal.New(w.client, w.journal.Name)
	})
	require.NoError(t, err)
	return h
}

func (w *world) write(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(w.dir+"/"+name, []byte(text), 0o600))
}

// relay lets the relay read all of the stream.
func (w *world) relay(t *testing.T, mode int32) {
	t.Helper()
	w.mode.Store(mode)
	require.NoError(t, w.poller.Drain(t.Context()))
}

// signUps commits n users with an event each, from several goroutines, and
// returns the event ids.
func (w *world) signUps(t *testing.T, n int, optFns ...func(i int, h *envelope.Headers)) []string {
	t.Helper()
	ids := make([]string, n)
	errs := make(chan error, n)
	var wg sync.WaitGroup
	var next atomic.Int32
	for range 8 {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				id, err := w.signUp(t.Context(), i, optFns...)
				ids[i] = id
				errs <- err
			}
		})
	}
	wg.Wait()
	for range n {
		require.NoError(t, <-errs)
	}
	return ids
}

func (w *world) signUp(ctx context.Context, i int, optFns ...func(int, *envelope.Headers)) (string, error) {
	ev, err := envelope.New(ctx, "User.Created", map[string]any{"email": "ada@example.com", "note": strings.Repeat("x", 100)}, func(h *envelope.Headers) {
		for _, fn := range optFns {
			fn(i, h)
		}
	})
	if err != nil {
		return "", err
	}
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: &types.Put{
		TableName: &w.users.Name, Item: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: ev.Headers.EventID}},
		ConditionExpression: aws.String("attribute_not_exists(pk)"),
	}}}}
	if err := w.writer.Append(in, ev); err != nil {
		return "", err
	}
	return ev.Headers.EventID, outbox.Commit(ctx, w.client, in, w.writer)
}

// run runs the command.
func (w *world) run(t *testing.T, args ...string) command.Result {
	t.Helper()
	return command.RunIn(t, w.dir, w.env, args...)
}

// json runs the command with --json and reads what it wrote.
func (w *world) json(t *testing.T, code int, result any, args ...string) command.Result {
	t.Helper()
	r := w.run(t, append(args, "--json")...)
	require.Equal(t, code, r.Code, "%s\n%s", r.Stdout, r.Stderr)
	require.NoError(t, json.Unmarshal([]byte(r.Stdout), result), "%s\n%s", r.Stdout, r.Stderr)
	return r
}

// command is a run of the command that is not waited for.
func (w *world) command(t *testing.T, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), command.Path(t), args...)
	cmd.Dir, cmd.Env = w.dir, w.env
	return cmd
}

// wire stands before an engine and knows what its bus has accepted.
type wire struct {
	*wirefault.Proxy
	taken  int          // of the events, by take
	denied atomic.Value // the operation that is not allowed
}

func newWire(t *testing.T, engineURL string) *wire {
	t.Helper()
	w := &wire{}
	w.deny("")
	var err error
	w.Proxy, err = wirefault.NewProxy(engineURL, func(c wirefault.Call) wirefault.Fault {
		if c.Operation != w.denied.Load() {
			return wirefault.None()
		}
		return wirefault.Fault{Status: http.StatusBadRequest, Code: "AccessDeniedException", Message: "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: dynamodb:" +
			c.Operation + " on resource: arn:aws:dynamodb:eu-west-1:123456789012:table/x because no identity-based policy allows the action"}
	}, nil)
	require.NoError(t, err)
	t.Cleanup(w.Close)
	return w
}

// deny lets an operation be refused.
func (w *wire) deny(operation string) { w.denied.Store(operation) }

// take returns what was accepted since it was last asked.
func (w *wire) take() []wirefault.Accepted {
	all := w.Accepted()
	defer func() { w.taken = len(all) }()
	return all[w.taken:]
}

// twoKeys makes a table with the key pk, sk, both texts.
func twoKeys(o *enginetest.TableOptions) { o.SK, o.SKType = "sk", types.ScalarAttributeTypeS }

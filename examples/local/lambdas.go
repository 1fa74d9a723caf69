package main

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	otelattribute "go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/dynamodb-outbox/dynamodb-outbox/examples/messaging"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/rie"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/deadletter"
)

// Timeouts of the functions. That of the messaging service is shorter than the
// queue's visibility timeout, as its claims ask for.
const (
	relayTimeout     = 20 * time.Second
	messagingTimeout = 3 * time.Second
)

const mailFrom = "hello@example.com"

// binaries are the programs that are deployed as Lambda functions.
type binaries struct{ relay, messaging string }

// module is the path of this module, which the current folder is in.
const module = "github.com/dynamodb-outbox/dynamodb-outbox/examples"

// buildBinaries builds them as they are built to be deployed.
func buildBinaries(ctx context.Context, dir string) (b binaries, err error) {
	if _, err := engine.LambdaRIEPath(); err != nil {
		return b, err
	}
	build := func(path *string, name string) error {
		folder := dir + "/" + name
		if err := os.Mkdir(folder, 0o755); err != nil {
			return err
		}
		*path, err = rie.Build(ctx, "", module+"/"+name+"/lambda", folder)
		return err
	}
	return b, errors.Join(build(&b.relay, "relay"), build(&b.messaging, "messaging"))
}

// openFunctions makes relay and messaging service: under the emulator with
// binaries, else in this process.
func (s *stage) openFunctions(ctx context.Context, o options) error {
	s.relay = &function{name: "relay", bell: s.bell}
	s.messaging = &function{name: "messaging service", bell: s.bell}
	if o.binaries == nil {
		s.emulated = o.notEmulated
		s.relay.start, s.messaging.start = s.relayInProcess, s.messagingInProcess
		return nil
	}
	common, err := rie.AWSEnv(ctx, s.cloud.db.Config())
	if err != nil {
		return err
	}
	if o.verbose {
		common = append(common, "OTEL_TRACES_EXPORTER=console")
	}
	for _, f := range []struct {
		*function
		binary  string
		timeout time.Duration
		env     map[string]string
	}{
		{s.relay, o.binaries.relay, relayTimeout, map[string]string{
			"EVENT_BUS_NAME": s.cloud.route.Bus, "DEAD_LETTER_TABLE": s.cloud.letters,
			"AWS_ENDPOINT_URL_EVENTBRIDGE": s.busWire.URL, "AWS_ENDPOINT_URL_DYNAMODB": s.storeWire.URL,
		}},
		{s.messaging, o.binaries.messaging, messagingTimeout, map[string]string{
			"MESSAGING_TABLE": s.cloud.messaging, "EVENT_STORE_TABLE": s.cloud.events, "SERVICE_NAME": messagingServiceName,
			"MAIL_FROM": mailFrom, "MAILER": "smtp", "SMTP_ADDR": s.mails.Addr,
			"AWS_ENDPOINT_URL_DYNAMODB": s.consumerWire.URL,
		}},
	} {
		env := slices.Clone(common)
		for _, name := range slices.Sorted(maps.Keys(f.env)) {
			env = append(env, name+"="+f.env[name])
		}
		running, err := rie.Start(ctx, f.binary, func(o *rie.Options) { o.Env, o.Timeout, o.Log = env, f.timeout, s.own })
		if err != nil {
			return err
		}
		s.closers = append(s.closers, running.Stop)
		// The emulator stays; it starts a new process at the next invocation.
		f.start = func(context.Context) (instance, error) { return emulated{running}, nil }
	}
	return nil
}

// emulated is a function under the emulator.
type emulated struct{ *rie.Function }

func (e emulated) Kill() { e.Crash() }

func (s *stage) relayInProcess(context.Context) (instance, error) {
	bus := s.cloud.moto.EventBridge(func(o *eventbridge.Options) { o.BaseEndpoint = aws.String(s.busWire.URL) })
	db := s.cloud.db.DynamoDB(func(o *dynamodb.Options) { o.BaseEndpoint = aws.String(s.storeWire.URL) })
	log := slog.New(slog.NewJSONHandler(s.own, nil)).With("service", "relay")
	publisher := relay.NewEventBridge(bus, s.cloud.route.Bus, func(o *relay.EventBridgeOptions) { o.Logger = log })
	h, err := relay.NewHandler(publisher, deadletter.New(db, s.cloud.letters), func(o *relay.Options) {
		o.PartialBatchResponse = true
		o.Logger = log
		o.Metrics = relay.EMF(s.own)
	})
	if err != nil {
		return nil, err
	}
	return newInProcess(h, relayTimeout), nil
}

func (s *stage) messagingInProcess(context.Context) (instance, error) {
	db := s.cloud.db.DynamoDB(func(o *dynamodb.Options) { o.BaseEndpoint = aws.String(s.consumerWire.URL) })
	logger, tracer, err := s.telemetry(messagingServiceName)
	if err != nil {
		return nil, err
	}
	service, err := messaging.New(db, messaging.SMTP{Addr: s.mails.Addr}, messaging.Config{
		Table: s.cloud.messaging, EventStoreTable: s.cloud.events,
		ServiceName: messagingServiceName, Region: engine.Region, From: mailFrom,
		Logger: logger, Tracer: tracer,
	})
	if err != nil {
		return nil, err
	}
	return newInProcess(service, messagingTimeout), nil
}

// telemetry returns the log and the traces of a service in this process.
func (s *stage) telemetry(service string) (*slog.Logger, trace.TracerProvider, error) {
	console, err := stdouttrace.New(stdouttrace.WithWriter(s.own))
	if err != nil {
		return nil, nil, err
	}
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSyncer(console),
		sdktrace.WithResource(resource.NewSchemaless(otelattribute.String("service.name", service))))
	return slog.New(slog.NewJSONHandler(s.own, nil)).With("service", service), tracer, nil
}

// lines writes what functions write to the notes' terminal, line by line.
type lines struct {
	out *notes

	mu   sync.Mutex // guards rest
	rest []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		i := slices.Index(l.rest, '\n')
		if i < 0 {
			return len(p), nil
		}
		l.out.log("  | %s", l.rest[:i])
		l.rest = l.rest[i+1:]
	}
}

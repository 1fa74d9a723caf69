package main

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/oklog/ulid/v2"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lambdapoller"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox/outboxtest"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// store is a DynamoDB with the tables of the story.
type store struct {
	database
	name                       string
	users, events, sent, inbox string
}

// database is what the story needs of a DynamoDB.
type database interface {
	outbox.TransactWriteItemsAPIClient
	createTable(context.Context, *dynamodb.CreateTableInput) error
	// items reads a whole small table.
	items(ctx context.Context, table string) ([]map[string]types.AttributeValue, error)
	// deliver hands what is new in the event store to the relay, as Lambda does:
	// in order, and the whole batch again for as long as the relay answers with
	// an error.
	deliver(ctx context.Context, relay lambda.Handler) error
	dropTables(ctx context.Context, tables ...string)
}

func openStore(ctx context.Context, endpoint string) (*store, error) {
	if endpoint == "" {
		local := &localDB{}
		local.Tap.Client = &local.client
		return newStore(local, "DynamoDB in this process", ""), nil
	}
	cfg, err := awsConfig(ctx)
	if err != nil {
		return nil, err
	}
	remote := &remoteDB{
		Client:  dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.BaseEndpoint = &endpoint }),
		streams: dynamodbstreams.NewFromConfig(cfg, func(o *dynamodbstreams.Options) { o.BaseEndpoint = &endpoint }),
	}
	return newStore(remote, "DynamoDB at "+endpoint, "quickstart-"+ulid.Make().String()+"-"), nil
}

func newStore(d database, name, prefix string) *store {
	return &store{
		database: d, name: name,
		users: prefix + "users", events: prefix + "event-store", sent: prefix + "sent", inbox: prefix + "inbox",
	}
}

func (db *store) createTables(ctx context.Context, tables ...*dynamodb.CreateTableInput) error {
	for _, in := range tables {
		if err := db.createTable(ctx, in); err != nil {
			return err
		}
	}
	return nil
}

// close drops the tables, also after Ctrl-C, but an engine that does not answer
// does not keep the program.
func (db *store) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	db.dropTables(ctx, db.users, db.events, db.sent, db.inbox)
}

// keyedByUser describes a table of the services' own.
func keyedByUser(table string) *dynamodb.CreateTableInput {
	return &dynamodb.CreateTableInput{
		TableName: &table, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("userId"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("userId"), KeyType: types.KeyTypeHash}},
	}
}

// awsConfig is that of the environment, with credentials that open no door in
// the real cloud: this program only talks to local engines.
func awsConfig(ctx context.Context) (aws.Config, error) {
	return config.LoadDefaultConfig(ctx,
		config.WithRegion("eu-west-1"),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("quickstart", "quickstart", "")))
}

// localDB is the DynamoDB of the library's test kit. It has no streams: what
// is committed is kept as the records that it would be.
type localDB struct {
	outboxtest.Tap
	client    outboxtest.Client
	delivered int // how many records the relay is done with
}

func (l *localDB) createTable(ctx context.Context, in *dynamodb.CreateTableInput) error {
	_, err := l.client.CreateTable(ctx, in)
	return err
}

func (l *localDB) items(_ context.Context, table string) ([]map[string]types.AttributeValue, error) {
	return l.client.Items(table), nil
}

func (l *localDB) deliver(ctx context.Context, relay lambda.Handler) error {
	records := l.Records()[l.delivered:]
	if len(records) == 0 {
		return nil
	}
	for {
		if _, err := relay.Invoke(ctx, relaytest.StreamEvent(records...)); err == nil {
			l.delivered += len(records)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func (l *localDB) dropTables(context.Context, ...string) {}

// remoteDB is a real engine, with its real stream.
type remoteDB struct {
	*dynamodb.Client
	streams *dynamodbstreams.Client
	stream  string // ARN of the event store's
	poller  *lambdapoller.Poller
}

func (r *remoteDB) createTable(ctx context.Context, in *dynamodb.CreateTableInput) error {
	out, err := r.CreateTable(ctx, in)
	if err == nil && in.StreamSpecification != nil {
		r.stream = aws.ToString(out.TableDescription.LatestStreamArn)
	}
	return err
}

func (r *remoteDB) items(ctx context.Context, table string) ([]map[string]types.AttributeValue, error) {
	out, err := r.Scan(ctx, &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, err
	}
	return out.Items, nil
}

func (r *remoteDB) deliver(ctx context.Context, relay lambda.Handler) (err error) {
	if r.poller == nil {
		if r.poller, err = lambdapoller.New(r.streams, r.stream, relay); err != nil {
			return err
		}
	}
	return r.poller.Drain(ctx)
}

func (r *remoteDB) dropTables(ctx context.Context, tables ...string) {
	for _, table := range tables {
		// Best effort: a local engine forgets its tables when it stops.
		_, _ = r.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &table})
	}
}

package main

import (
	"context"
	"net/http/httptest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/oklog/ulid/v2"

	"github.com/dynamodb-outbox/dynamodb-outbox/examples/internal/embedded"
	"github.com/dynamodb-outbox/dynamodb-outbox/examples/internal/lambdapoller"
)

// store is a DynamoDB with the tables of the story.
type store struct {
	*dynamodb.Client
	name                       string
	users, events, sent, inbox string

	// streams and streamARN are those of the event store; streams is nil in
	// the embedded engine, which has none.
	streams   *dynamodbstreams.Client
	streamARN string
	poller    *lambdapoller.Poller
	delivered map[string]bool // eventIds that the relay is done with, in the embedded engine

	close func()
}

func openStore(ctx context.Context, endpoint string) (*store, error) {
	inProcess := endpoint == ""
	prefix := ""
	if !inProcess {
		prefix = "quickstart-" + ulid.Make().String() + "-"
	}
	db := &store{
		name:  "DynamoDB at " + endpoint,
		users: prefix + "users", events: prefix + "event-store", sent: prefix + "sent", inbox: prefix + "inbox",
		delivered: map[string]bool{},
		close:     func() {},
	}
	if inProcess {
		server := httptest.NewServer(embedded.NewServer())
		endpoint, db.name, db.close = server.URL, "DynamoDB in this process", server.Close
	}
	cfg, err := awsConfig(ctx)
	if err != nil {
		return nil, err
	}
	db.Client = dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
		o.BaseEndpoint = &endpoint
		o.DisableValidateResponseChecksum = inProcess // that engine sends none
	})
	if !inProcess {
		db.streams = dynamodbstreams.NewFromConfig(cfg, func(o *dynamodbstreams.Options) { o.BaseEndpoint = &endpoint })
		db.close = func() { db.dropTables(context.WithoutCancel(ctx)) }
	}
	if err := db.createTables(ctx); err != nil {
		db.close()
		return nil, err
	}
	return db, nil
}

// awsConfig is that of the environment, with credentials that open no door in
// the real cloud: this program only talks to local engines.
func awsConfig(ctx context.Context) (aws.Config, error) {
	return config.LoadDefaultConfig(ctx,
		config.WithRegion("eu-west-1"),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("quickstart", "quickstart", "")))
}

func (db *store) createTables(ctx context.Context) error {
	for table, keys := range map[string][]types.AttributeDefinition{
		db.users:  {{AttributeName: aws.String("userId"), AttributeType: types.ScalarAttributeTypeS}},
		db.sent:   {{AttributeName: aws.String("userId"), AttributeType: types.ScalarAttributeTypeS}},
		db.events: keyed("pk", types.ScalarAttributeTypeS, "sk", types.ScalarAttributeTypeN),
		db.inbox:  keyed("pk", types.ScalarAttributeTypeS, "sk", types.ScalarAttributeTypeS),
	} {
		in := &dynamodb.CreateTableInput{
			TableName: &table, AttributeDefinitions: keys, BillingMode: types.BillingModePayPerRequest,
			KeySchema: []types.KeySchemaElement{{AttributeName: keys[0].AttributeName, KeyType: types.KeyTypeHash}},
		}
		if len(keys) == 2 {
			in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: keys[1].AttributeName, KeyType: types.KeyTypeRange})
		}
		if table == db.events && db.streams != nil {
			in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewImage}
		}
		created, err := db.CreateTable(ctx, in)
		if err != nil {
			return err
		}
		if table == db.events {
			db.streamARN = aws.ToString(created.TableDescription.LatestStreamArn)
		}
	}
	return nil
}

func (db *store) dropTables(ctx context.Context) {
	for _, table := range []string{db.users, db.sent, db.events, db.inbox} {
		// Best effort: a local engine forgets its tables when it stops.
		_, _ = db.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &table})
	}
}

func keyed(pk string, pkType types.ScalarAttributeType, sk string, skType types.ScalarAttributeType) []types.AttributeDefinition {
	return []types.AttributeDefinition{
		{AttributeName: &pk, AttributeType: pkType},
		{AttributeName: &sk, AttributeType: skType},
	}
}

// items reads a whole small table.
func (db *store) items(ctx context.Context, table string) ([]map[string]types.AttributeValue, error) {
	out, err := db.Scan(ctx, &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, err
	}
	return out.Items, nil
}

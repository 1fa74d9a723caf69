package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
)

// cloud is what the deploy templates make in an AWS account, on local engines:
// tables, bus, rule, queues.
type cloud struct {
	db, moto *engine.Engine

	users, events, letters, messaging string // tables
	naiveUsers                        string // table of the comparison
	streamARN                         string // of events

	route   engine.Route                  // bus, rule and queues
	removes []func(context.Context) error // for engines that go on
}

// Names of the services: the source of their events.
const (
	userServiceName      = "userService"
	messagingServiceName = "messagingService"
)

// maxReceiveCount is how often the consumer gets a message before it goes to the
// dead-letter queue, as in the deploy templates. AWS's advice is five or more
// (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html): a batch
// that a busy machine did not get done counts, too.
const maxReceiveCount = 5

// visibility is how many seconds a message that was received and not deleted
// stays away. AWS's advice is six times the function's timeout or more; a person
// who looks on does not want to wait for that.
const visibility = 4

// openCloud starts the engines, or finds those that the variables of package
// engine point at, and makes everything on them.
func openCloud(ctx context.Context, dynamo engine.Name) (c *cloud, err error) {
	c = &cloud{}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	if c.db, err = engine.Start(ctx, dynamo); err != nil {
		return c, err
	}
	if c.moto, err = engine.Start(ctx, engine.Moto); err != nil {
		return c, err
	}
	// Names of their own, for an engine may be somebody else's.
	run := "local-" + strings.ToLower(rand.Text()[:6]) + "-"
	c.users, c.events, c.letters, c.messaging = run+"users", run+"event-store", run+"dead-letters", run+"messaging"
	c.naiveUsers = run + "naive-users"
	if err = c.makeTables(ctx); err != nil {
		return c, fmt.Errorf("local: make tables on %s: %w", c.db.Name, err)
	}
	pattern := `{"source":["` + userServiceName + `"],"detail-type":["User.Created"]}`
	c.removes = append(c.removes, func(ctx context.Context) error { return c.moto.DeleteRoute(ctx, c.route) })
	c.route, err = c.moto.NewRoute(ctx, run+"bus", pattern, maxReceiveCount, map[string]string{"VisibilityTimeout": strconv.Itoa(visibility)})
	if err != nil {
		return c, fmt.Errorf("local: make bus, rule and queues: %w", err)
	}
	return c, nil
}

// describe names the engines.
func (c *cloud) describe() string {
	return fmt.Sprintf("%s %s (DynamoDB and its streams) at %s, %s %s (EventBridge and SQS) at %s",
		c.db.Name, c.db.Name.Version(), c.db.URL, c.moto.Name, c.moto.Name.Version(), c.moto.URL)
}

// close stops the engines that openCloud started, and clears the others.
func (c *cloud) close() {
	if c.db != nil && c.db.Name.External() != "" || c.moto != nil && c.moto.Name.External() != "" {
		for _, remove := range c.removes {
			_ = remove(context.Background()) // best effort: the engine may be gone
		}
	}
	for _, e := range []*engine.Engine{c.db, c.moto} {
		if e != nil {
			e.Stop()
		}
	}
}

func (c *cloud) makeTables(ctx context.Context) error {
	s, n := types.ScalarAttributeTypeS, types.ScalarAttributeTypeN
	for table, keys := range map[string][]types.ScalarAttributeType{
		c.users: {s}, c.events: {s, n}, c.letters: {s, s}, c.messaging: {s, s}, c.naiveUsers: {s},
	} {
		in := &dynamodb.CreateTableInput{TableName: &table, BillingMode: types.BillingModePayPerRequest}
		for i, name := range []string{"pk", "sk"}[:len(keys)] {
			in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: &name, AttributeType: keys[i]})
			in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: &name, KeyType: []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i]})
		}
		if table == c.events {
			in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewImage}
		}
		out, err := c.db.DynamoDB().CreateTable(ctx, in)
		if err != nil {
			return err
		}
		if table == c.events {
			c.streamARN = aws.ToString(out.TableDescription.LatestStreamArn)
		}
		c.removes = append(c.removes, func(ctx context.Context) error {
			_, err := c.db.DynamoDB().DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &table})
			return err
		})
	}
	return nil
}

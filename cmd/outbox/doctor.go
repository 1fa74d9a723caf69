package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/doctor"
)

// doctorCmd looks at a deployment.
type doctorCmd struct {
	deploymentName
	eventStoreName
	markerName
	deadLettersName
	busName
	TTL        string `name:"ttl" file:"" group:"names" placeholder:"ATTRIBUTE" default:"ttl" help:"Attribute of the time to live (default ${default})."`
	Relay      string `file:"" group:"names" placeholder:"FUNCTION" help:"Function of the relay. Default: NAME-relay."`
	Rule       string `file:"" group:"names" placeholder:"RULE" help:"Rule on the bus. Default: NAME-user-created."`
	Queue      string `file:"" group:"names" placeholder:"QUEUE" help:"Queue that is the rule's target. Default: NAME-messaging."`
	Consumer   string `file:"" group:"names" placeholder:"FUNCTION" help:"Function behind the queue. Default: NAME-messaging."`
	Source     string `file:"" group:"names" default:"userService" placeholder:"SOURCE" help:"Source of an event that the rule should match (default ${default})."`
	DetailType string `file:"" group:"names" default:"User.Created" placeholder:"TYPE" help:"Detail-type of that event (default ${default})."`

	Policy bool `help:"Print the IAM policy that the doctor needs, and look at nothing."`
}

func (c *doctorCmd) Help() string {
	return `It looks at the event store, the relay and its event source mapping, the bus, its rule, and the queue and the consumer behind it. What it finds has a reason and a remedy. It only reads.

Examples:
  outbox doctor
  outbox doctor --name shop --rule shop-orders --queue shop-mail --consumer shop-mail --source orders --detail-type Order.Placed
  outbox doctor --policy >policy.json

Exit status: 0 healthy (warnings at most), 1 there is a problem, 2 something could not be looked at, or the call was wrong.`
}

// names are those that are given, and the templates' for the rest.
func (c *doctorCmd) names() doctor.Names {
	n, letters := doctor.NamesOf(c.Name), c.DeadLetters
	if letters == none { // then only the relay itself can say where its dead letters go
		letters = ""
	}
	return doctor.Names{
		EventStore: or(c.EventStore, n.EventStore), TTL: c.TTL, Marker: c.Marker, DeadLetters: or(letters, n.DeadLetters), DeadLettersGiven: letters != "",
		Relay: or(c.Relay, n.Relay), Bus: or(c.Bus, n.Bus), Rule: or(c.Rule, n.Rule), Queue: or(c.Queue, n.Queue), Consumer: or(c.Consumer, n.Consumer),
		Source: c.Source, DetailType: c.DetailType,
	}
}

// Run is the verb.
func (c *doctorCmd) Run(ctx context.Context, a *app) error {
	if c.Policy {
		_, err := fmt.Fprintln(a.stdout, doctor.Permissions(c.Name, c.names()))
		return err
	}
	cfg, err := a.aws(ctx)
	if err != nil {
		return err
	}
	report := doctor.Inspect(ctx, doctor.Clients{
		Tables: dynamodb.NewFromConfig(cfg), Functions: lambda.NewFromConfig(cfg), Events: eventbridge.NewFromConfig(cfg), Queues: sqs.NewFromConfig(cfg),
	}, c.names(), c.Name, cfg.Region)
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if a.JSON {
		err = a.writeJSON(report)
	} else {
		err = report.WriteText(a.stdout)
	}
	switch status := report.ExitStatus(); {
	case err != nil:
		return err
	case status == doctor.Problems:
		return errSomeFailed
	case status == doctor.Unclear:
		return errUnclear
	}
	return nil
}

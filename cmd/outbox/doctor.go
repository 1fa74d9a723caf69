package main

import (
	"context"
	"fmt"

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
	letters := c.DeadLetters
	if letters == none { // then only the relay itself can say where its dead letters go
		letters = ""
	}
	return doctor.Names{
		EventStore: or(c.EventStore, c.Name+"-event-store"), TTL: c.TTL, Marker: c.Marker,
		DeadLetters: or(letters, c.Name+"-dead-letters"), DeadLettersGiven: letters != "",
		Relay: or(c.Relay, c.Name+"-relay"), Bus: or(c.Bus, c.Name+"-bus"), Rule: or(c.Rule, c.Name+"-user-created"),
		Queue: or(c.Queue, c.Name+"-messaging"), Consumer: or(c.Consumer, c.Name+"-messaging"), Source: c.Source, DetailType: c.DetailType,
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
	report := doctor.Inspect(ctx, cfg, c.names(), c.Name)
	if err := context.Cause(ctx); err != nil {
		return err
	}
	err = a.write(report, report.WriteText)
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

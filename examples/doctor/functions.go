package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// relayFunction checks the relay and that it is told of the right bus and the
// right table of dead letters.
func (in *inspection) relayFunction(ctx context.Context) {
	in.relay = in.function(ctx, "relay", in.Relay, "nothing publishes the events that are committed")
	if in.relay == nil {
		in.deadLetterTable(ctx, in.DeadLetters)
		return
	}
	env := map[string]string{}
	if in.relay.Environment != nil {
		env = in.relay.Environment.Variables
	}
	in.report.verdict(env["EVENT_BUS_NAME"] == in.Bus, Problem, Finding{
		Check: "relay.bus", Subject: "function " + in.Relay, Found: "EVENT_BUS_NAME=" + env["EVENT_BUS_NAME"], Want: "EVENT_BUS_NAME=" + in.Bus,
		Why: "events go to another bus than the one with the rule", Mend: "set the variable, or give the doctor the bus with -bus",
	})
	letters := env["DEAD_LETTER_TABLE"]
	in.report.verdict(letters != "", Problem, Finding{
		Check: "relay.dead-letters", Subject: "function " + in.Relay, Found: "DEAD_LETTER_TABLE=" + letters, Want: "a table",
		Why: "an event that can never be published holds up its shard for a day, and is then gone from the stream", Mend: "set the variable",
	})
	timeout := aws.ToInt32(in.relay.Timeout)
	in.report.verdict(timeout >= 10, Warning, Finding{
		Check: "relay.timeout", Subject: "function " + in.Relay, Found: fmt.Sprintf("%d s", timeout), Want: "at least 10 s",
		Why: "the relay keeps the last second for its answer; a short timeout leaves no time to repeat what was throttled", Mend: "raise the timeout; 60 s is what the templates have",
	})
	if letters != "" {
		in.deadLetterTable(ctx, letters)
	}
}

// consumerFunction looks at the function behind the queue, for its timeout.
func (in *inspection) consumerFunction(ctx context.Context) {
	in.consumer = in.function(ctx, "consumer", in.Consumer, "messages wait in the queue until they expire")
}

// function reads a function, nil if that is not possible, and checks its state.
func (in *inspection) function(ctx context.Context, role, name, absent string) *lambda.GetFunctionConfigurationOutput {
	subject := "function " + name
	out, err := in.Functions.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
	if err != nil {
		in.unreadable(role+".exists", subject, absent, err)
		return nil
	}
	// An inactive function wakes at its next invocation.
	good := out.State == types.StateActive || out.State == types.StateInactive || out.State == ""
	in.report.verdict(good, Problem, Finding{
		Check: role + ".exists", Subject: subject, Found: string(out.State), Want: string(types.StateActive),
		Why: because("Lambda cannot invoke it", out.StateReason), Mend: "deploy it again",
	})
	return out
}

// because adds the reason that AWS gives, if it gives one.
func because(what string, reason *string) string {
	if aws.ToString(reason) == "" {
		return what
	}
	return what + ": " + *reason
}

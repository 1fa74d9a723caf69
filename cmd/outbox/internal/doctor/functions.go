package doctor

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// relayFunction checks the relay and that it is told of the right bus and the
// right table of dead letters. The variables are those of the example's relay;
// another one may have its configuration from elsewhere, which cannot be seen.
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
	bus := Finding{
		Check: "relay.bus", Subject: "function " + in.Relay, Found: "EVENT_BUS_NAME=" + env["EVENT_BUS_NAME"], Want: "EVENT_BUS_NAME=" + in.Bus,
		Why: "events go to another bus than the one with the rule", Mend: "set the variable, or give the doctor the bus with --bus",
	}
	if env["EVENT_BUS_NAME"] == "" {
		bus.Mend = "see that it publishes to " + in.Bus + ", or give the doctor the bus with --bus"
		in.notTold(bus, "EVENT_BUS_NAME", "events never come to the rule if its bus is not "+in.Bus)
	} else {
		in.report.verdict(env["EVENT_BUS_NAME"] == in.Bus, Problem, bus)
	}
	letters := env["DEAD_LETTER_TABLE"]
	table := Finding{
		Check: "relay.dead-letters", Subject: "function " + in.Relay, Found: "DEAD_LETTER_TABLE=" + letters, Want: "a table",
		Mend: "see that it has a sink for dead letters; if that is a table, give it to the doctor with --dead-letters",
	}
	if letters == "" {
		in.notTold(table, "DEAD_LETTER_TABLE", "without dead letters, an event that can never be published holds up its shard for a day, and is then gone from the stream")
		if in.DeadLettersGiven {
			letters = in.DeadLetters
		}
	} else {
		in.report.verdict(true, Problem, table)
	}
	if own := env["OUTBOX_REGION"]; own != "" {
		in.report.verdict(own == in.report.Region, Warning, Finding{
			Check: "relay.region", Subject: "function " + in.Relay, Found: "OUTBOX_REGION=" + own, Want: "OUTBOX_REGION=" + in.report.Region,
			Why:  "the relay publishes the events that are stamped with this region and passes over all others: if no writer has it, nothing is published",
			Mend: "correct the variable, or leave it out where the table is not a global one; to take over for a region that is down, it is right",
		})
	}
	timeout := aws.ToInt32(in.relay.Timeout)
	in.report.verdict(timeout >= 10, Warning, Finding{
		Check: "relay.timeout", Subject: "function " + in.Relay, Found: fmt.Sprintf("%d s", timeout), Want: "at least 10 s",
		Why: "the relay keeps the last second for its answer; a short timeout leaves no time to repeat what was throttled", Mend: "raise the timeout; 60 s is what the templates have",
	})
	if letters != "" {
		in.deadLetterTable(ctx, letters)
	}
}

// notTold adds that a variable is not set, so that the doctor cannot tell what
// the relay uses, and what it could mean.
func (in *inspection) notTold(f Finding, variable, could string) {
	f.Found = variable + " is not set"
	in.report.unchecked(f, "the relay may have it from elsewhere, which the doctor cannot see: "+could)
}

// consumerFunction looks at the function behind the queue, for its timeout.
func (in *inspection) consumerFunction(ctx context.Context) {
	in.consumer = in.function(ctx, "consumer", in.Consumer, "messages wait in the queue until they expire")
}

// function reads a function, nil if that is not possible, and checks its state.
func (in *inspection) function(ctx context.Context, role, name, absent string) *lambda.GetFunctionConfigurationOutput {
	subject := "function " + name
	out, err := in.functions.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
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

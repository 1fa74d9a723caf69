package doctor

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventpattern"
)

const (
	aboutRules  = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rules.html"
	aboutDLQ    = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html"
	aboutAbsent = "https://github.com/aws/aws-sdk/issues/186"
)

func (in *inspection) bus(ctx context.Context) {
	subject := "event bus " + in.Bus
	_, err := in.events.DescribeEventBus(ctx, &eventbridge.DescribeEventBusInput{Name: &in.Bus})
	if err != nil {
		in.unreadable("bus.exists", subject, "PutEvents to a bus that does not exist has been seen to answer success ("+aboutAbsent+"): every event is lost", err)
		return
	}
	in.report.verdict(true, Problem, Finding{Check: "bus.exists", Subject: subject, Found: "it exists"})
}

// rule checks the rule and asks it about an event of the service.
func (in *inspection) rule(ctx context.Context) {
	subject := "rule " + in.Rule + " of " + in.Bus
	out, err := in.events.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: &in.Rule, EventBusName: &in.Bus})
	if err != nil {
		in.unreadable("rule.exists", subject, "the bus takes the events and gives them to nobody", err)
		return
	}
	in.ruleARN = aws.ToString(out.Arn)
	in.report.verdict(out.State == types.RuleStateEnabled, Problem, Finding{
		Check: "rule.enabled", Subject: subject, Found: string(out.State), Want: string(types.RuleStateEnabled), See: aboutRules,
		Why: "the bus takes the events and gives them to nobody", Mend: "aws events enable-rule --name " + in.Rule + " --event-bus-name " + in.Bus,
	})
	pattern := aws.ToString(out.EventPattern)
	f := Finding{
		Check: "rule.matches", Subject: subject, Found: pattern, Want: in.DetailType + " of " + in.Source, See: aboutRules,
		Why:  "the rule does not match the event: the bus takes it and gives it to nobody",
		Mend: "compare source and detail-type with the SERVICE_NAME of the service and the names of its events; case counts",
	}
	if pattern == "" {
		f.Found = "no event pattern"
		in.report.verdict(false, Problem, f)
		return
	}
	match, err := in.matches(ctx, pattern)
	if err != nil {
		in.report.unchecked(f, "it could not be evaluated: "+err.Error())
		return
	}
	in.report.verdict(match, Problem, f)
}

// everyEvent matches each event that has a source.
const everyEvent = `{"source":[{"prefix":""}]}`

// matches asks EventBridge about the sample event, and itself where EventBridge
// does not answer that. An emulator may answer no to everything, so a no counts
// only after a yes to a question of which that is the answer.
func (in *inspection) matches(ctx context.Context, pattern string) (bool, error) {
	event := sampleEvent(in.Source, in.DetailType, in.report.Region)
	match, err := in.ask(ctx, pattern, event)
	if err == nil && match {
		return true, nil
	}
	if err == nil {
		control, err := in.ask(ctx, everyEvent, event)
		if err == nil && control {
			return false, nil
		}
	}
	p, parseErr := eventpattern.Parse(pattern)
	if parseErr != nil {
		return false, fmt.Errorf("TestEventPattern: %s; %w", errorCode(err), parseErr)
	}
	return p.Match([]byte(event))
}

func (in *inspection) ask(ctx context.Context, pattern, event string) (bool, error) {
	out, err := in.events.TestEventPattern(ctx, &eventbridge.TestEventPatternInput{EventPattern: &pattern, Event: &event})
	if err != nil {
		return false, err
	}
	return out.Result, nil
}

// targets checks that the rule leads to the queue, and what becomes of an event
// that it cannot deliver.
func (in *inspection) targets(ctx context.Context) {
	if in.ruleARN == "" || in.queue == nil {
		return
	}
	subject := "rule " + in.Rule + " of " + in.Bus
	var all []types.Target
	input := &eventbridge.ListTargetsByRuleInput{Rule: &in.Rule, EventBusName: &in.Bus}
	for {
		page, err := in.events.ListTargetsByRule(ctx, input)
		if err != nil {
			in.unreadable("target.exists", subject, "", err)
			return
		}
		all = append(all, page.Targets...)
		if aws.ToString(page.NextToken) == "" {
			break
		}
		input.NextToken = page.NextToken
	}
	found := 0
	for _, t := range all {
		if aws.ToString(t.Arn) == in.queue.arn {
			found++
			in.target(ctx, subject, t)
		}
	}
	in.report.verdict(found == 1, Problem, Finding{
		Check: "target.exists", Subject: subject, Found: fmt.Sprintf("%d targets that are %s", found, in.Queue), Want: "1", See: aboutRules,
		Why: "without the target no event reaches the queue", Mend: "aws events put-targets",
	})
}

func (in *inspection) target(ctx context.Context, subject string, t types.Target) {
	subject += ", target " + aws.ToString(t.Id)
	if r := t.RetryPolicy; r != nil && r.MaximumEventAgeInSeconds != nil {
		in.report.verdict(*r.MaximumEventAgeInSeconds >= 3600, Warning, Finding{
			Check: "target.retry", Subject: subject, Found: fmt.Sprintf("%d s", *r.MaximumEventAgeInSeconds), Want: "at least an hour; 24 hours is the default",
			Why: "a queue that refuses for longer loses the events to the dead-letter queue", Mend: "raise MaximumEventAgeInSeconds", See: aboutDLQ,
		})
	}
	dlq := ""
	if t.DeadLetterConfig != nil {
		dlq = aws.ToString(t.DeadLetterConfig.Arn)
	}
	in.report.verdict(dlq != "", Problem, Finding{
		Check: "target.dlq", Subject: subject, Found: orNone(dlq), Want: "a queue", See: aboutDLQ,
		Why: "what the rule cannot deliver is dropped: at once if a permission is missing, else after its retries", Mend: "set DeadLetterConfig on the target",
	})
	if dlq == "" {
		return
	}
	if q := in.queueExists(ctx, "target.dlq-exists", dlq, "what the rule cannot deliver is dropped"); q != nil {
		in.maySend("target.dlq-policy", q)
	}
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

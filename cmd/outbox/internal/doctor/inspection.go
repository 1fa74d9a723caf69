package doctor

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
)

// clients are the doctor's eyes. It changes nothing by them.
type clients struct {
	tables    *dynamodb.Client
	functions *lambda.Client
	events    *eventbridge.Client
	queues    *sqs.Client
}

// Names are those of a deployment's parts.
type Names struct {
	EventStore  string // table
	TTL         string // attribute
	Marker      string // attribute; empty for a table of events alone
	DeadLetters string // table
	Relay       string // function
	Bus         string
	Rule        string
	Queue       string
	Consumer    string // function behind the queue
	Source      string // of the sample event
	DetailType  string // of the sample event

	// DeadLettersGiven says that DeadLetters is not just the templates' name.
	DeadLettersGiven bool
}

// inspection is one run: what it looks at, and what earlier checks have learnt
// for later ones.
type inspection struct {
	clients
	Names
	report *Report

	streamARN string // of the event store; empty if it is not known
	relay     *lambda.GetFunctionConfigurationOutput
	consumer  *lambda.GetFunctionConfigurationOutput
	ruleARN   string
	queue     *queue
}

// Inspect looks at a deployment. It always returns a report: what could not be
// looked at is a finding too.
func Inspect(ctx context.Context, cfg aws.Config, n Names, name string) *Report {
	c := clients{dynamodb.NewFromConfig(cfg), lambda.NewFromConfig(cfg), eventbridge.NewFromConfig(cfg), sqs.NewFromConfig(cfg)}
	in := &inspection{clients: c, Names: n, report: &Report{Name: name, Region: cfg.Region}}
	in.eventStore(ctx)
	in.relayFunction(ctx)
	in.relayMapping(ctx)
	in.bus(ctx)
	in.rule(ctx)
	in.consumerFunction(ctx)
	in.messagingQueue(ctx)
	in.targets(ctx)
	in.consumerMapping(ctx)
	return in.report
}

// unreadable adds what an API's error says: a thing that is absent is a
// problem, anything else means that the check could not be made.
func (in *inspection) unreadable(check, subject, absent string, err error) {
	f := Finding{Severity: Unchecked, Check: check, Subject: subject, Found: errorCode(err)}
	switch {
	case isAbsent(err):
		f.Severity, f.Found, f.Want, f.Why = Problem, "nothing of that name", "it exists", absent
		f.Mend = "deploy it, or give the doctor its name"
	case isDenied(err):
		f.Why = "the permission to look at it is missing"
		f.Mend = "outbox doctor --policy prints the permissions that it needs"
	default:
		f.Why = "the API did not answer: " + err.Error()
	}
	in.report.add(f)
}

// errorCode is the code of an API's error.
func errorCode(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	if err == nil {
		return "no answer that can be used"
	}
	return "no answer"
}

func isAbsent(err error) bool {
	switch errorCode(err) {
	case "ResourceNotFoundException", "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "TableNotFoundException":
		return true
	}
	return false
}

func isDenied(err error) bool {
	switch errorCode(err) {
	case "AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "NotAuthorized":
		return true
	}
	return false
}

package doctor

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
)

// TablesAPIClient is what the doctor needs of DynamoDB.
type TablesAPIClient interface {
	DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
	DescribeTimeToLive(context.Context, *dynamodb.DescribeTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTimeToLiveOutput, error)
	DescribeContinuousBackups(context.Context, *dynamodb.DescribeContinuousBackupsInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeContinuousBackupsOutput, error)
}

// FunctionsAPIClient is what the doctor needs of Lambda.
type FunctionsAPIClient interface {
	GetFunctionConfiguration(context.Context, *lambda.GetFunctionConfigurationInput, ...func(*lambda.Options)) (*lambda.GetFunctionConfigurationOutput, error)
	ListEventSourceMappings(context.Context, *lambda.ListEventSourceMappingsInput, ...func(*lambda.Options)) (*lambda.ListEventSourceMappingsOutput, error)
}

// BusAPIClient is what the doctor needs of EventBridge.
type BusAPIClient interface {
	DescribeEventBus(context.Context, *eventbridge.DescribeEventBusInput, ...func(*eventbridge.Options)) (*eventbridge.DescribeEventBusOutput, error)
	DescribeRule(context.Context, *eventbridge.DescribeRuleInput, ...func(*eventbridge.Options)) (*eventbridge.DescribeRuleOutput, error)
	ListTargetsByRule(context.Context, *eventbridge.ListTargetsByRuleInput, ...func(*eventbridge.Options)) (*eventbridge.ListTargetsByRuleOutput, error)
	TestEventPattern(context.Context, *eventbridge.TestEventPatternInput, ...func(*eventbridge.Options)) (*eventbridge.TestEventPatternOutput, error)
}

// QueuesAPIClient is what the doctor needs of SQS.
type QueuesAPIClient interface {
	GetQueueUrl(context.Context, *sqs.GetQueueUrlInput, ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error)
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
}

var (
	_ TablesAPIClient    = (*dynamodb.Client)(nil)
	_ FunctionsAPIClient = (*lambda.Client)(nil)
	_ BusAPIClient       = (*eventbridge.Client)(nil)
	_ QueuesAPIClient    = (*sqs.Client)(nil)
)

// Clients are the doctor's eyes. None of them changes anything.
type Clients struct {
	Tables    TablesAPIClient
	Functions FunctionsAPIClient
	Events    BusAPIClient
	Queues    QueuesAPIClient
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

// NamesOf are the names that the templates give to a deployment.
func NamesOf(name string) Names {
	return Names{
		EventStore: name + "-event-store", TTL: "ttl", DeadLetters: name + "-dead-letters", Relay: name + "-relay",
		Bus: name + "-bus", Rule: name + "-user-created", Queue: name + "-messaging", Consumer: name + "-messaging",
		Source: "userService", DetailType: "User.Created",
	}
}

// inspection is one run: what it looks at, and what earlier checks have learnt
// for later ones.
type inspection struct {
	Clients
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
func Inspect(ctx context.Context, c Clients, n Names, name, region string) *Report {
	in := &inspection{Clients: c, Names: n, report: &Report{Name: name, Region: region}}
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

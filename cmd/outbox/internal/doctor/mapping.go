package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventpattern"
)

const (
	aboutPartial = "https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html"
	aboutErrors  = "https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html"
	aboutMapping = "https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html"
	aboutFilter  = "https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html"
)

// relayMapping checks the event source mapping between the event store's stream
// and the relay.
func (in *inspection) relayMapping(ctx context.Context) {
	stream := ":table/" + in.EventStore + "/stream/"
	f := Finding{
		Check: "mapping.exists", Subject: "event source mappings from " + in.EventStore + " to " + in.Relay,
		Why: "without one nothing is published; with two everything is published twice",
	}
	for _, m := range in.mappings(ctx, in.Relay, f, func(arn string) bool { return strings.Contains(arn, stream) }) {
		in.mappingState("mapping", m)
		in.mappingSource(m)
		in.mappingFailures(m)
		in.mappingFilter(m)
		in.onFailure(ctx, m)
	}
}

// consumerMapping checks the mapping between the queue and the function behind
// it.
func (in *inspection) consumerMapping(ctx context.Context) {
	if in.queue == nil {
		return
	}
	f := Finding{
		Check: "consumer-mapping.exists", Subject: "event source mappings from " + in.Queue + " to " + in.Consumer,
		Why: "without one nobody reads the queue",
	}
	for _, m := range in.mappings(ctx, in.Consumer, f, func(arn string) bool { return arn == in.queue.arn }) {
		in.mappingState("consumer-mapping", m)
		in.responseTypes("consumer-mapping", m, "one message that fails makes all of its batch come again, and in the end go to the dead-letter queue with it")
	}
}

// mappings are those event source mappings of a function that read ours. There
// should be one; f is the finding about that.
func (in *inspection) mappings(ctx context.Context, function string, f Finding, ours func(arn string) bool) (all []types.EventSourceMappingConfiguration) {
	pages := lambda.NewListEventSourceMappingsPaginator(in.functions, &lambda.ListEventSourceMappingsInput{FunctionName: &function})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			in.unreadable(f.Check, f.Subject, f.Why, err)
			return nil
		}
		for _, m := range page.EventSourceMappings {
			if ours(aws.ToString(m.EventSourceArn)) {
				all = append(all, m)
			}
		}
	}
	f.Found, f.Want, f.Mend, f.See = fmt.Sprint(len(all)), "1", "make the mapping, or delete the one too many", aboutMapping
	in.report.verdict(len(all) == 1, Problem, f)
	return all
}

func about(m types.EventSourceMappingConfiguration) string {
	return "event source mapping " + aws.ToString(m.UUID)
}

// change is the command that changes a mapping.
func change(m types.EventSourceMappingConfiguration, what string) string {
	return "aws lambda update-event-source-mapping --uuid " + aws.ToString(m.UUID) + " " + what
}

func (in *inspection) mappingState(role string, m types.EventSourceMappingConfiguration) {
	state, result := aws.ToString(m.State), aws.ToString(m.LastProcessingResult)
	f := Finding{
		Check: role + ".state", Subject: about(m), Found: state, Want: "Enabled",
		Why: because("Lambda does not read while it is so", m.StateTransitionReason), Mend: change(m, "--enabled"),
	}
	bad := Problem
	if state == "Creating" || state == "Enabling" || state == "Updating" {
		bad, f.Mend = Warning, "wait a minute and look again"
	}
	in.report.verdict(state == "Enabled", bad, f)
	in.report.verdict(!strings.HasPrefix(result, "PROBLEM"), Problem, Finding{
		Check: role + ".last-result", Subject: about(m), Found: result, Want: "OK",
		Why: "the last batch failed, and those behind it wait", Mend: "read the function's log",
	})
}

// mappingSource checks where the mapping reads, and from where on.
func (in *inspection) mappingSource(m types.EventSourceMappingConfiguration) {
	source := aws.ToString(m.EventSourceArn)
	if in.streamARN != "" {
		in.report.verdict(source == in.streamARN, Problem, Finding{
			Check: "mapping.stream", Subject: about(m), Found: source, Want: in.streamARN, See: aboutStreams,
			Why:  "the table's stream was switched off and on: the new one has another ARN, and nobody reads it",
			Mend: "make the mapping anew for the new stream, from TRIM_HORIZON",
		})
	}
	position := m.StartingPosition
	in.report.verdict(position == types.EventSourcePositionTrimHorizon, Warning, Finding{
		Check: "mapping.starting-position", Subject: about(m), Found: string(position), Want: string(types.EventSourcePositionTrimHorizon), See: aboutMapping,
		Why:  "events that were written while the mapping came up were passed over; it cannot be changed afterwards",
		Mend: "give the relay the events around the creation of the mapping again, from the event store, with outbox replay --missing; make the next mapping from TRIM_HORIZON",
	})
	size := aws.ToInt32(m.BatchSize)
	in.report.verdict(size >= 10, Warning, Finding{
		Check: "mapping.batch-size", Subject: about(m), Found: fmt.Sprint(size), Want: "at least 10", See: aboutMapping,
		Why: "PutEvents takes 10 entries for the price and the time of one call", Mend: change(m, "--batch-size 100 --maximum-batching-window-in-seconds 1"),
	})
}

// mappingFailures checks what Lambda does with a batch that fails.
func (in *inspection) mappingFailures(m types.EventSourceMappingConfiguration) {
	in.responseTypes("mapping", m, "the relay answers with the record to go on from; Lambda ignores the answer, takes the batch for done, and every record that failed is LOST")

	bisect := aws.ToBool(m.BisectBatchOnFunctionError)
	in.report.verdict(bisect, Warning, Finding{
		Check: "mapping.bisect", Subject: about(m), Found: onOff(bisect), Want: "on", See: aboutErrors,
		Why:  "a batch that makes the relay fail as a whole, such as one that is too slow, comes again at its full size, again and again",
		Mend: change(m, "--bisect-batch-on-function-error"),
	})

	retries := int32(-1) // Lambda's default
	if m.MaximumRetryAttempts != nil {
		retries = *m.MaximumRetryAttempts
	}
	in.report.verdict(retries == -1, Problem, Finding{
		Check: "mapping.retries", Subject: about(m), Found: fmt.Sprint(retries), Want: "-1 (until the record's age)", See: aboutErrors,
		Why:  "an outage of the bus that outlasts so few tries makes Lambda skip events; tries follow each other quickly",
		Mend: change(m, "--maximum-retry-attempts -1"),
	})

	age, good, bad := int32(-1), true, Warning // without limit is Lambda's default
	if m.MaximumRecordAgeInSeconds != nil {
		age = *m.MaximumRecordAgeInSeconds
	}
	f := Finding{
		Check: "mapping.record-age", Subject: about(m), Found: fmt.Sprintf("%d s", age), Want: "between 6 and 23 hours", See: aboutErrors,
		Mend: change(m, "--maximum-record-age-in-seconds 75600"),
	}
	if age == -1 {
		f.Found = "without limit"
	}
	switch {
	case age == -1 || age > 23*3600:
		good, f.Why = false, "the stream forgets after 24 hours, and does not tell anybody: the on-failure destination never hears of those records"
	case age < 6*3600:
		good, bad, f.Why = false, Problem, "an outage that lasts longer makes Lambda skip events"
	}
	in.report.verdict(good, bad, f)
}

func (in *inspection) responseTypes(role string, m types.EventSourceMappingConfiguration, why string) {
	good := slices.Contains(m.FunctionResponseTypes, types.FunctionResponseTypeReportBatchItemFailures)
	found := "nothing"
	if len(m.FunctionResponseTypes) > 0 {
		found = fmt.Sprint(m.FunctionResponseTypes)
	}
	in.report.verdict(good, Problem, Finding{
		Check: role + ".response-types", Subject: about(m), Found: found, Want: string(types.FunctionResponseTypeReportBatchItemFailures),
		Why: why, Mend: change(m, "--function-response-types ReportBatchItemFailures"), See: aboutPartial,
	})
}

// mappingFilter asks the mapping's filters about a new event.
func (in *inspection) mappingFilter(m types.EventSourceMappingConfiguration) {
	f := Finding{
		Check: "mapping.filter", Subject: about(m), Found: "none", Want: "a new event passes", See: aboutFilter,
		Why: "Lambda passes over what its filters do not match, and never comes back: every event is LOST", Mend: `use {"eventName":["INSERT"]}`,
	}
	if m.FilterCriteria == nil || len(m.FilterCriteria.Filters) == 0 {
		in.report.verdict(true, Problem, f)
		return
	}
	var patterns []string
	passes, unknown := false, ""
	for _, filter := range m.FilterCriteria.Filters {
		patterns = append(patterns, aws.ToString(filter.Pattern))
		p, err := eventpattern.Parse(aws.ToString(filter.Pattern))
		if err != nil {
			unknown = "the doctor cannot evaluate it: " + err.Error()
			continue
		}
		match, err := p.Match(sampleRecord(in.Marker))
		passes = passes || err == nil && match
	}
	f.Found = strings.Join(patterns, " or ")
	if !passes && unknown != "" {
		in.report.unchecked(f, unknown)
		return
	}
	in.report.verdict(passes, Problem, f)
}

// onFailure checks where Lambda reports a batch that it gives up.
func (in *inspection) onFailure(ctx context.Context, m types.EventSourceMappingConfiguration) {
	arn := ""
	if m.DestinationConfig != nil && m.DestinationConfig.OnFailure != nil {
		arn = aws.ToString(m.DestinationConfig.OnFailure.Destination)
	}
	f := Finding{
		Check: "mapping.on-failure", Subject: about(m), Found: orNone(arn), Want: "a queue, a topic or a bucket", See: aboutErrors,
		Why: "a batch that Lambda gives up is skipped in silence", Mend: change(m, `--destination-config '{"OnFailure":{"Destination":"QUEUE_ARN"}}'`),
	}
	in.report.verdict(arn != "", Problem, f)
	if service(arn) == "sqs" {
		in.queueExists(ctx, "mapping.on-failure-queue", arn, "Lambda cannot report the batches that it gives up")
	}
}

// service is the service in an ARN.
func service(arn string) string {
	parts := strings.Split(arn, ":")
	if len(parts) < 6 {
		return ""
	}
	return parts[2]
}

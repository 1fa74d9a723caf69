package deploy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dynamodb-outbox/dynamodb-outbox/examples/internal/template"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventpattern"
)

// promise is a sentence of the documentation about the templates, and how to
// see in a deployment that it does not hold.
type promise struct {
	says   string
	broken func(d *template.Deployment) []string
}

// promises are all of them. A test shows of each that a template which breaks
// it is found.
var promises = []promise{
	{"the event store has a stream of NEW_IMAGE", func(d *template.Deployment) (bad []string) {
		if s := d.Table("outbox-event-store"); s == nil || s.StreamView != "NEW_IMAGE" {
			bad = append(bad, "no stream of NEW_IMAGE")
		}
		return bad
	}},
	{"the event store has the keys of the zero Layout: pk (S), sk (N)", func(d *template.Deployment) (bad []string) {
		if s := d.Table("outbox-event-store"); s == nil || s.PK != "pk:S" || s.SK != "sk:N" {
			bad = append(bad, "other keys")
		}
		return bad
	}},
	{"dead letters have the keys of deadletter.New: pk (S), sk (S)", func(d *template.Deployment) (bad []string) {
		if s := d.Table("outbox-dead-letters"); s == nil || s.PK != "pk:S" || s.SK != "sk:S" {
			bad = append(bad, "other keys")
		}
		return bad
	}},
	{"the journal has the keys of journal.New: pk (S), sk (S)", func(d *template.Deployment) (bad []string) {
		if s := d.Table("outbox-journal"); s == nil || s.PK != "pk:S" || s.SK != "sk:S" {
			bad = append(bad, "other keys")
		}
		return bad
	}},
	{"every table has a TTL attribute, point-in-time recovery, deletion protection and encryption with a KMS key", func(d *template.Deployment) (bad []string) {
		if len(d.Tables) != 5 {
			bad = append(bad, fmt.Sprintf("%d tables, want 5", len(d.Tables)))
		}
		for _, t := range d.Tables {
			if t.TTL != "ttl" {
				bad = append(bad, t.Name+": no TTL")
			}
			if !t.PITR {
				bad = append(bad, t.Name+": no point-in-time recovery")
			}
			if !t.DeletionProtection {
				bad = append(bad, t.Name+": no deletion protection")
			}
			if !t.Encrypted {
				bad = append(bad, t.Name+": no encryption with a KMS key")
			}
		}
		return bad
	}},
	{"the rule is on the bus, enabled, retries for 24 hours and has a dead-letter queue on its target", func(d *template.Deployment) (bad []string) {
		if len(d.Buses) != 1 || len(d.Rules) != 1 || len(d.Rules[0].Targets) != 1 {
			return []string{"not one bus with one rule with one target"}
		}
		r, target := d.Rules[0], d.Rules[0].Targets[0]
		if r.Bus != d.Buses[0].Name {
			bad = append(bad, "the rule is on another bus")
		}
		if !r.Enabled {
			bad = append(bad, "the rule is disabled")
		}
		if target.MaxAge != 86400 || target.MaxAttempts != 185 {
			bad = append(bad, fmt.Sprintf("retries for %v s, %v times", target.MaxAge, target.MaxAttempts))
		}
		if q := d.Queue(target.DeadLetters); target.DeadLetters == "" || q == nil || target.DeadLetters == target.ARN {
			bad = append(bad, "no dead-letter queue on the target")
		}
		return bad
	}},
	{"the rule matches User.Created of the user service and nothing else", func(d *template.Deployment) (bad []string) {
		if len(d.Rules) != 1 {
			return []string{"no rule"}
		}
		p, err := eventpattern.Parse(d.Rules[0].Pattern)
		if err != nil {
			return []string{err.Error()}
		}
		service := ""
		if f := d.Function("outbox-user-service"); f != nil {
			service = f.Environment["SERVICE_NAME"]
		}
		for _, e := range []struct {
			source, detailType string
			want               bool
		}{{service, "User.Created", true}, {service, "User.Updated", false}, {"messagingService", "Email.Sent", false}, {"other", "User.Created", false}} {
			got, err := p.Match(fmt.Appendf(nil, `{"source":%q,"detail-type":%q,"detail":{}}`, e.source, e.detailType))
			if err != nil || got != e.want {
				bad = append(bad, fmt.Sprintf("%s of %s: match %v, %v", e.detailType, e.source, got, err))
			}
		}
		return bad
	}},
	{"the rule may send to its target and its dead-letter queue, by a policy that names the rule", func(d *template.Deployment) (bad []string) {
		for _, r := range d.Rules {
			for _, t := range r.Targets {
				for _, arn := range []string{t.ARN, t.DeadLetters} {
					if q := d.Queue(arn); q == nil || !ruleMaySend(*q, r.ARN) {
						bad = append(bad, "no policy on "+arn)
					}
				}
			}
		}
		return bad
	}},
	{"the messaging queue has a redrive policy after 5 receives, to a queue that keeps messages longer", func(d *template.Deployment) (bad []string) {
		q := d.Queue("outbox-messaging")
		if q == nil {
			return []string{"no queue"}
		}
		dlq := d.Queue(q.DeadLetters)
		if q.DeadLetters == "" || dlq == nil || q.MaxReceive != 5 {
			return []string{fmt.Sprintf("dead letters %q after %v receives", q.DeadLetters, q.MaxReceive)}
		}
		// A message keeps its first time stamp when it is moved.
		if dlq.Retention <= q.Retention {
			bad = append(bad, "the dead-letter queue forgets first")
		}
		return bad
	}},
	{"the visibility timeout is at least 6 times the messaging function's timeout, plus the window", func(d *template.Deployment) (bad []string) {
		f, m := d.Function("outbox-messaging"), d.Mapping("outbox-messaging")
		if f == nil || m == nil {
			return []string{"no function with a mapping"}
		}
		if q := d.Queue(m.Source); q == nil || q.Visibility < 6*f.Timeout+m.Window {
			bad = append(bad, fmt.Sprintf("function timeout %v s", f.Timeout))
		}
		return bad
	}},
	{"queues take messages of 1 MiB and are encrypted", func(d *template.Deployment) (bad []string) {
		if len(d.Queues) != 4 {
			bad = append(bad, fmt.Sprintf("%d queues, want 4", len(d.Queues)))
		}
		for _, q := range d.Queues {
			if q.MaxMessage != 1<<20 {
				bad = append(bad, fmt.Sprintf("%s takes %v bytes", q.Name, q.MaxMessage))
			}
			if !q.Encrypted {
				bad = append(bad, q.Name+" is not encrypted")
			}
		}
		return bad
	}},
	{"the relay's mapping reads the event store's stream from TRIM_HORIZON", func(d *template.Deployment) (bad []string) {
		m, s := d.Mapping("outbox-relay"), d.Table("outbox-event-store")
		if m == nil || s == nil || s.StreamARN == "" || m.Source != s.StreamARN || m.StartingPosition != "TRIM_HORIZON" {
			bad = append(bad, "another source or position")
		}
		return bad
	}},
	{"both mappings report item failures", func(d *template.Deployment) (bad []string) {
		if len(d.Mappings) != 2 {
			bad = append(bad, fmt.Sprintf("%d mappings, want 2", len(d.Mappings)))
		}
		for _, m := range d.Mappings {
			if !slices.Equal(m.ResponseTypes, []string{"ReportBatchItemFailures"}) {
				bad = append(bad, m.Function+" does not")
			}
		}
		return bad
	}},
	{"the relay's mapping bisects, tries until the record is 21 hours old, and reports what it gave up", func(d *template.Deployment) (bad []string) {
		m := d.Mapping("outbox-relay")
		if m == nil {
			return []string{"no mapping"}
		}
		if !m.Bisect {
			bad = append(bad, "no bisect")
		}
		if m.Retries != -1 {
			bad = append(bad, fmt.Sprintf("%v retries", m.Retries))
		}
		if m.RecordAge != 21*3600 {
			bad = append(bad, fmt.Sprintf("record age %v s", m.RecordAge))
		}
		if q := d.Queue(m.OnFailure); m.OnFailure == "" || q == nil {
			bad = append(bad, "no on-failure destination")
		}
		return bad
	}},
	{"the relay's mapping has batches of 100 and a window of 1 s", func(d *template.Deployment) (bad []string) {
		if m := d.Mapping("outbox-relay"); m == nil || m.BatchSize != 100 || m.Window != 1 {
			bad = append(bad, "another batch size or window")
		}
		return bad
	}},
	{"the relay's mapping filters on INSERT and nothing else", func(d *template.Deployment) (bad []string) {
		if m := d.Mapping("outbox-relay"); m == nil || !slices.Equal(m.Filters, []string{`{"eventName":["INSERT"]}`}) {
			bad = append(bad, "another filter")
		}
		return bad
	}},
	{"functions are bootstrap on provided.al2023 for arm64, each with a log group that is kept 30 days", func(d *template.Deployment) (bad []string) {
		if len(d.Functions) != 3 {
			bad = append(bad, fmt.Sprintf("%d functions, want 3", len(d.Functions)))
		}
		for _, f := range d.Functions {
			if f.Runtime != "provided.al2023" || f.Handler != "bootstrap" || !slices.Equal(f.Architectures, []string{"arm64"}) {
				bad = append(bad, f.Name+": another runtime")
			}
			kept := slices.ContainsFunc(d.LogGroups, func(g template.LogGroup) bool { return g.Name == f.LogGroup && g.Days == 30 })
			if !kept {
				bad = append(bad, f.Name+": no log group of 30 days")
			}
		}
		for _, g := range d.LogGroups {
			if g.Days == 0 {
				bad = append(bad, g.Name+" is kept without end")
			}
		}
		return bad
	}},
	{"the HTTP API calls the user service and is limited", func(d *template.Deployment) (bad []string) {
		a := d.API
		if a.Function != "outbox-user-service" || a.PayloadFormat != "2.0" || a.Burst == 0 || a.Rate == 0 || !strings.Contains(a.Permission, "outbox-user-service") || strings.HasSuffix(a.Permission, " ") {
			bad = append(bad, fmt.Sprintf("%+v", a))
		}
		for _, want := range []string{"ANY /users ", "ANY /users/{id} "} {
			if !slices.ContainsFunc(a.Routes, func(r string) bool { return strings.HasPrefix(r, want) }) {
				bad = append(bad, "no route "+want)
			}
		}
		return bad
	}},
	{"there are alarms for iterator age, relay errors, dead letters, what the journal did not take, every dead-letter queue, the oldest unpublished event, throttled PutEvents and a relay that does not run", func(d *template.Deployment) (bad []string) {
		for _, want := range []string{
			"AWS/Lambda IteratorAge FunctionName=outbox-relay", "AWS/Lambda Errors FunctionName=outbox-relay", "AWS/Lambda Invocations FunctionName=outbox-relay",
			"outbox/Relay Failed", "outbox/Relay ConfigFaults", "outbox/Relay DeadLettered", "outbox/Relay JournalFailed", "outbox/Relay OldestAge", "AWS/Events PutEventsApproximateThrottledCount",
			"AWS/SQS ApproximateNumberOfMessagesVisible QueueName=outbox-messaging-dlq", "AWS/SQS ApproximateNumberOfMessagesVisible QueueName=outbox-rule-dlq",
			"AWS/SQS ApproximateNumberOfMessagesVisible QueueName=outbox-relay-failures",
		} {
			if !slices.ContainsFunc(d.Alarms, func(a template.Alarm) bool {
				return slices.ContainsFunc(a.Metrics, func(m template.Metric) bool { return series(m) == want })
			}) {
				bad = append(bad, "none on "+want)
			}
		}
		for _, a := range d.Alarms {
			if !slices.Equal(a.Actions, []string{"arn:aws:sns:eu-west-1:123456789012:alarms"}) || a.Description == "" {
				bad = append(bad, a.Name+" notifies nobody, or does not say why")
			}
		}
		return bad
	}},
	{"an alarm says at once that Lambda has dropped records, that it could not report them, and that the relay passed over new items; and that invocations have failed for 15 minutes", func(d *template.Deployment) (bad []string) {
		mapping := d.Mapping("outbox-relay")
		if mapping == nil {
			return []string{"no mapping"}
		}
		if !slices.Equal(mapping.Metrics, []string{"EventCount"}) {
			bad = append(bad, "the mapping does not count its events")
		}
		for want, seconds := range map[string]float64{
			"AWS/Lambda DroppedEventCount EventSourceMappingUUID=" + mapping.ID: 60, "AWS/Lambda FailedInvokeEventCount EventSourceMappingUUID=" + mapping.ID: 900,
			"AWS/Lambda DestinationDeliveryFailures FunctionName=outbox-relay": 60, "outbox/Relay SkippedNotEvent": 60,
		} {
			if !slices.ContainsFunc(d.Alarms, func(a template.Alarm) bool {
				return len(a.Metrics) == 1 && series(a.Metrics[0]) == want && a.Metrics[0].Stat == "Sum" && a.Comparison == "GreaterThanThreshold" && a.Threshold == 0 &&
					a.Period*a.Periods == seconds && a.Datapoints == a.Periods
			}) {
				bad = append(bad, fmt.Sprintf("none on %s for %v s", want, seconds))
			}
		}
		return bad
	}},
	{"there is a dashboard", func(d *template.Deployment) (bad []string) {
		if len(d.Dashboards) != 1 || len(d.Dashboards[0].Metrics) < 20 {
			bad = append(bad, "none")
		}
		return bad
	}},
}

// ruleMaySend reports whether the queue's policy lets this rule send, and
// nobody else.
func ruleMaySend(q template.Queue, rule string) bool {
	return len(q.Policy) == 1 && q.Policy[0].Effect == "Allow" && q.Policy[0].Principal == `{"Service":"events.amazonaws.com"}` &&
		slices.Equal(q.Policy[0].Actions, []string{"sqs:SendMessage"}) && slices.Equal(q.Policy[0].Resources, []string{q.ARN}) &&
		q.Policy[0].Condition == `{"ArnEquals":{"aws:SourceArn":"`+rule+`"}}`
}

// series names a metric: namespace, name and its dimensions in order.
func series(m template.Metric) string {
	out := []string{m.Namespace, m.Name}
	var dims []string
	for k, v := range m.Dimensions {
		dims = append(dims, k+"="+v)
	}
	slices.Sort(dims)
	return strings.Join(append(out, dims...), " ")
}

// broken lists what the deployment does not keep.
func broken(d *template.Deployment) []string {
	var all []string
	for _, p := range promises {
		for _, why := range p.broken(d) {
			all = append(all, p.says+": "+why)
		}
	}
	return all
}

package template

import (
	"fmt"
	"strings"
)

// buildSAM makes the model of an evaluated SAM template.
func buildSAM(t *Template) (*Deployment, error) {
	var err error
	d := new(Deployment)
	v := t.Values
	for _, r := range t.Resources {
		b := newBody(r, &err)
		switch r.Type {
		case "AWS::DynamoDB::Table":
			d.Tables = append(d.Tables, samTable(v, b))
		case "AWS::Events::EventBus":
			d.Buses = append(d.Buses, Bus{Name: b.str("Name"), ARN: v.arn("events", "event-bus/"+b.str("Name"))})
		case "AWS::Events::Rule":
			d.Rules = append(d.Rules, samRule(v, b))
		case "AWS::SQS::Queue":
			d.Queues = append(d.Queues, samQueue(t, v, b, &err))
		case "AWS::Serverless::Function":
			d.Functions = append(d.Functions, samFunction(t, b, &err))
		case "AWS::Lambda::EventSourceMapping":
			d.Mappings = append(d.Mappings, samMapping(b))
		case "AWS::Logs::LogGroup":
			d.LogGroups = append(d.LogGroups, LogGroup{Name: b.str("LogGroupName"), Days: b.num("RetentionInDays")})
		case "AWS::CloudWatch::Alarm":
			d.Alarms = append(d.Alarms, samAlarm(b))
		case "AWS::CloudWatch::Dashboard":
			text := b.parsed("DashboardBody")
			d.Dashboards = append(d.Dashboards, Dashboard{Name: b.str("DashboardName"), Body: canonical(text.props), Metrics: dashboardMetrics(text)})
		case "AWS::ApiGatewayV2::Api":
			d.API.Name = b.str("Name")
		case "AWS::ApiGatewayV2::Route":
			d.API.Routes = append(d.API.Routes, b.str("RouteKey")+" "+b.str("Target"))
		case "AWS::ApiGatewayV2::Integration":
			d.API.Function, d.API.PayloadFormat = functionName(b.str("IntegrationUri")), b.str("PayloadFormatVersion")
		case "AWS::ApiGatewayV2::Stage":
			d.API.Stage = b.str("StageName")
			d.API.Burst = b.sub("DefaultRouteSettings").num("ThrottlingBurstLimit")
			d.API.Rate = b.sub("DefaultRouteSettings").num("ThrottlingRateLimit")
			d.API.LogGroup = strings.TrimSuffix(b.sub("AccessLogSettings").str("DestinationArn"), ":*")
		case "AWS::Lambda::Permission":
			d.API.Permission = b.str("Principal") + " " + b.str("FunctionName") + " " + b.str("SourceArn")
		case "AWS::SQS::QueuePolicy", "AWS::IAM::Role": // with the queue, with the function
		default:
			return nil, fmt.Errorf("template: %s has a %s, which the model does not know", t.Path, r.Type)
		}
	}
	d.sort()
	return d, err
}

func samTable(v Values, b body) Table {
	t := Table{
		Name: b.str("TableName"), ARN: v.arn("dynamodb", "table/"+b.str("TableName")),
		BillingMode:        b.str("BillingMode"),
		PITR:               b.sub("PointInTimeRecoverySpecification").yes("PointInTimeRecoveryEnabled"),
		DeletionProtection: b.yes("DeletionProtectionEnabled"),
		Encrypted:          b.sub("SSESpecification").yes("SSEEnabled"),
		StreamView:         b.sub("StreamSpecification").str("StreamViewType"),
	}
	if t.StreamView != "" {
		t.StreamARN = v.streamARN(t.Name)
	}
	if ttl := b.sub("TimeToLiveSpecification"); ttl.yes("Enabled") {
		t.TTL = ttl.str("AttributeName")
	}
	types := map[string]string{}
	for _, a := range b.subs("AttributeDefinitions") {
		types[a.str("AttributeName")] = a.str("AttributeType")
	}
	for _, k := range b.subs("KeySchema") {
		key := k.str("AttributeName") + ":" + types[k.str("AttributeName")]
		if k.str("KeyType") == "HASH" {
			t.PK = key
		} else {
			t.SK = key
		}
	}
	return t
}

func samRule(v Values, b body) Rule {
	r := Rule{
		Name: b.str("Name"), Bus: b.str("EventBusName"), Enabled: b.str("State") == "ENABLED",
		ARN:     v.arn("events", "rule/"+b.str("EventBusName")+"/"+b.str("Name")),
		Pattern: canonical(b.sub("EventPattern").props),
	}
	for _, t := range b.subs("Targets") {
		r.Targets = append(r.Targets, Target{
			ARN: t.str("Arn"), DeadLetters: t.sub("DeadLetterConfig").str("Arn"),
			MaxAge: t.sub("RetryPolicy").num("MaximumEventAgeInSeconds"), MaxAttempts: t.sub("RetryPolicy").num("MaximumRetryAttempts"),
		})
	}
	return r
}

func samQueue(t *Template, v Values, b body, err *error) Queue {
	q := Queue{
		Name: b.str("QueueName"), ARN: v.arn("sqs", b.str("QueueName")), URL: v.queueURL(b.str("QueueName")),
		Visibility: b.num("VisibilityTimeout"), Retention: b.num("MessageRetentionPeriod"), MaxMessage: b.num("MaximumMessageSize"),
		Encrypted:   b.yes("SqsManagedSseEnabled"),
		DeadLetters: b.sub("RedrivePolicy").str("deadLetterTargetArn"), MaxReceive: b.sub("RedrivePolicy").num("maxReceiveCount"),
	}
	for _, r := range t.of("AWS::SQS::QueuePolicy") {
		p := newBody(r, err)
		for _, url := range p.strs("Queues") {
			if url == q.URL {
				q.Policy = append(q.Policy, p.sub("PolicyDocument").statements()...)
			}
		}
	}
	return q
}

func samFunction(t *Template, b body, err *error) Function {
	f := Function{
		Name: b.str("FunctionName"), Runtime: b.str("Runtime"), Handler: b.str("Handler"), Architectures: b.strs("Architectures"),
		Package: baseName(b.str("CodeUri")), Memory: b.num("MemorySize"), Timeout: b.num("Timeout"),
		Environment: b.sub("Environment").strMap("Variables"), LogGroup: b.sub("LoggingConfig").str("LogGroup"),
	}
	for _, r := range t.of("AWS::IAM::Role") {
		if !strings.HasSuffix(b.str("Role"), ":role/"+r.Name) {
			continue
		}
		role := newBody(r, err)
		f.Trust = role.sub("AssumeRolePolicyDocument").statements()
		for _, p := range role.subs("Policies") {
			f.Permissions = append(f.Permissions, p.sub("PolicyDocument").statements()...)
		}
		// A managed policy is a permission too, one that cannot be read here.
		for _, arn := range role.strs("ManagedPolicyArns") {
			f.Permissions = append(f.Permissions, Statement{Sid: "ManagedPolicy", Effect: "Allow", Actions: []string{arn}, Resources: []string{"*"}})
		}
	}
	return f
}

func samMapping(b body) Mapping {
	m := Mapping{
		ID: mappingID(functionName(b.str("FunctionName"))), Function: functionName(b.str("FunctionName")), Source: b.str("EventSourceArn"), StartingPosition: b.str("StartingPosition"),
		BatchSize: b.num("BatchSize"), Window: b.num("MaximumBatchingWindowInSeconds"), ResponseTypes: b.strs("FunctionResponseTypes"),
		Bisect: b.yes("BisectBatchOnFunctionError"), Retries: b.num("MaximumRetryAttempts"), RecordAge: b.num("MaximumRecordAgeInSeconds"),
		OnFailure:      b.sub("DestinationConfig").sub("OnFailure").str("Destination"),
		MaxConcurrency: b.sub("ScalingConfig").num("MaximumConcurrency"), Metrics: b.sub("MetricsConfig").strs("Metrics"),
	}
	for _, f := range b.sub("FilterCriteria").subs("Filters") {
		m.Filters = append(m.Filters, f.str("Pattern"))
	}
	return m
}

func samAlarm(b body) Alarm {
	a := Alarm{
		Name: b.str("AlarmName"), Description: b.str("AlarmDescription"), Period: b.num("Period"), Periods: b.num("EvaluationPeriods"),
		Datapoints: b.num("DatapointsToAlarm"), Threshold: b.num("Threshold"), Comparison: b.str("ComparisonOperator"),
		Missing: b.str("TreatMissingData"), Actions: b.strs("AlarmActions"),
	}
	if b.has("MetricName") {
		a.Metrics = []Metric{{Namespace: b.str("Namespace"), Name: b.str("MetricName"), Dimensions: samDimensions(b), Stat: b.str("Statistic")}}
	}
	for _, q := range b.subs("Metrics") {
		if q.has("Expression") {
			a.Expression = q.str("Expression")
			continue
		}
		stat := q.sub("MetricStat")
		metric := stat.sub("Metric")
		a.Period = stat.num("Period")
		a.Metrics = append(a.Metrics, Metric{Namespace: metric.str("Namespace"), Name: metric.str("MetricName"), Dimensions: samDimensions(metric), Stat: stat.str("Stat")})
	}
	return a
}

func samDimensions(b body) map[string]string {
	out := map[string]string{}
	for _, d := range b.subs("Dimensions") {
		out[d.str("Name")] = d.str("Value")
	}
	return out
}

package template

import (
	"fmt"
	"strings"
)

// buildTerraform makes the model of an evaluated Terraform configuration.
func buildTerraform(t *Template) (*Deployment, error) {
	var err error
	d := new(Deployment)
	v := t.Values
	for _, r := range t.Resources {
		b := newBody(r, &err)
		switch r.Type {
		case "aws_dynamodb_table":
			d.Tables = append(d.Tables, tfTable(v, b))
		case "aws_cloudwatch_event_bus":
			d.Buses = append(d.Buses, Bus{Name: b.str("name"), ARN: v.arn("events", "event-bus/"+b.str("name"))})
		case "aws_cloudwatch_event_rule":
			d.Rules = append(d.Rules, tfRule(t, v, b, &err))
		case "aws_sqs_queue":
			d.Queues = append(d.Queues, tfQueue(t, v, b, &err))
		case "aws_lambda_function":
			d.Functions = append(d.Functions, tfFunction(t, b, &err))
		case "aws_lambda_event_source_mapping":
			d.Mappings = append(d.Mappings, tfMapping(b))
		case "aws_cloudwatch_log_group":
			d.LogGroups = append(d.LogGroups, LogGroup{Name: b.str("name"), Days: b.num("retention_in_days")})
		case "aws_cloudwatch_metric_alarm":
			d.Alarms = append(d.Alarms, tfAlarm(b))
		case "aws_cloudwatch_dashboard":
			text := b.parsed("dashboard_body")
			d.Dashboards = append(d.Dashboards, Dashboard{Name: b.str("dashboard_name"), Body: canonical(text.props), Metrics: dashboardMetrics(text)})
		case "aws_apigatewayv2_api":
			d.API.Name = b.str("name")
		case "aws_apigatewayv2_route":
			d.API.Routes = append(d.API.Routes, b.str("route_key")+" "+b.str("target"))
		case "aws_apigatewayv2_integration":
			d.API.Function, d.API.PayloadFormat = functionName(b.str("integration_uri")), b.str("payload_format_version")
		case "aws_apigatewayv2_stage":
			d.API.Stage = b.str("name")
			d.API.Burst = b.sub("default_route_settings").num("throttling_burst_limit")
			d.API.Rate = b.sub("default_route_settings").num("throttling_rate_limit")
			d.API.LogGroup = b.sub("access_log_settings").str("destination_arn")
		case "aws_lambda_permission":
			d.API.Permission = b.str("principal") + " " + b.str("function_name") + " " + b.str("source_arn")
		case "aws_cloudwatch_event_target", "aws_sqs_queue_policy", "aws_iam_role", "aws_iam_role_policy": // with what they belong to
		case "aws_iam_role_policy_attachment": // with the function
		default:
			return nil, fmt.Errorf("template: %s has a %s, which the model does not know", t.Path, r.Type)
		}
	}
	d.sort()
	return d, err
}

func tfTable(v Values, b body) Table {
	t := Table{
		Name: b.str("name"), ARN: v.arn("dynamodb", "table/"+b.str("name")),
		BillingMode:        b.str("billing_mode"),
		PITR:               b.sub("point_in_time_recovery").yes("enabled"),
		DeletionProtection: b.yes("deletion_protection_enabled"),
		Encrypted:          b.sub("server_side_encryption").yes("enabled"),
	}
	if b.yes("stream_enabled") {
		t.StreamView, t.StreamARN = b.str("stream_view_type"), v.streamARN(t.Name)
	}
	if ttl := b.sub("ttl"); ttl.yes("enabled") {
		t.TTL = ttl.str("attribute_name")
	}
	types := map[string]string{}
	for _, a := range b.subs("attribute") {
		types[a.str("name")] = a.str("type")
	}
	t.PK = b.str("hash_key") + ":" + types[b.str("hash_key")]
	if sk := b.str("range_key"); sk != "" {
		t.SK = sk + ":" + types[sk]
	}
	return t
}

func tfRule(t *Template, v Values, b body, err *error) Rule {
	r := Rule{
		Name: b.str("name"), Bus: b.str("event_bus_name"), Enabled: b.str("state") == "ENABLED",
		ARN:     v.arn("events", "rule/"+b.str("event_bus_name")+"/"+b.str("name")),
		Pattern: canonical(b.parsed("event_pattern").props),
	}
	for _, res := range t.of("aws_cloudwatch_event_target") {
		target := newBody(res, err)
		if target.str("rule") != r.Name || target.str("event_bus_name") != r.Bus {
			continue
		}
		r.Targets = append(r.Targets, Target{
			ARN: target.str("arn"), DeadLetters: target.sub("dead_letter_config").str("arn"),
			MaxAge: target.sub("retry_policy").num("maximum_event_age_in_seconds"), MaxAttempts: target.sub("retry_policy").num("maximum_retry_attempts"),
		})
	}
	return r
}

func tfQueue(t *Template, v Values, b body, err *error) Queue {
	redrive := b.parsed("redrive_policy")
	q := Queue{
		Name: b.str("name"), ARN: v.arn("sqs", b.str("name")), URL: v.queueURL(b.str("name")),
		Visibility: b.num("visibility_timeout_seconds"), Retention: b.num("message_retention_seconds"), MaxMessage: b.num("max_message_size"),
		Encrypted:   b.yes("sqs_managed_sse_enabled"),
		DeadLetters: redrive.str("deadLetterTargetArn"), MaxReceive: redrive.num("maxReceiveCount"),
	}
	for _, r := range t.of("aws_sqs_queue_policy") {
		if p := newBody(r, err); p.str("queue_url") == q.URL {
			q.Policy = append(q.Policy, p.parsed("policy").statements()...)
		}
	}
	return q
}

func tfFunction(t *Template, b body, err *error) Function {
	f := Function{
		Name: b.str("function_name"), Runtime: b.str("runtime"), Handler: b.str("handler"), Architectures: b.strs("architectures"),
		Package: baseName(b.str("filename")), Memory: b.num("memory_size"), Timeout: b.num("timeout"),
		Environment: b.sub("environment").strMap("variables"), LogGroup: b.sub("logging_config").str("log_group"),
	}
	for _, r := range t.of("aws_iam_role") {
		if !strings.HasSuffix(b.str("role"), ":role/"+r.Name) {
			continue
		}
		f.Trust = newBody(r, err).parsed("assume_role_policy").statements()
		for _, p := range t.of("aws_iam_role_policy") {
			if policy := newBody(p, err); policy.str("role") == r.Name {
				f.Permissions = append(f.Permissions, policy.parsed("policy").statements()...)
			}
		}
		// A managed policy is a permission too, one that cannot be read here.
		for _, p := range t.of("aws_iam_role_policy_attachment") {
			if a := newBody(p, err); a.str("role") == r.Name {
				f.Permissions = append(f.Permissions, Statement{Sid: "ManagedPolicy", Effect: "Allow", Actions: a.strs("policy_arn"), Resources: []string{"*"}})
			}
		}
	}
	return f
}

func tfMapping(b body) Mapping {
	m := Mapping{
		ID: mappingID(functionName(b.str("function_name"))), Function: functionName(b.str("function_name")), Source: b.str("event_source_arn"), StartingPosition: b.str("starting_position"),
		BatchSize: b.num("batch_size"), Window: b.num("maximum_batching_window_in_seconds"), ResponseTypes: b.strs("function_response_types"),
		Bisect: b.yes("bisect_batch_on_function_error"), Retries: b.num("maximum_retry_attempts"), RecordAge: b.num("maximum_record_age_in_seconds"),
		OnFailure:      b.sub("destination_config").sub("on_failure").str("destination_arn"),
		MaxConcurrency: b.sub("scaling_config").num("maximum_concurrency"), Metrics: b.sub("metrics_config").strs("metrics"),
	}
	for _, f := range b.sub("filter_criteria").subs("filter") {
		m.Filters = append(m.Filters, f.str("pattern"))
	}
	return m
}

func tfAlarm(b body) Alarm {
	a := Alarm{
		Name: b.str("alarm_name"), Description: b.str("alarm_description"), Period: b.num("period"), Periods: b.num("evaluation_periods"),
		Datapoints: b.num("datapoints_to_alarm"), Threshold: b.num("threshold"), Comparison: b.str("comparison_operator"),
		Missing: b.str("treat_missing_data"), Actions: b.strs("alarm_actions"),
	}
	if b.has("metric_name") {
		a.Metrics = []Metric{{Namespace: b.str("namespace"), Name: b.str("metric_name"), Dimensions: tfDimensions(b), Stat: b.str("statistic")}}
	}
	for _, q := range b.subs("metric_query") {
		if q.has("expression") {
			a.Expression = q.str("expression")
			continue
		}
		metric := q.sub("metric")
		a.Period = metric.num("period")
		a.Metrics = append(a.Metrics, Metric{Namespace: metric.str("namespace"), Name: metric.str("metric_name"), Dimensions: tfDimensions(metric), Stat: metric.str("stat")})
	}
	return a
}

func tfDimensions(b body) map[string]string {
	out := b.strMap("dimensions")
	if out == nil {
		out = map[string]string{}
	}
	return out
}

package template

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// resolve gives the value of a reference such as var.name, local.region or
// aws_sqs_queue.messaging_queue.arn, and the names under which an expression
// finds it. What follows, an index or a further attribute, is the
// expression's own business.
func (m *module) resolve(t hcl.Traversal) ([]string, cty.Value, error) {
	path := []string{t.RootName()}
	for _, step := range t[1:] {
		attr, ok := step.(hcl.TraverseAttr)
		if !ok {
			break
		}
		path = append(path, attr.Name)
	}
	need := 3
	switch path[0] {
	case "var", "local", "path":
		need = 2
	case "data":
		need = 4
	}
	if len(path) < need {
		return nil, cty.NilVal, fmt.Errorf("a reference to the whole of %s is not evaluated", strings.Join(path, "."))
	}
	path = path[:need]
	v, err := m.value(path)
	return path, v, err
}

func (m *module) value(path []string) (cty.Value, error) {
	v := m.values
	switch path[0] {
	case "path":
		return cty.StringVal("."), nil
	case "local":
		return m.local(path[1])
	case "var":
		return m.variable(path[1])
	case "data":
		switch strings.Join(path[1:], ".") {
		case "aws_region.current.name":
			return cty.StringVal(v.Region), nil
		case "aws_caller_identity.current.account_id":
			return cty.StringVal(v.Account), nil
		case "aws_partition.current.partition":
			return cty.StringVal(v.Partition), nil
		}
		return cty.NilVal, fmt.Errorf("%s is not evaluated", strings.Join(path, "."))
	}
	return m.attribute(path[0], path[1], path[2])
}

func (m *module) variable(name string) (cty.Value, error) {
	given := map[string]string{
		"name": m.values.Name, "mail_from": m.values.MailFrom, "mail_identity": m.values.MailIdentity, "alarm_topic_arn": m.values.AlarmTopic,
	}
	if v, ok := given[name]; ok {
		return cty.StringVal(v), nil
	}
	if v := map[string]string{
		"alarm_on_skipped_items": m.values.AlarmOnSkippedItems, "alarm_on_skipped_region": m.values.AlarmOnSkippedRegion,
	}[name]; v != "" {
		return cty.BoolVal(v == "true"), nil
	}
	if e := m.variables[name]; e != nil {
		return m.eval(e, nil)
	}
	return cty.NilVal, fmt.Errorf("var.%s has no default, and Values have none for it", name)
}

// attribute is an attribute of a resource: one that AWS makes, or an argument.
func (m *module) attribute(kind, name, attribute string) (cty.Value, error) {
	b := m.resources[[2]string{kind, name}]
	if b == nil {
		return cty.NilVal, fmt.Errorf("there is no %s.%s", kind, name)
	}
	argument := func(arg string) (string, error) {
		if b.Attributes[arg] == nil {
			return "", fmt.Errorf("%s.%s has no %s", kind, name, arg)
		}
		v, err := m.eval(b.Attributes[arg].Expr, nil)
		if err != nil {
			return "", err
		}
		return v.AsString(), nil
	}
	from := func(arg string, of func(string) string) (cty.Value, error) {
		s, err := argument(arg)
		return cty.StringVal(of(s)), err
	}
	v := m.values
	switch kind + "." + attribute {
	case "aws_dynamodb_table.arn":
		return from("name", func(s string) string { return v.arn("dynamodb", "table/"+s) })
	case "aws_dynamodb_table.stream_arn":
		return from("name", v.streamARN)
	case "aws_cloudwatch_event_bus.arn":
		return from("name", func(s string) string { return v.arn("events", "event-bus/"+s) })
	case "aws_cloudwatch_event_rule.arn":
		bus, err := argument("event_bus_name")
		if err != nil {
			return cty.NilVal, err
		}
		return from("name", func(s string) string { return v.arn("events", "rule/"+bus+"/"+s) })
	case "aws_sqs_queue.arn":
		return from("name", func(s string) string { return v.arn("sqs", s) })
	case "aws_sqs_queue.id":
		return from("name", v.queueURL)
	case "aws_cloudwatch_log_group.arn": // without the ":*" of CloudFormation
		return from("name", func(s string) string { return v.arn("logs", "log-group:"+s) })
	case "aws_lambda_function.arn":
		return from("function_name", func(s string) string { return v.arn("lambda", "function:"+s) })
	case "aws_lambda_event_source_mapping.uuid":
		return from("function_name", mappingID)
	case "aws_iam_role.arn":
		return cty.StringVal("arn:" + v.Partition + ":iam::" + v.Account + ":role/" + name), nil
	case "aws_iam_role.id":
		return cty.StringVal(name), nil
	case "aws_apigatewayv2_api.id":
		return cty.StringVal(generated(name)), nil
	case "aws_apigatewayv2_api.execution_arn":
		return cty.StringVal(v.arn("execute-api", generated(name))), nil
	case "aws_apigatewayv2_integration.id":
		return cty.StringVal(generated(name)), nil
	case "aws_dynamodb_table.name", "aws_cloudwatch_event_bus.name", "aws_cloudwatch_event_rule.name", "aws_sqs_queue.name",
		"aws_cloudwatch_log_group.name", "aws_lambda_function.function_name":
		return from(attribute, func(s string) string { return s })
	}
	return cty.NilVal, fmt.Errorf("%s.%s.%s is not evaluated", kind, name, attribute)
}

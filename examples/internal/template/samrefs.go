package template

import "fmt"

// ref is what !Ref gives
// (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html).
func (s *stack) ref(name string) (any, error) {
	switch name {
	case "AWS::StackName":
		return s.values.Name, nil
	case "AWS::Region":
		return s.values.Region, nil
	case "AWS::AccountId":
		return s.values.Account, nil
	case "AWS::Partition":
		return s.values.Partition, nil
	case "AWS::NoValue":
		return noValue{}, nil
	}
	if v, ok := s.parameters[name]; ok {
		return v, nil
	}
	switch s.kind(name) {
	case "":
		return nil, fmt.Errorf("there is no %s", name)
	case "AWS::SQS::Queue":
		queue, err := s.property(name, "QueueName")
		return s.values.queueURL(queue), err
	case "AWS::Lambda::EventSourceMapping":
		function, err := s.property(name, "FunctionName")
		return mappingID(function), err
	case "AWS::DynamoDB::Table", "AWS::Events::EventBus", "AWS::Logs::LogGroup", "AWS::Serverless::Function":
		return s.property(name, nameProperty[s.kind(name)])
	case "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Integration":
		return generated(name), nil
	}
	return nil, fmt.Errorf("!Ref to a %s is not evaluated", s.kind(name))
}

// nameProperty is the property that names a resource.
var nameProperty = map[string]string{
	"AWS::DynamoDB::Table":      "TableName",
	"AWS::Events::EventBus":     "Name",
	"AWS::Events::Rule":         "Name",
	"AWS::Logs::LogGroup":       "LogGroupName",
	"AWS::SQS::Queue":           "QueueName",
	"AWS::Serverless::Function": "FunctionName",
}

// attribute is what !GetAtt gives, as each resource type's page says.
func (s *stack) attribute(name, attribute string) (any, error) {
	kind := s.kind(name)
	own := ""
	if p := nameProperty[kind]; p != "" {
		var err error
		if own, err = s.property(name, p); err != nil {
			return nil, err
		}
	}
	v := s.values
	switch kind + "." + attribute {
	case "AWS::DynamoDB::Table.Arn":
		return v.arn("dynamodb", "table/"+own), nil
	case "AWS::DynamoDB::Table.StreamArn":
		return v.streamARN(own), nil
	case "AWS::Events::EventBus.Arn":
		return v.arn("events", "event-bus/"+own), nil
	case "AWS::Events::Rule.Arn":
		bus, err := s.property(name, "EventBusName")
		return v.arn("events", "rule/"+bus+"/"+own), err
	case "AWS::SQS::Queue.Arn":
		return v.arn("sqs", own), nil
	case "AWS::SQS::Queue.QueueName":
		return own, nil
	case "AWS::Logs::LogGroup.Arn":
		return v.arn("logs", "log-group:"+own+":*"), nil
	case "AWS::Serverless::Function.Arn":
		return v.arn("lambda", "function:"+own), nil
	case "AWS::IAM::Role.Arn":
		return "arn:" + v.Partition + ":iam::" + v.Account + ":role/" + name, nil
	}
	return nil, fmt.Errorf("!GetAtt %s.%s of a %q is not evaluated", name, attribute, kind)
}

// property is one text property of a resource.
func (s *stack) property(name, property string) (string, error) {
	parts, err := mapping(s.resources[name])
	if err != nil {
		return "", err
	}
	props, err := mapping(parts["Properties"])
	if err != nil {
		return "", err
	}
	if props[property] == nil {
		return "", fmt.Errorf("%s has no %s", name, property)
	}
	v, err := s.eval(props[property])
	if err != nil {
		return "", err
	}
	text, ok := v.(string)
	if !ok {
		return "", fmt.Errorf("%s.%s is no text", name, property)
	}
	return text, nil
}

package doctor

import (
	"encoding/json"
	"slices"
)

// Permissions is the policy of a role for the doctor, as JSON. It reads, and no
// item, message or event. Two of its actions are of no resource: TestEventPattern
// looks at none, and ListEventSourceMappings at no single one
// (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html).
func Permissions(name string, n Names) string {
	type statement struct {
		Sid      string
		Effect   string
		Action   []string
		Resource []string
	}
	allow := func(sid string, actions []string, prefix string, names ...string) statement {
		s := statement{Sid: sid, Effect: "Allow", Action: actions}
		for _, name := range names {
			s.Resource = append(s.Resource, prefix+name)
		}
		slices.Sort(s.Resource)
		s.Resource = slices.Compact(s.Resource)
		return s
	}
	policy := struct {
		Version   string
		Statement []statement
	}{"2012-10-17", []statement{
		allow("Tables", []string{"dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive", "dynamodb:DescribeContinuousBackups"},
			"arn:aws:dynamodb:*:*:table/", n.EventStore, n.DeadLetters),
		allow("Functions", []string{"lambda:GetFunctionConfiguration"}, "arn:aws:lambda:*:*:function:", n.Relay, n.Consumer),
		allow("Bus", []string{"events:DescribeEventBus"}, "arn:aws:events:*:*:event-bus/", n.Bus),
		allow("Rule", []string{"events:DescribeRule", "events:ListTargetsByRule"}, "arn:aws:events:*:*:rule/", n.Bus+"/"+n.Rule),
		// The dead-letter queues are known only from what is looked at.
		allow("Queues", []string{"sqs:GetQueueUrl", "sqs:GetQueueAttributes"}, "arn:aws:sqs:*:*:", n.Queue, name+"-*"),
		allow("OfNoResource", []string{"lambda:ListEventSourceMappings", "events:TestEventPattern"}, "", "*"),
	}}
	text, err := json.MarshalIndent(policy, "", "  ")
	if err != nil { // it is made of texts
		return ""
	}
	return string(text)
}

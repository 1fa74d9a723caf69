package doctor

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const aboutQueuePolicy = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sqs-permissions"

// maySend checks that the queue's policy and its encryption let the rule send
// to it.
func (in *inspection) maySend(check string, q *queue) {
	subject := "queue " + q.name
	text := q.attributes[string(types.QueueAttributeNamePolicy)]
	f := Finding{
		Check: check, Subject: subject, Found: orNone(text), Want: "sqs:SendMessage for events.amazonaws.com, from " + in.ruleARN, See: aboutQueuePolicy,
		Why:  "EventBridge may not send: the event goes to the dead-letter queue of the rule's target at once, or is dropped if there is none",
		Mend: fmt.Sprintf(`add a statement: Principal {"Service":"events.amazonaws.com"}, Action sqs:SendMessage, Resource %s, Condition {"ArnEquals":{"aws:SourceArn":%q}}`, q.arn, in.ruleARN),
	}
	switch allowed, why := allows(text, q.arn, in.ruleARN); allowed {
	case yes:
		in.report.verdict(true, Problem, f)
	case anyRule:
		f.Why = "every rule of every account may send to it"
		in.report.verdict(false, Warning, f)
	case unclear:
		in.report.unchecked(f, "the doctor cannot tell: "+why)
	default:
		in.report.verdict(false, Problem, f)
	}

	key := q.attributes[string(types.QueueAttributeNameKmsMasterKeyId)]
	if key == "" {
		return
	}
	f = Finding{
		Check: check + "-encryption", Subject: subject, Found: key, Want: "encryption by SQS, or a key of your own that EventBridge may use", See: aboutQueuePolicy,
		Why: "EventBridge cannot use the key that AWS manages for SQS, so it cannot send", Mend: "set SqsManagedSseEnabled",
	}
	if strings.HasSuffix(key, "alias/aws/sqs") {
		in.report.verdict(false, Problem, f)
		return
	}
	f.Mend = "read the key's policy"
	in.report.unchecked(f, "the policy of the key must allow events.amazonaws.com kms:Decrypt and kms:GenerateDataKey")
}

// verdictOfPolicy is what a policy says about the rule.
type verdictOfPolicy int

const (
	no verdictOfPolicy = iota
	yes
	anyRule
	unclear
)

type policyStatement struct {
	Effect    string
	Principal json.RawMessage
	Action    oneOrMore
	Resource  oneOrMore
	Condition map[string]map[string]oneOrMore
}

// oneOrMore is a text or a list of texts.
type oneOrMore []string

// UnmarshalJSON reads either form.
func (o *oneOrMore) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*o = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(o))
}

// has reports whether one of the patterns, with * and ? in them, matches.
func (o oneOrMore) has(s string) bool {
	return slices.ContainsFunc(o, func(pattern string) bool {
		// In IAM a star matches slashes too.
		ok, err := path.Match(strings.ReplaceAll(pattern, "/", "\x00"), strings.ReplaceAll(s, "/", "\x00"))
		return err == nil && ok
	})
}

// allows reads a queue's policy. It knows what the policies of such queues are
// made of; a statement with anything else makes the answer unclear.
func allows(text, queueARN, ruleARN string) (verdictOfPolicy, string) {
	if text == "" {
		return no, ""
	}
	var policy struct {
		Statement []policyStatement
	}
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		return unclear, err.Error()
	}
	best, why := no, ""
	for _, s := range policy.Statement {
		// SQS answers with SQS:SendMessage for what was written as sqs:SendMessage.
		action := slices.ContainsFunc(s.Action, func(a string) bool { return oneOrMore{strings.ToLower(a)}.has("sqs:sendmessage") })
		if !action || !s.Resource.has(queueARN) || !isEventBridge(s.Principal) {
			continue
		}
		if s.Effect == "Deny" {
			return unclear, "there is a statement that denies"
		}
		switch match, unknown := s.matches(ruleARN); {
		case unknown != "":
			if best == no {
				best, why = unclear, unknown
			}
		case match && len(s.Condition) > 0:
			return yes, ""
		case match:
			best = anyRule
		}
	}
	return best, why
}

// matches evaluates the conditions on the source.
func (s policyStatement) matches(ruleARN string) (match bool, unknown string) {
	for operator, keys := range s.Condition {
		for key, values := range keys {
			lower := strings.ToLower(key)
			switch {
			case lower == "aws:sourcearn" && slices.Contains([]string{"ArnEquals", "ArnLike", "StringEquals", "StringLike"}, operator):
				if ruleARN == "" {
					return false, "the ARN of the rule is not known"
				}
				if !values.has(ruleARN) {
					return false, ""
				}
			case lower == "aws:sourceaccount" && (operator == "StringEquals" || operator == "StringLike"):
				if parts := strings.Split(ruleARN, ":"); len(parts) < 6 || !values.has(parts[4]) {
					return false, ""
				}
			default:
				return false, "condition " + operator + " on " + key
			}
		}
	}
	return true, ""
}

func isEventBridge(principal json.RawMessage) bool {
	var all string
	if json.Unmarshal(principal, &all) == nil {
		return all == "*"
	}
	var kinds map[string]oneOrMore
	if json.Unmarshal(principal, &kinds) != nil {
		return false
	}
	return slices.Contains(kinds["Service"], "events.amazonaws.com") || slices.Contains(kinds["AWS"], "*")
}

// Package advice says what to do about an error of AWS: which action is missing on
// which resource, what does not exist and by which flag it is named.
package advice

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/recovery"
)

// Advice is what to do about an error.
type Advice struct {
	Text          string // "" if there is nothing to say
	Configuration bool   // a name, a permission, credentials: to be mended before another try
}

// Of returns what to do about err.
func Of(err error) Advice {
	var api smithy.APIError
	if errors.As(err, &api) {
		return ofAPI(err, api)
	}
	text := err.Error()
	switch {
	case errors.Is(err, context.Canceled):
		return Advice{}
	case errors.Is(err, recovery.ErrLayout):
		return Advice{"an event's item has an attribute \"event\" with \"headers\" and \"payload\" in it, beside its key; --layout and --marker say what is different in this table, --event-store which table it is", true}
	case errors.Is(err, relay.ErrReplayStopped) && strings.Contains(text, "AccessDenied"):
		return Advice{"the permission events:PutEvents on the bus is missing", true}
	case errors.Is(err, relay.ErrReplayStopped):
		return Advice{"the bus takes nothing for now; when that is mended, run it again, with --resume if it has a --cursor", false}
	case strings.Contains(text, "get credentials") || strings.Contains(text, "failed to refresh cached credentials"):
		return Advice{"there are no credentials: set AWS_PROFILE, log in (aws sso login), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", true}
	case strings.Contains(text, "no such host") || strings.Contains(text, "connection refused"):
		return Advice{"nothing answers there: look at --region, and at AWS_ENDPOINT_URL_* if one is set", true}
	}
	return Advice{}
}

func ofAPI(err error, api smithy.APIError) Advice {
	switch api.ErrorCode() {
	case "AccessDeniedException", "AccessDenied", "AccessDeniedFault", "UnauthorizedOperation", "NotAuthorized":
		return Advice{denied(err, api), true}
	case "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "ExpiredTokenException", "ExpiredToken", "InvalidAccessKeyId":
		return Advice{"the credentials are not valid, or no longer: log in again, and look at AWS_PROFILE", true}
	case "ResourceNotFoundException", "TableNotFoundException":
		return Advice{absent(operation(err)), true}
	case "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "NoSuchBucket", "NoSuchKey":
		return Advice{"there is nothing of that name in this region and account", true}
	case "TrimmedDataAccessException":
		return Advice{"the stream has forgotten these records (it keeps them for 24 hours): take them from the event store, replay --from … --to … --missing", false}
	case "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded":
		return Advice{"the table gives no more reads for now: set --read-units lower, and go on with --resume", false}
	}
	return Advice{}
}

// The message of AWS: "User: arn:… is not authorized to perform: dynamodb:Scan on
// resource: arn:… because …".
var notAuthorized = regexp.MustCompile(`not authorized to perform: ([A-Za-z0-9-]+:[A-Za-z0-9]+)(?: on resource: (\S+))?`)

func denied(err error, api smithy.APIError) string {
	action, resource := operation(err), ""
	if m := notAuthorized.FindStringSubmatch(api.ErrorMessage()); m != nil {
		action, resource = m[1], m[2]
	}
	if action == "" {
		return "a permission is missing"
	}
	if resource == "" {
		return "the permission " + action + " is missing"
	}
	return fmt.Sprintf("the permission %s on %s is missing", action, resource)
}

// operation is the action as a policy names it, "" if the error does not say.
func operation(err error) string {
	var op *smithy.OperationError
	if !errors.As(err, &op) {
		return ""
	}
	prefix := map[string]string{"DynamoDB": "dynamodb", "DynamoDB Streams": "dynamodb", "EventBridge": "events", "SQS": "sqs", "S3": "s3", "STS": "sts", "Lambda": "lambda"}[op.Service()]
	if prefix == "" {
		prefix = strings.ToLower(op.Service())
	}
	return prefix + ":" + op.Operation()
}

func absent(action string) string {
	if strings.HasPrefix(action, "events:") {
		return "there is no such bus in this region and account: look at --bus, --to-bus and --region"
	}
	return "it does not exist in this region and account: look at the names (--event-store, --journal, --dead-letters, --receipts; where a deployment has no journal or no table of dead letters: none) and at --region"
}

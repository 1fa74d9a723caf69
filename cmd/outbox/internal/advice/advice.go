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
)

// Of returns what to do about err, "" if there is nothing to say.
func Of(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return ofAPI(err, api)
	}
	text := err.Error()
	switch {
	case errors.Is(err, context.Canceled):
		return ""
	case strings.Contains(text, "get credentials") || strings.Contains(text, "failed to refresh cached credentials"):
		return "there are no credentials: set AWS_PROFILE, log in (aws sso login), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
	case strings.Contains(text, "no such host") || strings.Contains(text, "connection refused"):
		return "nothing answers there: look at --region, and at AWS_ENDPOINT_URL_* if one is set"
	}
	return ""
}

func ofAPI(err error, api smithy.APIError) string {
	switch api.ErrorCode() {
	case "AccessDeniedException", "AccessDenied", "AccessDeniedFault", "UnauthorizedOperation", "NotAuthorized":
		return denied(err, api)
	case "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "ExpiredTokenException", "ExpiredToken", "InvalidAccessKeyId":
		return "the credentials are not valid, or no longer: log in again, and look at AWS_PROFILE"
	case "ResourceNotFoundException", "TableNotFoundException":
		return absent(operation(err))
	case "TrimmedDataAccessException":
		return "the stream has forgotten these records (it keeps them for 24 hours): take them from the event store, replay --from … --to … --missing"
	case "PointInTimeRecoveryUnavailableException":
		return "point-in-time recovery is off: aws dynamodb update-continuous-backups --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
	case "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded":
		return "the table gives no more reads for now: set --read-units lower, and go on with --resume"
	case "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue":
		return "there is no such queue in this region and account"
	}
	return ""
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
	return "it does not exist in this region and account: look at the names (--event-store, --journal, --dead-letters, --receipts) and at --region"
}

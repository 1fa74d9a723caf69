package advice_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/advice"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/recovery"
)

func api(service, operation, code, message string) error {
	return fmt.Errorf("replay: %w", &smithy.OperationError{ServiceID: service, OperationName: operation, Err: &smithy.GenericAPIError{Code: code, Message: message}})
}

func TestAdvice(t *testing.T) {
	for _, tt := range []struct {
		err  error
		says string
	}{
		{
			api("DynamoDB", "Scan", "AccessDeniedException", "User: arn:aws:iam::1:user/ada is not authorized to perform: dynamodb:Scan on resource: arn:aws:dynamodb:eu-west-1:1:table/events because no identity-based policy allows the dynamodb:Scan action"),
			"the permission dynamodb:Scan on arn:aws:dynamodb:eu-west-1:1:table/events is missing",
		},
		{api("EventBridge", "PutEvents", "AccessDeniedException", "no"), "the permission events:PutEvents is missing"},
		{api("DynamoDB Streams", "GetRecords", "AccessDeniedException", ""), "the permission dynamodb:GetRecords is missing"},
		{api("DynamoDB", "Query", "ResourceNotFoundException", ""), "--journal"},
		{api("EventBridge", "DescribeEventBus", "ResourceNotFoundException", ""), "--to-bus"},
		{api("DynamoDB Streams", "GetShardIterator", "TrimmedDataAccessException", ""), "the stream has forgotten"},
		{api("DynamoDB", "Scan", "ExpiredTokenException", ""), "log in again"},
		{api("DynamoDB", "Scan", "ThrottlingException", ""), "--read-units"},
		{fmt.Errorf("replay: table users %w: its items have no attribute", recovery.ErrLayout), "--layout and --marker"},
		{fmt.Errorf("%w: nothing is accepted: AccessDeniedException", relay.ErrReplayStopped), "events:PutEvents"},
		{fmt.Errorf("%w: nothing is accepted: InternalFailure", relay.ErrReplayStopped), "--resume"},
		{errors.New("dial tcp: lookup dynamodb.eu-wets-1.amazonaws.com: no such host"), "--region"},
		{errors.New("get identity: get credentials: failed to refresh cached credentials"), "AWS_PROFILE"},
	} {
		require.Contains(t, advice.Of(tt.err).Text, tt.says)
	}
	require.Equal(t, advice.Advice{}, advice.Of(errors.New("a cursor of another question")))
	require.Equal(t, advice.Advice{}, advice.Of(api("DynamoDB", "Scan", "ValidationException", "")))
}

package transact_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/examples/internal/transact"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// scripted answers the calls in order, and success after that.
type scripted struct {
	errs   []error
	inputs []*dynamodb.TransactWriteItemsInput
}

func (s *scripted) TransactWriteItems(_ context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	s.inputs = append(s.inputs, in)
	if n := len(s.inputs); n <= len(s.errs) {
		return nil, s.errs[n-1]
	}
	return &dynamodb.TransactWriteItemsOutput{}, nil
}

func cancelled(codes ...string) error {
	e := &types.TransactionCanceledException{}
	for _, code := range codes {
		e.CancellationReasons = append(e.CancellationReasons, types.CancellationReason{Code: aws.String(code)})
	}
	return e
}

func repeat(err error, n int) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}

func TestCommit(t *testing.T) {
	denied := &smithy.GenericAPIError{Code: "AccessDeniedException", Fault: smithy.FaultClient}
	throttled := &retry.MaxAttemptsError{Attempt: 3, Err: &types.ProvisionedThroughputExceededException{}}
	for name, tt := range map[string]struct {
		errs    []error
		calls   int
		fails   bool
		refused bool
		unsure  bool // it may have committed
	}{
		"success":                         {nil, 1, false, false, false},
		"a conflict, then success":        {repeat(cancelled("TransactionConflict", "None"), 1), 2, false, false, false},
		"throttled reasons, then success": {repeat(cancelled("ThrottlingError", "None"), 3), 4, false, false, false},
		"a conflict without end":          {repeat(cancelled("TransactionConflict", "None"), 100), 6, true, false, true},
		"a condition is not met":          {repeat(cancelled("ConditionalCheckFailed", "None"), 100), 1, true, true, false},
		"a condition and a conflict":      {append(repeat(cancelled("ConditionalCheckFailed", "TransactionConflict"), 1), repeat(cancelled("ConditionalCheckFailed", "None"), 9)...), 2, true, true, false},
		"what the SDK has retried":        {repeat(throttled, 100), 1, true, false, true},
		"access denied":                   {repeat(denied, 9), 1, true, false, false},
		"a conflict, then access denied":  {append(repeat(cancelled("TransactionConflict", "None"), 1), denied), 2, true, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, err := outbox.NewWriter("event-store", func(o *outbox.Options) { o.Source = "test" })
				require.NoError(t, err)
				ev, err := envelope.New(t.Context(), "User.Created", nil)
				require.NoError(t, err)
				in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: &types.Put{
					TableName: aws.String("users"), Item: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "u"}},
				}}}}
				require.NoError(t, w.Append(in, ev))

				db, start := &scripted{errs: tt.errs}, time.Now()
				err = transact.Commit(t.Context(), db, in, w.Explain)
				require.Equal(t, tt.fails, err != nil, "%v", err)
				require.Equal(t, tt.refused, transact.Refused(err, 0) != nil)
				require.Nil(t, transact.Refused(err, 1))
				var failed *outbox.CommitError
				require.Equal(t, tt.unsure, errors.As(err, &failed) && failed.Outcome == outbox.Unknown, "%v", err)
				require.Len(t, db.inputs, tt.calls)
				for _, again := range db.inputs {
					require.Same(t, in, again, "one input, so one token")
				}
				require.Less(t, time.Since(start), 2*time.Second)
			})
		})
	}
}

func TestCommitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		db := &scripted{errs: repeat(cancelled("TransactionConflict"), 100)}
		explained := 0
		err := transact.Commit(ctx, db, nil, func(_ *dynamodb.TransactWriteItemsInput, err error) error {
			explained++
			return &outbox.CommitError{Retryable: true, Err: err}
		})
		require.True(t, errors.As(err, new(*outbox.CommitError)))
		require.LessOrEqual(t, explained, 2, "at most the first pause was zero")
	})
}

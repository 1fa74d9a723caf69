package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// cancelled is the SDK's error for a transaction that was cancelled for reasons.
func cancelled(reasons ...types.CancellationReason) error {
	return &smithy.OperationError{ServiceID: "DynamoDB", OperationName: "TransactWriteItems",
		Err: &types.TransactionCanceledException{CancellationReasons: reasons}}
}

func reason(code string) types.CancellationReason {
	return types.CancellationReason{Code: aws.String(code)}
}

func old(code string, item map[string]types.AttributeValue) types.CancellationReason {
	return types.CancellationReason{Code: aws.String(code), Message: aws.String("refused"), Item: item}
}

// stored is the item of a put as DynamoDB may give it back: numbers spelled
// otherwise, and attributes beside the event changed since.
func stored(put *types.Put, change func(event map[string]types.AttributeValue)) map[string]types.AttributeValue {
	event := map[string]types.AttributeValue{}
	for k, v := range put.Item["event"].(*types.AttributeValueMemberM).Value {
		event[k] = v
	}
	if change != nil {
		change(event)
	}
	return map[string]types.AttributeValue{
		"pk": put.Item["pk"], "sk": put.Item["sk"], "event": m(event), "ttl": n("1"), "mark": s("relayed"),
	}
}

func TestExplainCancellations(t *testing.T) {
	const none, cond, conflict = "None", "ConditionalCheckFailed", "TransactionConflict"
	w := newWriter(t)
	in := signup("u1")
	require.NoError(t, w.Append(in, event(t, "e1", map[string]any{"n": 1.5}), event(t, "e2", 2)))
	e1, e2 := in.TransactItems[1].Put, in.TransactItems[2].Put
	same1 := old(cond, stored(e1, func(ev map[string]types.AttributeValue) {
		ev["payload"] = m(map[string]types.AttributeValue{"n": n("1.50")})
	}))
	same2 := old(cond, stored(e2, nil))
	other2 := old(cond, stored(e2, func(ev map[string]types.AttributeValue) { ev["payload"] = n("3") }))

	cases := map[string]struct {
		reasons   []types.CancellationReason
		committed bool
		outcome   outbox.Outcome
		retryable bool
		is        error
		refused   []int // the indexes that are reported
	}{
		"both events there":              {reasons: []types.CancellationReason{reason(none), same1, same2}, committed: true},
		"both there and caller refused":  {reasons: []types.CancellationReason{reason(cond), same1, same2}, committed: true},
		"both there, caller in conflict": {reasons: []types.CancellationReason{reason(conflict), same1, same2}, committed: true},
		"caller refused":                 {reasons: []types.CancellationReason{reason(cond), reason(none), reason(none)}, outcome: outbox.NotCommitted, refused: []int{0}},
		"one event there, one not":       {reasons: []types.CancellationReason{reason(none), same1, reason(none)}, outcome: outbox.Unknown, refused: []int{1}},
		"other content":                  {reasons: []types.CancellationReason{reason(none), reason(none), other2}, outcome: outbox.NotCommitted, is: outbox.ErrEventExists, refused: []int{2}},
		"other content beside a conflict": {reasons: []types.CancellationReason{reason(conflict), reason(none), other2}, outcome: outbox.NotCommitted,
			is: outbox.ErrEventExists, refused: []int{0, 2}},
		"old item not returned":       {reasons: []types.CancellationReason{reason(none), old(cond, nil), old(cond, nil)}, outcome: outbox.Unknown, refused: []int{1, 2}},
		"conflict on caller's":        {reasons: []types.CancellationReason{reason(conflict), reason(none), reason(none)}, outcome: outbox.Unknown, retryable: true, refused: []int{0}},
		"conflict on event":           {reasons: []types.CancellationReason{reason(cond), reason(conflict), reason(none)}, outcome: outbox.Unknown, retryable: true, refused: []int{0, 1}},
		"throttled":                   {reasons: []types.CancellationReason{reason("ThrottlingError"), reason(none), reason(none)}, outcome: outbox.NotCommitted, retryable: true, refused: []int{0}},
		"throughput":                  {reasons: []types.CancellationReason{reason("ProvisionedThroughputExceeded"), reason(none), reason(none)}, outcome: outbox.NotCommitted, retryable: true, refused: []int{0}},
		"throttled on event":          {reasons: []types.CancellationReason{reason(none), reason("ThrottlingError"), reason(none)}, outcome: outbox.Unknown, retryable: true, refused: []int{1}},
		"throttled beside a refusal":  {reasons: []types.CancellationReason{reason(cond), reason("ThrottlingError"), reason(none)}, outcome: outbox.Unknown, retryable: true, refused: []int{0, 1}},
		"refused and throttled":       {reasons: []types.CancellationReason{old(cond, nil), reason(none), reason(none)}, outcome: outbox.NotCommitted, refused: []int{0}},
		"validation":                  {reasons: []types.CancellationReason{reason("ValidationError"), reason(none), reason(none)}, outcome: outbox.NotCommitted, refused: []int{0}},
		"collection limit":            {reasons: []types.CancellationReason{reason("ItemCollectionSizeLimitExceeded"), reason(none), reason(none)}, outcome: outbox.NotCommitted, refused: []int{0}},
		"code of tomorrow":            {reasons: []types.CancellationReason{reason("SolarFlare"), reason(none), reason(none)}, outcome: outbox.Unknown, refused: []int{0}},
		"code missing":                {reasons: []types.CancellationReason{{}, reason(cond), reason(none)}, outcome: outbox.Unknown, refused: []int{1}},
		"fewer reasons than actions":  {reasons: []types.CancellationReason{reason(cond)}, outcome: outbox.Unknown},
		"no reasons at all":           {outcome: outbox.Unknown},
		"events there, code not None": {reasons: []types.CancellationReason{reason(none), same1, reason(conflict)}, outcome: outbox.Unknown, retryable: true, refused: []int{1, 2}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			sdk := cancelled(c.reasons...)
			err := w.Explain(in, sdk)
			if c.committed {
				require.NoError(t, err)
				return
			}
			var e *outbox.CommitError
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.outcome, e.Outcome)
			require.Equal(t, c.retryable, e.Retryable)
			if c.is != nil {
				require.ErrorIs(t, err, c.is)
			}
			var indexes []int
			for _, r := range e.Reasons {
				indexes = append(indexes, r.Index)
				require.Equal(t, *in.TransactItems[r.Index].Put.TableName, r.Table)
				require.Equal(t, []string{"", "e1", "e2"}[r.Index], r.EventID)
				require.Equal(t, c.reasons[r.Index].Item, r.Item)
			}
			require.Equal(t, c.refused, indexes)
			var theirs *types.TransactionCanceledException
			require.ErrorAs(t, err, &theirs, "the SDK's own error stays in reach")
			require.ErrorIs(t, err, sdk)
			require.Equal(t, err.Error(), w.Explain(in, err).Error(), "explaining twice changes nothing")
		})
	}
}

func TestExplainSequenceTaken(t *testing.T) {
	w := newWriter(t, func(o *outbox.Options) { o.Layout = envelope.AggregateLayout() })
	sequenced := func(id string) *types.Put {
		in := signup("u1")
		require.NoError(t, w.Append(in, event(t, id, 1, func(h *envelope.Headers) { h.AggregateID, h.Sequence = "user-1", 3 })))
		return in.TransactItems[1].Put
	}
	mine, theirs := sequenced("mine"), sequenced("theirs")
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: mine}}}
	err := w.Explain(in, cancelled(old("ConditionalCheckFailed", theirs.Item)))
	require.ErrorIs(t, err, outbox.ErrSequenceTaken)
	require.NotErrorIs(t, err, outbox.ErrEventExists)
	require.ErrorContains(t, err, "mine")
	require.NoError(t, w.Explain(in, cancelled(old("ConditionalCheckFailed", mine.Item))))
}

func TestExplainRequestErrors(t *testing.T) {
	api := func(code string, fault smithy.ErrorFault) error {
		return &smithy.GenericAPIError{Code: code, Fault: fault}
	}
	status := func(code int, err error) error {
		return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: code}}, Err: err}
	}
	attempted := func(n int, err error) error {
		header := http.Header{"Amz-Sdk-Request": {fmt.Sprintf("attempt=%d; max=3", n)}}
		return &smithyhttp.ResponseError{Err: err, Response: &smithyhttp.Response{Response: &http.Response{
			StatusCode: http.StatusBadRequest, Request: &http.Request{Header: header},
		}}}
	}
	cases := map[string]struct {
		err       error
		outcome   outbox.Outcome
		retryable bool
	}{
		"mismatch":                {&types.IdempotentParameterMismatchException{}, outbox.Unknown, false},
		"in progress":             {&types.TransactionInProgressException{}, outbox.Unknown, true},
		"conflict":                {&types.TransactionConflictException{}, outbox.Unknown, true},
		"replicated conflict":     {&types.ReplicatedWriteConflictException{}, outbox.Unknown, true},
		"throttled once":          {&types.ThrottlingException{}, outbox.NotCommitted, true},
		"throughput once":         {&types.ProvisionedThroughputExceededException{}, outbox.NotCommitted, true},
		"throttled after others":  {&retry.MaxAttemptsError{Attempt: 4, Err: &types.ProvisionedThroughputExceededException{}}, outbox.Unknown, true},
		"throttled at once":       {attempted(1, &types.ThrottlingException{}), outbox.NotCommitted, true},
		"throttled, no patience":  {attempted(2, errors.Join(&types.ThrottlingException{}, ratelimit.QuotaExceededError{})), outbox.Unknown, true},
		"denied at once":          {attempted(1, api("AccessDeniedException", smithy.FaultClient)), outbox.NotCommitted, false},
		"denied after others":     {attempted(2, api("AccessDeniedException", smithy.FaultClient)), outbox.Unknown, false},
		"put refused, no item":    {&types.ConditionalCheckFailedException{}, outbox.Unknown, false},
		"response without HTTP":   {&smithyhttp.ResponseError{Err: api("ValidationException", smithy.FaultClient)}, outbox.NotCommitted, false},
		"neither code nor HTTP":   {&smithyhttp.ResponseError{Err: api("", smithy.FaultUnknown)}, outbox.Unknown, false},
		"server fault":            {api("InternalServerError", smithy.FaultServer), outbox.Unknown, true},
		"503 with unknown code":   {status(503, api("UnknownError", smithy.FaultUnknown)), outbox.Unknown, true},
		"validation":              {api("ValidationException", smithy.FaultClient), outbox.NotCommitted, false},
		"no table":                {&types.ResourceNotFoundException{}, outbox.NotCommitted, false},
		"access denied":           {api("AccessDeniedException", smithy.FaultClient), outbox.NotCommitted, false},
		"expired token":           {api("ExpiredTokenException", smithy.FaultClient), outbox.Unknown, false},
		"deadline":                {context.DeadlineExceeded, outbox.Unknown, true},
		"cancelled context":       {&aws.RequestCanceledError{Err: context.Canceled}, outbox.Unknown, true},
		"connection cut":          {&net.OpError{Op: "read", Err: errors.New("connection reset")}, outbox.Unknown, true},
		"parameters":              {smithy.InvalidParamsError{}, outbox.NotCommitted, false},
		"not serialized":          {&smithy.SerializationError{Err: errors.New("x")}, outbox.NotCommitted, false},
		"answer not deserialized": {&smithy.DeserializationError{Err: errors.New("x")}, outbox.Unknown, true},
	}
	w := newWriter(t)
	in := signup("u1")
	require.NoError(t, w.Append(in, event(t, "e1", 1)))
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			sdk := fmt.Errorf("my repository: %w", &smithy.OperationError{Err: c.err})
			err := w.Explain(in, sdk)
			var e *outbox.CommitError
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.outcome, e.Outcome, e.Outcome.String())
			require.Equal(t, c.retryable, e.Retryable)
			require.Empty(t, e.Reasons)
			require.ErrorIs(t, err, sdk)
		})
	}
	require.NoError(t, w.Explain(in, nil))
	require.NoError(t, w.ExplainPut(nil, nil))
}

// The text alone is enough for a person, and stays short.
func TestCommitErrorText(t *testing.T) {
	w := newWriter(t)
	in := signup("u1")
	require.NoError(t, w.Append(in, event(t, "e1", 1)))
	invalid := old("ValidationError", nil)
	invalid.Message = aws.String("An operand in the update expression has an incorrect data type")
	err := w.Explain(in, cancelled(invalid, reason("None")))
	require.EqualError(t, err, `outbox: transaction: not committed: TransactItems[0] (table "users", the caller's own item): `+
		`ValidationError: An operand in the update expression has an incorrect data type`)
	err = w.Explain(in, cancelled(old("ConditionalCheckFailed", nil), old("TransactionConflict", nil)))
	require.EqualError(t, err, `outbox: transaction: outcome unknown, may be sent again: TransactItems[0] (table "users", the caller's own item): `+
		`ConditionalCheckFailed: TransactItems[1] (table "event-store", event "e1" ("User.Created")): TransactionConflict: refused`)
}

func TestExplainPut(t *testing.T) {
	w := newWriter(t)
	in, err := w.PutItem(event(t, "e1", 1))
	require.NoError(t, err)
	require.NoError(t, w.ExplainPut(in, &types.ConditionalCheckFailedException{Item: in.Item}))

	other, err := w.PutItem(event(t, "e1", 2))
	require.NoError(t, err)
	err = w.ExplainPut(in, &types.ConditionalCheckFailedException{Item: other.Item})
	require.ErrorIs(t, err, outbox.ErrEventExists)
	var e *outbox.CommitError
	require.ErrorAs(t, err, &e)
	require.Equal(t, outbox.NotCommitted, e.Outcome)

	require.ErrorAs(t, w.ExplainPut(in, &types.ProvisionedThroughputExceededException{}), &e)
	require.True(t, e.Retryable)
}

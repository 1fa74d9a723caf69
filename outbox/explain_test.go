package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"testing"
	"time"

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

const (
	none, cond, conflict = "None", "ConditionalCheckFailed", "TransactionConflict"
	throttled, invalid   = "ThrottlingError", "ValidationError"
)

// cancelled is the SDK's error for a transaction that was cancelled for reasons.
func cancelled(reasons ...types.CancellationReason) error {
	return &smithy.OperationError{ServiceID: "DynamoDB", OperationName: "TransactWriteItems",
		Err: &types.TransactionCanceledException{CancellationReasons: reasons}}
}

func reason(code string) types.CancellationReason {
	return types.CancellationReason{Code: aws.String(code)}
}

// codes is the SDK's error for a transaction whose actions have these reasons.
func codes(codes ...string) error {
	reasons := make([]types.CancellationReason, len(codes))
	for i, code := range codes {
		reasons[i] = reason(code)
	}
	return cancelled(reasons...)
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
	w := newWriter(t)
	in := signup("u1")
	require.NoError(t, w.Append(in, event(t, "e1", map[string]any{"n": 1.5}), event(t, "e2", 2)))
	e1, e2 := in.TransactItems[1].Put, in.TransactItems[2].Put
	same1 := old(cond, stored(e1, func(ev map[string]types.AttributeValue) {
		ev["payload"] = m(map[string]types.AttributeValue{"n": n("1.50")})
	}))
	same2 := old(cond, stored(e2, nil))
	other2 := old(cond, stored(e2, func(ev map[string]types.AttributeValue) { ev["payload"] = n("3") }))
	another2 := old(cond, stored(e2, func(ev map[string]types.AttributeValue) { ev["headers"] = m(item{"eventId": s("e3")}) }))
	blank2 := old(cond, item{"pk": e2.Item["pk"], "sk": e2.Item["sk"], "total": n("7")})

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
		"other content":                  {reasons: []types.CancellationReason{reason(none), reason(none), other2}, outcome: outbox.Unknown, is: outbox.ErrEventExists, refused: []int{2}},
		"other content beside a conflict": {reasons: []types.CancellationReason{reason(conflict), reason(none), other2}, outcome: outbox.Unknown,
			is: outbox.ErrEventExists, refused: []int{0, 2}},
		"another event there": {reasons: []types.CancellationReason{reason(none), reason(none), another2}, outcome: outbox.NotCommitted, is: outbox.ErrEventExists, refused: []int{2}},
		"another event there, caller in conflict": {reasons: []types.CancellationReason{reason(conflict), reason(none), another2}, outcome: outbox.NotCommitted,
			is: outbox.ErrEventExists, refused: []int{0, 2}},
		"one event there, another at the other's key": {reasons: []types.CancellationReason{reason(none), same1, another2}, outcome: outbox.Unknown,
			is: outbox.ErrEventExists, refused: []int{1, 2}},
		"an item that shows no event": {reasons: []types.CancellationReason{reason(none), reason(none), blank2}, outcome: outbox.Unknown, is: outbox.ErrEventExists, refused: []int{2}},

		// An event whose own Put was refused unseen is in doubt, whatever else was refused.
		"validation, event in conflict":       {reasons: []types.CancellationReason{reason("ValidationError"), reason(conflict), reason(none)}, outcome: outbox.Unknown, retryable: true, refused: []int{0, 1}},
		"validation, event throttled":         {reasons: []types.CancellationReason{reason("ValidationError"), reason("ThrottlingError"), reason(none)}, outcome: outbox.Unknown, retryable: true, refused: []int{0, 1}},
		"validation, event over capacity":     {reasons: []types.CancellationReason{reason("ValidationError"), reason(none), reason("ProvisionedThroughputExceeded")}, outcome: outbox.Unknown, retryable: true, refused: []int{0, 2}},
		"validation, event's code unknown":    {reasons: []types.CancellationReason{reason("ValidationError"), reason("SolarFlare"), reason(none)}, outcome: outbox.Unknown, refused: []int{0, 1}},
		"validation, event's item not shown":  {reasons: []types.CancellationReason{reason("ValidationError"), old(cond, nil), reason(none)}, outcome: outbox.Unknown, refused: []int{0, 1}},
		"validation of the event":             {reasons: []types.CancellationReason{reason(none), reason("ValidationError"), reason(none)}, outcome: outbox.Unknown, refused: []int{1}},
		"collection limit, event in conflict": {reasons: []types.CancellationReason{reason("ItemCollectionSizeLimitExceeded"), reason(conflict), reason(none)}, outcome: outbox.Unknown, retryable: true, refused: []int{0, 1}},
		"another event there, the other in conflict": {reasons: []types.CancellationReason{reason(none), reason(conflict), another2}, outcome: outbox.Unknown,
			is: outbox.ErrEventExists, refused: []int{1, 2}},
		"another event there, the other's item not shown": {reasons: []types.CancellationReason{reason(none), old(cond, nil), another2}, outcome: outbox.Unknown,
			is: outbox.ErrEventExists, refused: []int{1, 2}},
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

// Two actions of the caller's beside an event that was looked at and is not there.
func TestExplainTwoRefusalsOfTheCallers(t *testing.T) {
	w := newWriter(t)
	in := signup("u1")
	in.TransactItems = append(in.TransactItems, signup("u2").TransactItems...)
	require.NoError(t, w.Append(in, event(t, "e1", 1)))
	for name, c := range map[string]struct {
		first, second string
		outcome       outbox.Outcome
		retryable     bool
	}{
		"condition and throttling":   {cond, throttled, outbox.NotCommitted, false},
		"validation and throttling":  {invalid, throttled, outbox.NotCommitted, false},
		"throttling twice":           {throttled, throttled, outbox.NotCommitted, true},
		"validation and conflict":    {invalid, conflict, outbox.NotCommitted, false},
		"condition and conflict":     {cond, conflict, outbox.Unknown, true},
		"throttling and conflict":    {throttled, conflict, outbox.Unknown, true},
		"a new code and throttling":  {"SolarFlare", throttled, outbox.Unknown, true},
		"a new code and a condition": {"SolarFlare", cond, outbox.Unknown, false},
	} {
		t.Run(name, func(t *testing.T) {
			var e *outbox.CommitError
			require.ErrorAs(t, w.Explain(in, codes(c.first, c.second, none)), &e)
			require.Equal(t, c.outcome, e.Outcome)
			require.Equal(t, c.retryable, e.Retryable)
		})
	}
}

// A deploy lies between two attempts: the writer of the second has other options.
func TestExplainOfAnotherWriter(t *testing.T) {
	ev := event(t, "e1", map[string]any{"n": 1.5, "list": []any{"x", nil, true}})
	for name, options := range map[string]func(*outbox.Options){
		"source":     func(o *outbox.Options) { o.Source = "accountService" },
		"region":     func(o *outbox.Options) { o.Region = "eu-central-1" },
		"text":       func(o *outbox.Options) { o.PayloadAsText = true },
		"TTL":        func(o *outbox.Options) { o.TTL = 48 * time.Hour },
		"marker":     func(o *outbox.Options) { o.Layout.Marker = "_outbox" },
		"attributes": func(o *outbox.Options) { o.Layout.Attributes = map[string]string{"kind": "Event"} },
		"place":      func(o *outbox.Options) { o.Layout.Event = "Event" },
	} {
		t.Run(name, func(t *testing.T) {
			for _, writers := range [][2]*outbox.Writer{{newWriter(t), newWriter(t, options)}, {newWriter(t, options), newWriter(t)}} {
				first, second := signup("u1"), signup("u1")
				require.NoError(t, writers[0].Append(first, ev))
				require.NoError(t, writers[1].Append(second, ev))
				there := old("ConditionalCheckFailed", first.TransactItems[1].Put.Item)
				require.NoError(t, writers[1].Explain(second, cancelled(reason("None"), there)))

				// a payload that is another one, in the other form
				changed := ev
				changed.Payload = []byte(`{"n":1.5,"list":["x",null,false]}`)
				second = signup("u1")
				require.NoError(t, writers[1].Append(second, changed))
				err := writers[1].Explain(second, cancelled(reason("None"), there))
				var e *outbox.CommitError
				require.ErrorAs(t, err, &e)
				require.Equal(t, outbox.Unknown, e.Outcome)
				require.ErrorContains(t, err, "the same eventId, but another payload")
			}
		})
	}
}

// What stands at the event's key may be anything: nothing of it is a panic, or
// proof.
func TestExplainHostileItems(t *testing.T) {
	w := newWriter(t)
	in := signup("u1")
	require.NoError(t, w.Append(in, event(t, "e1", map[string]any{"n": 1})))
	put := in.TransactItems[1].Put
	headers := put.Item["event"].(*types.AttributeValueMemberM).Value["headers"]
	for name, payload := range map[string]types.AttributeValue{
		"missing":               nil,
		"nil S":                 (*types.AttributeValueMemberS)(nil),
		"nil M":                 (*types.AttributeValueMemberM)(nil),
		"nil in a map":          m(item{"n": nil}),
		"nil N in a map":        m(item{"n": (*types.AttributeValueMemberN)(nil)}),
		"set":                   m(item{"n": &types.AttributeValueMemberSS{Value: []string{"1"}}}),
		"kind of tomorrow":      m(item{"n": &types.UnknownUnionMember{Tag: "Z"}}),
		"text that is no JSON":  s(`{"n":1`),
		"text with more behind": s(`{"n":1} {"n":1}`),
		"number as text":        s(`{"n":"1"}`),
		"number in a list":      &types.AttributeValueMemberL{Value: []types.AttributeValue{n("1")}},
		"number too large":      s(`{"n":1e999999999999}`),
	} {
		t.Run(name, func(t *testing.T) {
			there := item{"pk": put.Item["pk"], "sk": put.Item["sk"], "event": m(item{"headers": headers, "payload": payload})}
			var e *outbox.CommitError
			require.ErrorAs(t, w.Explain(in, cancelled(reason("None"), old("ConditionalCheckFailed", there))), &e)
			require.Equal(t, outbox.Unknown, e.Outcome)
			require.ErrorIs(t, e, outbox.ErrEventExists)
		})
	}
	more := item{"event": m(item{"headers": headers, "payload": m(item{"n": n("1")}), "more": s("x")})}
	require.ErrorContains(t, w.Explain(in, cancelled(reason("None"), old("ConditionalCheckFailed", more))), "another event.more")
	renamed := maps.Clone(headers.(*types.AttributeValueMemberM).Value)
	renamed["eventName"] = s("User.Renamed")
	more = item{"event": m(item{"headers": m(renamed), "payload": m(item{"n": n("1")})})}
	require.ErrorContains(t, w.Explain(in, cancelled(reason("None"), old("ConditionalCheckFailed", more))), "another headers.eventName")
	there := item{"event": m(item{"headers": headers, "payload": s(` { "n" : 10e-1 } `)})}
	require.NoError(t, w.Explain(in, cancelled(reason("None"), old("ConditionalCheckFailed", there))))

	in = signup("u1")
	require.NoError(t, w.Append(in, event(t, "e1", "text")))
	there = item{"event": m(item{"headers": headers, "payload": s(`text`)})}
	require.Error(t, w.Explain(in, cancelled(reason("None"), old("ConditionalCheckFailed", there))), "not the JSON text of the string")

	// the caller may have changed its own event, too: two payloads that cannot be
	// read are not the same one
	for _, mine := range []types.AttributeValue{nil, s(`{"n":1`)} {
		in.TransactItems[1].Put.Item["event"] = m(item{"headers": headers, "payload": mine})
		require.ErrorIs(t, w.Explain(in, cancelled(reason("None"), old("ConditionalCheckFailed", there))), outbox.ErrEventExists)
	}
}

func TestExplainSequenceTaken(t *testing.T) {
	w := newWriter(t, func(o *outbox.Options) { o.Layout = envelope.AggregateLayout() })
	sequenced := func(id, aggregate string) *types.Put {
		in := signup("u1")
		require.NoError(t, w.Append(in, event(t, id, 1, func(h *envelope.Headers) { h.AggregateID, h.Sequence = aggregate, 3 })))
		return in.TransactItems[1].Put
	}
	mine, theirs, other := sequenced("mine", "user-1"), sequenced("theirs", "user-1"), sequenced("theirs", "user-2")
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: mine}}}
	err := w.Explain(in, cancelled(old("ConditionalCheckFailed", theirs.Item)))
	require.ErrorIs(t, err, outbox.ErrSequenceTaken)
	require.NotErrorIs(t, err, outbox.ErrEventExists)
	require.ErrorContains(t, err, "mine")
	require.NoError(t, w.Explain(in, cancelled(old("ConditionalCheckFailed", mine.Item))))
	require.ErrorIs(t, w.Explain(in, cancelled(old("ConditionalCheckFailed", other.Item))), outbox.ErrEventExists, "of another aggregate")

	put := &dynamodb.PutItemInput{TableName: mine.TableName, Item: mine.Item}
	err = w.ExplainPut(put, &types.ConditionalCheckFailedException{Item: theirs.Item})
	require.ErrorIs(t, err, outbox.ErrSequenceTaken)
	var e *outbox.CommitError
	require.ErrorAs(t, err, &e)
	require.Equal(t, outbox.NotCommitted, e.Outcome)
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
	operand := old(invalid, nil)
	operand.Message = aws.String("An operand in the update expression has an incorrect data type")
	err := w.Explain(in, cancelled(operand, reason(none)))
	require.EqualError(t, err, `outbox: transaction: not committed: TransactItems[0] (table "users", the caller's own item): `+
		`ValidationError: An operand in the update expression has an incorrect data type`)
	err = w.Explain(in, cancelled(old("ConditionalCheckFailed", nil), old("TransactionConflict", nil)))
	require.EqualError(t, err, `outbox: transaction: outcome unknown, may be sent again: TransactItems[0] (table "users", the caller's own item): `+
		`ConditionalCheckFailed; TransactItems[1] (table "event-store", event "e1" ("User.Created")): TransactionConflict: refused`)
}

// Whoever changes an input and sends it again reads what to do.
func TestCommitErrorTextOfAMismatch(t *testing.T) {
	in := signup("u1")
	err := newWriter(t).Explain(in, &types.IdempotentParameterMismatchException{Message: aws.String("other parameters")})
	require.ErrorContains(t, err, "outcome unknown: IdempotentParameterMismatchException: other parameters; set ClientRequestToken to nil if you changed the input")
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
	require.ErrorContains(t, err, "the same eventId, but another payload")
	var e *outbox.CommitError
	require.ErrorAs(t, err, &e)
	require.Equal(t, outbox.Unknown, e.Outcome)

	require.ErrorAs(t, w.ExplainPut(in, &types.ProvisionedThroughputExceededException{}), &e)
	require.True(t, e.Retryable)
}

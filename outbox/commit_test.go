package outbox_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// scripted is a DynamoDB that gives prepared answers, the last one again and
// again, and keeps the tokens of the requests.
type scripted struct {
	answers []error
	sent    int
	tokens  []string
	at      []time.Time
}

func (s *scripted) TransactWriteItems(_ context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	err := s.answers[min(s.sent, len(s.answers)-1)]
	s.sent++
	s.tokens, s.at = append(s.tokens, aws.ToString(in.ClientRequestToken)), append(s.at, time.Now())
	return nil, err
}

// signUp is a transaction of one action of the caller's and an event.
func signUp(t *testing.T) (*outbox.Writer, *dynamodb.TransactWriteItemsInput) {
	t.Helper()
	w, in := newWriter(t), signup("u1")
	require.NoError(t, w.Append(in, event(t, "e1", map[string]string{"userId": "u1"})))
	return w, in
}

func TestCommit(t *testing.T) {
	lost := errors.New("connection reset by peer")
	_, in := signUp(t)
	there := in.TransactItems[1].Put.Item
	for _, tt := range []struct {
		name    string
		answers []error
		sent    int
		want    outbox.Outcome
		ok      bool
	}{
		{name: "committed", answers: []error{nil}, sent: 1, ok: true},
		{name: "a conflict, then committed", answers: []error{codes(conflict, none), nil}, sent: 2, ok: true},
		{name: "throttled, then committed", answers: []error{codes(none, throttled), nil}, sent: 2, ok: true},
		{name: "a conflict that does not end", answers: []error{codes(conflict, none)}, sent: outbox.CommitAttempts, want: outbox.Unknown},
		{name: "the caller's condition", answers: []error{codes(cond, none)}, sent: 1, want: outbox.NotCommitted},
		{name: "a conflict, then the caller's condition", answers: []error{codes(conflict, none), codes(cond, none)}, sent: 2, want: outbox.NotCommitted},
		{name: "a lost answer, and the event is there", answers: []error{lost, cancelled(reason(cond), old(cond, there))}, sent: 2, ok: true},
		{name: "a lost answer, then the caller's condition, unseen event", answers: []error{lost, codes(cond, conflict), codes(cond, none)}, sent: 3, want: outbox.NotCommitted},
		{name: "a lost answer, then no permission", answers: []error{lost, &types.ResourceNotFoundException{}}, sent: 2, want: outbox.Unknown},
		{name: "answers that are lost for good", answers: []error{lost}, sent: outbox.CommitAttempts, want: outbox.Unknown},
		{name: "the SDK has tried enough", answers: []error{&retry.MaxAttemptsError{Attempt: 3, Err: lost}}, sent: 1, want: outbox.Unknown},
		{name: "another content under the token", answers: []error{&types.IdempotentParameterMismatchException{}}, sent: 1, want: outbox.Unknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, in := signUp(t)
				db := &scripted{answers: tt.answers}
				err := outbox.Commit(t.Context(), db, in, w)
				require.Equal(t, tt.sent, db.sent)
				require.Len(t, slices.Compact(db.tokens), 1, "every attempt has the same token")
				require.NotEmpty(t, db.tokens[0])
				require.LessOrEqual(t, len(db.tokens[0]), 36)
				for i := 1; i < len(db.at); i++ {
					require.LessOrEqual(t, db.at[i].Sub(db.at[i-1]), 800*time.Millisecond)
				}
				if tt.ok {
					require.NoError(t, err)
					return
				}
				var failed *outbox.CommitError
				require.ErrorAs(t, err, &failed)
				require.Equal(t, tt.want, failed.Outcome)
				require.Equal(t, tt.want == outbox.NotCommitted, failed.Refused(0))
				require.False(t, failed.Refused(1))
			})
		})
	}
}

// A transaction without events of a writer is explained too.
func TestCommitWithoutAnExplainer(t *testing.T) {
	in, there := signup("u1"), item{"name": s("Ada")}
	var failed *outbox.CommitError
	require.ErrorAs(t, outbox.Commit(t.Context(), &scripted{answers: []error{cancelled(old(cond, there))}}, in), &failed)
	require.True(t, failed.Refused(0))
	require.Equal(t, there, failed.RefusedItem(0))
	require.Nil(t, failed.RefusedItem(1))
	require.Error(t, outbox.Commit(t.Context(), &scripted{}, nil))
	require.False(t, (*outbox.CommitError)(nil).Refused(0))
}

// With an inbox, a duplicate comes out as such, also beside events of one's own.
func TestCommitOfAConsumer(t *testing.T) {
	inbox := newInbox(t)
	w, in := signUp(t)
	require.NoError(t, inbox.Append(in, event(t, "e0", nil)))
	receipt := in.TransactItems[2].Put.Item
	err := outbox.Commit(t.Context(), &scripted{answers: []error{cancelled(reason(none), reason(none), old(cond, receipt))}}, in, inbox, w)
	require.ErrorIs(t, err, outbox.ErrDuplicate)
	err = outbox.Commit(t.Context(), &scripted{answers: []error{codes(cond, none, none)}}, in, inbox, w)
	require.NotErrorIs(t, err, outbox.ErrDuplicate)
	var failed *outbox.CommitError
	require.ErrorAs(t, err, &failed)
	require.True(t, failed.Refused(0))
}

// No wait is begun that would outlast the context, and none goes on after it.
func TestCommitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, in := signUp(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		db := &scripted{answers: []error{codes(conflict, none)}}
		err := outbox.Commit(ctx, db, in, w)
		require.NoError(t, ctx.Err())
		var failed *outbox.CommitError
		require.ErrorAs(t, err, &failed)
		require.True(t, failed.Retryable)
		require.Less(t, db.sent, outbox.CommitAttempts)
	})
	synctest.Test(t, func(t *testing.T) {
		w, in := signUp(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		db := &scripted{answers: []error{context.Canceled}}
		var failed *outbox.CommitError
		require.ErrorAs(t, outbox.Commit(ctx, db, in, w), &failed)
		require.Equal(t, outbox.Unknown, failed.Outcome)
		require.ErrorIs(t, failed, context.Canceled)
		require.Equal(t, 1, db.sent)
	})
}

// A token of the caller's own is kept.
func TestCommitKeepsTheToken(t *testing.T) {
	w, in := signUp(t)
	in.ClientRequestToken = aws.String("mine")
	db := &scripted{answers: []error{nil}}
	require.NoError(t, outbox.Commit(t.Context(), db, in, w))
	require.Equal(t, []string{"mine"}, db.tokens)
}

package userservice_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/examples/userservice"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/wirefault"
)

func TestRepeatedPost(t *testing.T) {
	for name, wrap := range map[string]func(userservice.DynamoDBAPIClient) userservice.DynamoDBAPIClient{
		"at once":           nil,
		"after ten minutes": func(c userservice.DynamoDBAPIClient) userservice.DynamoDBAPIClient { return forgetful{c} },
	} {
		t.Run(name, func(t *testing.T) {
			enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
				t.Parallel()
				b := newBench(t, db, nil, wrap)
				first := b.do("POST", "/users", ann, userservice.IdempotencyHeader, "k1", userservice.CorrelationHeader, "c1")
				require.Equal(t, http.StatusCreated, first.Code, first.Body.String())
				user := userOf(t, first)
				require.Equal(t, http.StatusOK, b.do("PATCH", "/users/"+user.ID, `{"version":1,"name":"Anna"}`).Code)

				second := b.do("POST", "/users", ann, userservice.IdempotencyHeader, "k1", userservice.CorrelationHeader, "c2")
				require.Equal(t, http.StatusCreated, second.Code, second.Body.String())
				require.Equal(t, first.Body.String(), second.Body.String(), "the user as it was made")
				require.Equal(t, first.Header().Get(userservice.EventHeader), second.Header().Get(userservice.EventHeader))
				require.Equal(t, "c2", second.Header().Get(userservice.CorrelationHeader))

				require.Equal(t, "Anna", userOf(t, b.do("GET", "/users/"+user.ID, "")).Name, "the change is still there")
				require.Equal(t, map[string]int{"USER": 1, "EMAIL": 1, "CLAIM": 1}, b.keys(t))
				require.Len(t, b.events.Events(t, b.db), 2, "User.Created once, and User.Updated")
			})
		})
	}
}

// TestRepeatedPostAtTheSameMoment: every client gets the one user.
func TestRepeatedPostAtTheSameMoment(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		b := newBench(t, db, nil, nil)
		var mu sync.Mutex
		ids := map[string]bool{}
		status := concurrently(20, func(int) int {
			w := b.do("POST", "/users", ann, userservice.IdempotencyHeader, "k1")
			var user userservice.User
			if json.Unmarshal(w.Body.Bytes(), &user) == nil {
				mu.Lock()
				defer mu.Unlock()
				ids[user.ID] = true
			}
			return w.Code
		})
		require.Equal(t, map[int]int{http.StatusCreated: 20}, status)
		require.Len(t, ids, 1)
		require.Len(t, b.events.Events(t, b.db), 1)
	})
}

// TestRepeatedPostFinishesTheFirst: the first one died between claim and commit.
func TestRepeatedPostFinishesTheFirst(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		broken := true
		b := newBench(t, db, wirefault.On(wirefault.TransactWriteItems, func(wirefault.Call) wirefault.Fault {
			if broken {
				return wirefault.LostRequest()
			}
			return wirefault.None()
		}), nil)
		w := b.do("POST", "/users", ann, userservice.IdempotencyHeader, "k1")
		require.Equal(t, http.StatusServiceUnavailable, w.Code)
		require.Equal(t, map[string]int{"CLAIM": 1}, b.keys(t))
		broken = false
		w = b.do("POST", "/users", ann, userservice.IdempotencyHeader, "k1")
		require.Equal(t, http.StatusCreated, w.Code, w.Body.String())
		require.Equal(t, map[string]int{"USER": 1, "EMAIL": 1, "CLAIM": 1}, b.keys(t))
		require.Len(t, b.events.Events(t, b.db), 1)
	})
}

func TestKeyOfAnotherRequest(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		b := newBench(t, db, nil, nil)
		require.Equal(t, http.StatusCreated, b.do("POST", "/users", ann, userservice.IdempotencyHeader, "k1").Code)
		w := b.do("POST", "/users", strings.Replace(ann, "Zoë", "Zoe", 1), userservice.IdempotencyHeader, "k1")
		require.Equal(t, http.StatusUnprocessableEntity, w.Code)
		require.Equal(t, "idempotency_key_reused", problemOf(t, w).Code)

		w = b.do("POST", "/users", ann, userservice.IdempotencyHeader, "k2")
		require.Equal(t, http.StatusConflict, w.Code, "another key is another request")
		require.Equal(t, "email_taken", problemOf(t, w).Code)
		require.Len(t, b.events.Events(t, b.db), 1)
	})
}

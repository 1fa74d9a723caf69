package userservice_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/examples/userservice"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lambdapoller"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// TestSignUpsRace: 500 sign-ups at once over HTTP, five for each of 100
// addresses. For each address one gets the user and the other four a clean 409;
// there are 100 users, 100 events, and 100 entries on the bus.
func TestSignUpsRace(t *testing.T) {
	t.Parallel()
	const addresses, each = 100, 5
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		b := newBench(t, db, nil, nil)
		server := httptest.NewServer(b)
		t.Cleanup(server.Close)

		type result struct {
			status  int
			address int
			eventID string
			userservice.Problem
		}
		results := make(chan result, addresses*each)
		start := make(chan struct{})
		var all sync.WaitGroup
		for i := range addresses * each {
			all.Go(func() {
				<-start
				r := result{address: i % addresses}
				body := fmt.Sprintf(`{"email":"user%d@example.com","name":"User %d"}`, r.address, i)
				resp, err := server.Client().Post(server.URL+"/users", "application/json", strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				defer resp.Body.Close()
				raw, err := io.ReadAll(resp.Body)
				if err != nil {
					t.Error(err)
				}
				r.status, r.eventID = resp.StatusCode, resp.Header.Get(userservice.EventHeader)
				_ = json.Unmarshal(raw, &r.Problem)
				results <- r
			})
		}
		close(start)
		all.Wait()
		close(results)

		status, codes, winners, announced := map[int]int{}, map[string]int{}, map[int]int{}, map[string]bool{}
		for r := range results {
			status[r.status]++
			codes[r.Code]++
			if r.status == http.StatusCreated {
				winners[r.address]++
				announced[r.eventID] = true
			}
		}
		require.Equal(t, map[int]int{http.StatusCreated: addresses, http.StatusConflict: addresses * (each - 1)}, status)
		require.Equal(t, map[string]int{"": addresses, "email_taken": addresses * (each - 1)}, codes)
		require.Len(t, winners, addresses, "one for each address")
		require.Len(t, announced, addresses)

		require.Equal(t, map[string]int{"USER": addresses, "EMAIL": addresses}, b.keys(t))
		require.Len(t, b.events.Items(t, db), addresses)

		moto := enginetest.Moto(t)
		bus := enginetest.NewBus(t, moto)
		h, err := relay.NewHandler(relay.NewEventBridge(moto.EventBridge(), bus.Name), relay.Block)
		require.NoError(t, err)
		stream, err := lambdapoller.New(db.Streams(), b.events.StreamARN, h)
		require.NoError(t, err)
		require.NoError(t, stream.Drain(t.Context()))
		published := map[string]bool{}
		for _, id := range enginetest.EventIDs(t, bus.Queue.Drain(t)) {
			published[id] = true
		}
		require.Equal(t, announced, published)
	})
}

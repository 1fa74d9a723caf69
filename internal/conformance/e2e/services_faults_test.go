package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lambdapoller"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/smtptest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/wirefault"
)

// onRelayCall: the bus accepts the second call of a batch and its answer is lost;
// when the relay is about to repeat it, its process is killed.
func onRelayCall(s *services) wirefault.Script {
	return wirefault.On(wirefault.PutEvents, func(c wirefault.Call) wirefault.Fault {
		switch c.N {
		case 2:
			return wirefault.LostAnswer()
		case 3:
			s.relay.Crash()
			return wirefault.LostRequest()
		}
		return wirefault.None()
	})
}

// relayKilled: the new process gets the whole batch again, knows nothing of what
// the old one did, and publishes some events twice; the inbox recognises them.
func relayKilled(t *testing.T, s *services) {
	const users = 25
	s.signUp(t, users)
	s.settle(t)
	require.Equal(t, ledger{Users: users, Committed: 2 * users, Published: 2 * users, Receipts: users, Told: users, Emails: users}, s.ledger(t))
	require.GreaterOrEqual(t, s.duplicates(), 20, "the two calls that the first process made")
	var crashed bool
	for _, inv := range s.stream.Invocations() {
		crashed = crashed || inv.Err != nil && strings.Contains(inv.Err.Error(), "signal: killed")
	}
	require.True(t, crashed)
}

// refuseOneInFive fails another fifth of the entries of each call.
func refuseOneInFive(*services) wirefault.Script {
	return wirefault.On(wirefault.PutEvents, func(c wirefault.Call) wirefault.Fault {
		var refused []int
		for i := c.N % 5; i < len(c.EventIDs); i += 5 {
			refused = append(refused, i)
		}
		return wirefault.FailEntries("InternalFailure", refused...)
	})
}

func busRefuses(t *testing.T, s *services) {
	const users = 30
	s.signUp(t, users)
	s.settle(t)
	require.Equal(t, ledger{Users: users, Committed: 2 * users, Published: 2 * users, Receipts: users, Told: users, Emails: users}, s.ledger(t))
	var sent, failed int
	for _, r := range s.toBus.Requests() {
		sent += len(r.Call.EventIDs)
		failed += len(r.Fault.Entries)
	}
	require.InDelta(t, 0.2, float64(failed)/float64(sent), 0.15)
}

// twice gives each batch to two functions at once, as SQS may do with a message.
// The answer of one counts; to the other, the message is gone.
func twice(one, other lambda.Handler) lambda.Handler {
	return lambdapoller.HandlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		var both sync.WaitGroup
		defer both.Wait()
		both.Go(func() { _, _ = other.Invoke(ctx, payload) })
		return one.Invoke(ctx, payload)
	})
}

func deliveredTwice(t *testing.T, s *services) {
	const users = 20
	addresses := s.signUp(t, users)
	s.settle(t)
	require.Equal(t, ledger{Users: users, Committed: 2 * users, Published: 2 * users, Receipts: users, Told: users, Emails: users}, s.ledger(t))
	for _, address := range addresses {
		require.Equal(t, 1, s.mailsTo()[address], address)
	}
}

// messagingDies: the mail server has an e-mail and the messaging service is dead
// before it knows. What can be promised is one receipt, one Email.Sent, and an
// e-mail at least once: the second copy comes after the dead attempt's claim has
// ended, under the same Message-ID.
func messagingDies(t *testing.T, s *services) {
	const users = 4
	victim := fmt.Sprintf("user%d@example.com", users/2)
	var once sync.Once
	s.mail.Taken(func(m smtptest.Mail) {
		if m.To == victim {
			once.Do(func() { s.messenger.Crash() })
		}
	})
	s.signUp(t, users)
	start := time.Now()
	s.settle(t)
	require.GreaterOrEqual(t, time.Since(start), shortTimeout, "the claim of the dead")
	require.Equal(t, ledger{Users: users, Committed: 2 * users, Published: 2 * users, Receipts: users, Told: users, Emails: users, Copies: 1}, s.ledger(t))
	require.Equal(t, 2, s.mailsTo()[victim])
	require.Contains(t, s.log.String(), "in doubt")
}

// bounceAndThrottle: an address that is refused for good is done with, and told;
// one that is refused for now is tried until it is taken; one that is refused for
// now without end ends in the dead-letter queue.
func bounceAndThrottle(t *testing.T, s *services) {
	tries := map[string]int{}
	var mu sync.Mutex
	s.mail.Refuse(func(to string) smtptest.Reply {
		mu.Lock()
		defer mu.Unlock()
		tries[to]++
		switch {
		case to == "user0@example.com":
			return smtptest.Reply{Code: 550, Message: "no such user"}
		case to == "user1@example.com" && tries[to] == 1, to == "user2@example.com":
			return smtptest.Reply{Code: 450, Message: "not now"}
		}
		return smtptest.Reply{}
	})
	s.signUp(t, 4)
	s.settle(t)
	mu.Lock()
	require.Equal(t, map[string]int{"user0@example.com": 1, "user1@example.com": 2, "user2@example.com": maxReceiveCount, "user3@example.com": 1}, tries)
	mu.Unlock()
	require.Equal(t, ledger{Users: 4, Committed: 7, Published: 7, Receipts: 3, Told: 3, Emails: 2, Poison: 1}, s.ledger(t))
	var told []string
	for _, item := range s.events.Items(t, s.db) {
		told = append(told, eventName(item))
	}
	require.ElementsMatch(t, []string{
		"User.Created", "User.Created", "User.Created", "User.Created", "Email.Sent", "Email.Sent", "Email.Bounced",
	}, told)
}

// throttleSevenInTen throttles most transactions of the user service.
func throttleSevenInTen(*services) wirefault.Script {
	return wirefault.On(wirefault.TransactWriteItems, func(c wirefault.Call) wirefault.Fault {
		if c.N%10 < 7 {
			return wirefault.Throttled()
		}
		return wirefault.None()
	})
}

// userServiceThrottled: what the service cannot ride out it answers with 503, and
// a client that repeats its request under one key has one user in the end.
func userServiceThrottled(t *testing.T, s *services) {
	const users = 4
	unavailable := 0
	for i := range users {
		for {
			r := s.post(t, fmt.Sprintf("user%d@example.com", i), "Idempotency-Key", "k"+strconv.Itoa(i))
			if r.StatusCode == http.StatusCreated {
				break
			}
			require.Equal(t, http.StatusServiceUnavailable, r.StatusCode, r.Body)
			require.NotEmpty(t, r.Header.Get("Retry-After"))
			unavailable++
			require.Less(t, unavailable, 100)
		}
	}
	require.Positive(t, unavailable)
	s.settle(t)
	require.Equal(t, ledger{Users: users, Committed: 2 * users, Published: 2 * users, Receipts: users, Told: users, Emails: users}, s.ledger(t))
}

// poisonByHand: somebody has written into the event store. What the relay cannot
// read is a dead letter of the relay, what the consumer cannot read ends in the
// queue's dead-letter queue, and everything else goes through.
func poisonByHand(t *testing.T, s *services) {
	text := func(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
	number := func(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }
	object := func(v map[string]types.AttributeValue) types.AttributeValue {
		return &types.AttributeValueMemberM{Value: v}
	}
	now := strconv.FormatInt(time.Now().UnixMilli(), 10)
	headers := object(map[string]types.AttributeValue{
		"eventId": text("by-hand-3"), "eventName": text("User.Created"), "source": text("userService"), "timestamp": number(now),
	})
	s.signUp(t, 2)
	for id, event := range map[string]types.AttributeValue{
		"by-hand-1": nil,                                                                                           // no event at all
		"by-hand-2": object(map[string]types.AttributeValue{"payload": object(nil)}),                               // no headers
		"by-hand-3": object(map[string]types.AttributeValue{"headers": headers, "payload": text(`{"email":"x"}`)}), // for the consumer
	} {
		item := map[string]types.AttributeValue{"pk": text(id), "sk": number(now)}
		if event != nil {
			item["event"] = event
		}
		_, err := s.db.DynamoDB().PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &s.events.Name, Item: item})
		require.NoError(t, err)
	}
	r := s.post(t, "last@example.com")
	require.Equal(t, http.StatusCreated, r.StatusCode, r.Body)
	s.settle(t)
	require.Equal(t, ledger{Users: 3, Committed: 9, Published: 7, Letters: 2, Receipts: 3, Told: 3, Emails: 3, Poison: 1}, s.ledger(t))
}

package custombus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventsv2"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/custombus"
)

const testARN = "arn:aws:events:eu-west-1:123456789012:event-busv2/orders/abcdefghijklmnopqrstuvwx0"

var testCredentials = aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", SessionToken: "token"}

func newBus() *eventsv2.Bus { return &eventsv2.Bus{ARN: testARN, Credentials: testCredentials} }

// config has retries without waiting, and no network: requests go to the client.
func config(client aws.HTTPClient) aws.Config {
	return aws.Config{
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return testCredentials, nil }),
		HTTPClient:  client,
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			})
		},
	}
}

func newPublisher(bus *eventsv2.Bus, optFns ...func(*custombus.Options)) *custombus.Publisher {
	return custombus.New(config(bus), testARN, optFns...)
}

// entries are n good ones.
func entries(n int) []relay.Entry {
	out := make([]relay.Entry, n)
	for i := range out {
		out[i] = relay.Entry{
			EventID: fmt.Sprint("event-", i), Group: fmt.Sprint("order-", i%2), Source: "orderService", DetailType: "Order.Placed",
			Time: time.Now().Truncate(time.Millisecond).UTC(), Detail: fmt.Appendf(nil, `{"headers":{"eventId":"event-%d"},"payload":{"text":"é 😀"}}`, i),
		}
	}
	return out
}

// newEvents are n events of as many aggregates as are named, one after the other.
func newEvents(t *testing.T, n, aggregates int) []envelope.CustomEvent {
	t.Helper()
	events := make([]envelope.CustomEvent, n)
	for i := range events {
		var err error
		events[i], err = envelope.New(t.Context(), "Order.Placed", map[string]int{"order": i}, func(h *envelope.Headers) {
			h.EventID, h.AggregateID, h.Sequence = fmt.Sprint("event-", i), fmt.Sprint("order-", i%aggregates), int64(1+i/aggregates)
		})
		require.NoError(t, err)
	}
	return events
}

func callError(t *testing.T, err error) *relay.CallError {
	t.Helper()
	var ce *relay.CallError
	require.ErrorAs(t, err, &ce)
	return ce
}

func long(n int) string { return strings.Repeat("é", n) }

var errNoRole = errors.New("no role")

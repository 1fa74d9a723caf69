package main

import (
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/stretchr/testify/require"
)

// clients are the two of the relay, by what they have to agree in.
func clients(t *testing.T, cfg aws.Config, bus func(*eventbridge.Options), table func(*dynamodb.Options)) []any {
	t.Helper()
	b, d := eventbridge.NewFromConfig(cfg, bus).Options(), dynamodb.NewFromConfig(cfg, table).Options()
	busKeys, err := b.Credentials.Retrieve(t.Context())
	require.NoError(t, err)
	tableKeys, err := d.Credentials.Retrieve(t.Context())
	require.NoError(t, err)
	busKeys.Source, tableKeys.Source = "", ""
	return []any{
		b.Region, busKeys, b.BaseEndpoint, b.RetryMode, b.RetryMaxAttempts, b.Retryer.MaxAttempts(),
		d.Region, tableKeys, d.BaseEndpoint, d.RetryMode, d.RetryMaxAttempts, d.Retryer.MaxAttempts(),
	}
}

// TestEnvironment holds the clients to those that the SDK makes of the same
// environment by itself.
func TestEnvironment(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"Lambda":             {},
		"no session":         {"AWS_SESSION_TOKEN": ""},
		"an endpoint":        {"AWS_ENDPOINT_URL": "http://localhost:1"},
		"one for DynamoDB":   {"AWS_ENDPOINT_URL_DYNAMODB": "http://localhost:2"},
		"one for each":       {"AWS_ENDPOINT_URL_DYNAMODB": "http://localhost:2", "AWS_ENDPOINT_URL_EVENTBRIDGE": "http://localhost:3"},
		"one, and for a bus": {"AWS_ENDPOINT_URL": "http://localhost:1", "AWS_ENDPOINT_URL_EVENTBRIDGE": "http://localhost:3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("HOME", t.TempDir())
			for key, value := range map[string]string{"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "SECRET", "AWS_SESSION_TOKEN": "SESSION"} {
				t.Setenv(key, value)
			}
			for key, value := range env {
				t.Setenv(key, value)
			}
			theirs, err := config.LoadDefaultConfig(t.Context())
			require.NoError(t, err)
			ours, err := fromEnvironment()
			require.NoError(t, err)
			require.Equal(t,
				clients(t, theirs, func(*eventbridge.Options) {}, func(*dynamodb.Options) {}),
				clients(t, ours, busEndpoint, tableEndpoint))
		})
	}
}

// TestOutsideOfLambda says what is missing, and where to turn.
func TestOutsideOfLambda(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	err := run(io.Discard)
	require.ErrorContains(t, err, "AWS_ACCESS_KEY_ID")
	require.ErrorContains(t, err, "config.LoadDefaultConfig")
}

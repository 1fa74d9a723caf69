package main

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
)

func TestDemoJudges(t *testing.T) {
	for _, tt := range []struct {
		name    string
		ledger  ledger
		refused int64
		want    string
	}{
		{"all is well", ledger{Committed: 2, Published: 1, DeadLettered: 1}, 0, ""},
		{"lost", ledger{Committed: 1, Lost: 1}, 0, "1 lost, 0 invented"},
		{"invented", ledger{Phantom: 2}, 0, "0 lost, 2 invented"},
		{"stuck in the stream", ledger{Committed: 1, Waiting: 1}, 0, "1 events are still waiting"},
		{"stuck in the queue", ledger{Wanted: 1, Underway: 1}, 0, "1 on their way"},
		{"turned away", ledger{}, 3, "3 people could not sign up"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := judge(tt.ledger, tt.refused)
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.want)
		})
	}
}

// TestCtrlC runs until it is interrupted, and finds nothing left of it.
func TestCtrlC(t *testing.T) {
	needEngines(t, engine.Dynoxide)
	out := &enginetest.Buffer{}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, flags{addr: "127.0.0.1:0", dynamoDB: string(engine.Dynoxide), inProcess: true}, out)
	}()
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "Ctrl-C") }, time.Minute, 20*time.Millisecond)
	page := regexp.MustCompile(`Open (http://\S+)`).FindStringSubmatch(out.String())[1]
	resp, err := http.Get(page + "/local/feed") // a reader that stays
	require.NoError(t, err)
	defer resp.Body.Close()
	people := newCrowd(page)
	people.signUp(t.Context(), 3)
	people.wait()
	require.Zero(t, people.refused.Load())

	cancel()
	select {
	case err := <-ended:
		require.NoError(t, err)
	case <-time.After(20 * time.Second):
		t.Fatal("it does not end")
	}
	servers := regexp.MustCompile(`http://[0-9.:]+`).FindAllString(out.String(), -1)
	require.GreaterOrEqual(t, len(servers), 3, "DynamoDB, moto and the page")
	for _, server := range servers {
		u, err := url.Parse(server)
		require.NoError(t, err)
		conn, err := net.Dial("tcp", u.Host)
		if err == nil {
			conn.Close()
		}
		require.Error(t, err, "%s still answers", server)
	}
}

func TestRunRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	t.Setenv(engine.CacheEnv, t.TempDir())
	t.Setenv(engine.Dynoxide.Env(), "")
	for _, tt := range []struct {
		name string
		f    flags
		want string
	}{
		{"an engine that nobody knows", flags{dynamoDB: "oracle"}, `no engine is called "oracle"`},
		{"an address that is taken", flags{dynamoDB: "dynoxide", addr: taken.Addr().String()}, "choose another address with -addr"},
		{"an engine that is missing", flags{dynamoDB: "dynoxide", addr: "127.0.0.1:0"}, engine.InstallCommand},
	} {
		t.Run(tt.name, func(t *testing.T) { require.ErrorContains(t, run(t.Context(), tt.f, &enginetest.Buffer{}), tt.want) })
	}
}

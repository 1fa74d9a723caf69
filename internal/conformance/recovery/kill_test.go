package recovery_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/recovery"
)

// childEnv makes the test binary a process that replays, as its value says.
const childEnv = "OUTBOX_TEST_REPLAY"

// order is what such a process does.
type order struct {
	Engine, Bus       string // URLs
	Table, Stream     string
	Layout            string
	Source, CursorIn  string
	From, To          time.Time
	PageSize, Segment int
}

// child replays, with the cursor in a file, and returns the exit code.
func child(text string) int {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	layout := layouts[o.Layout]
	config := func(url string) aws.Config {
		return aws.Config{
			Region: engine.Region, BaseEndpoint: &url,
			Credentials: credentials.NewStaticCredentialsProvider("OUTBOXTESTKEY0000000", "outboxtestsecret", ""),
		}
	}
	if strings.HasPrefix(o.Source, "bench ") {
		// These clients send each request from memory: the SDK's own body loses
		// answers that begin early, and its retries would be measured.
		db, bus := &engine.Engine{Name: engine.MiniStack, URL: o.Engine}, &engine.Engine{Name: engine.MiniStack, URL: o.Bus}
		if err := benchChild(o, db.DynamoDB(), bus.EventBridge()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	}
	bus := relay.NewEventBridge(eventbridge.NewFromConfig(config(o.Bus)), "orders")
	h, err := relay.NewHandler(bus, relay.Block, func(r *relay.Options) { r.Layout = layout })
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	source := recovery.EventStore(dynamodb.NewFromConfig(config(o.Engine)), o.Table, layout, o.From, o.To, func(s *recovery.ScanOptions) {
		s.PageSize, s.Segments = o.PageSize, o.Segment
	})
	if o.Source == "stream" {
		source = recovery.StreamFrom(dynamodbstreams.NewFromConfig(config(o.Engine)), o.Stream, o.From)
	}
	cursor, err := os.ReadFile(o.CursorIn)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	report, err := relay.Replay(context.Background(), source, h, func(r *relay.ReplayOptions) {
		r.To, r.Cursor = relay.ToSameBus(), cursor
		r.Progress = func(p relay.ReplayProgress) error {
			if err := os.WriteFile(o.CursorIn+".new", p.Cursor, 0o600); err != nil {
				return err
			}
			return os.Rename(o.CursorIn+".new", o.CursorIn)
		}
	})
	if err != nil || report.Failed > 0 || !report.Done {
		fmt.Fprintln(os.Stderr, err, report.Failed, report.Failures)
		return 1
	}
	return 0
}

// wireBus is EventBridge as far as a replay needs one. It calls hook with the
// number of each PutEvents that it has accepted, before it answers.
type wireBus struct {
	*httptest.Server

	mu    sync.Mutex // guards what follows
	calls int
	got   []string // event ids
	hook  func(call int)
}

func newWireBus(t *testing.T) *wireBus {
	t.Helper()
	b := &wireBus{}
	b.Server = httptest.NewServer(b)
	t.Cleanup(b.Close)
	return b
}

func (b *wireBus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return // who asked is gone
	}
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DescribeEventBus") {
		_, _ = w.Write([]byte(`{"Name":"orders"}`))
		return
	}
	var in struct{ Entries []struct{ Detail string } }
	if err := json.Unmarshal(text, &in); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var out struct {
		FailedEntryCount int
		Entries          []struct {
			EventID string `json:"EventId"`
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range in.Entries {
		ev, err := envelope.Parse([]byte(e.Detail))
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		b.got = append(b.got, ev.Headers.EventID)
		out.Entries = append(out.Entries, struct {
			EventID string `json:"EventId"`
		}{fmt.Sprint("bus-", len(b.got))})
	}
	b.calls++
	if b.hook != nil {
		b.hook(b.calls)
	}
	_ = json.NewEncoder(w).Encode(out)
}

// TestAKilledReplayGoesOn: a process that replays is killed, with kill -9, while a
// call is under way, again and again, and begun again with the cursor that it has
// stored. No event is passed over, and for each kill at most one page comes twice.
func TestAKilledReplayGoesOn(t *testing.T) {
	const n, page = 400, 20
	kills := []int{1, 9, 10, 25, 38}
	eachWorld(t, func(t *testing.T, w *world) {
		w.commit(t, n, 9)
		self, err := os.Executable()
		require.NoError(t, err)
		for _, source := range []string{"store", "stream"} {
			t.Run(source, func(t *testing.T) {
				bus := newWireBus(t)
				name := strings.Split(t.Name(), "/")
				o := order{
					Engine: w.engine.URL, Bus: bus.URL, Table: w.table.Name, Stream: w.table.StreamARN, Layout: strings.ReplaceAll(name[2], "_", " "), Source: source,
					CursorIn: filepath.Join(t.TempDir(), "cursor"), From: w.begin, To: time.Now().Add(time.Hour), PageSize: page, Segment: 3,
				}
				text, err := json.Marshal(o)
				require.NoError(t, err)
				killed := 0
				for done := false; !done; {
					cmd := exec.Command(self)
					cmd.Env = append(os.Environ(), childEnv+"="+string(text))
					var said strings.Builder
					cmd.Stderr = &said
					bus.mu.Lock()
					bus.hook = func(call int) {
						if killed < len(kills) && call >= kills[killed] {
							killed++
							_ = cmd.Process.Kill()
						}
					}
					before := killed // the hook counts it under the lock
					require.NoError(t, cmd.Start())
					bus.mu.Unlock()
					err := cmd.Wait()
					done = err == nil
					bus.mu.Lock()
					more := killed > before
					bus.mu.Unlock()
					require.True(t, done || more, "%v: %s", err, said.String())
				}
				bus.mu.Lock()
				defer bus.mu.Unlock()
				require.Equal(t, len(kills), killed)
				times := map[string]int{}
				for _, id := range bus.got {
					times[id]++
				}
				for _, id := range w.ids() {
					require.Positive(t, times[id], "passed over")
				}
				if source == "store" {
					require.LessOrEqual(t, len(bus.got), n+len(kills)*page, "at most one page comes twice")
				}
			})
		}
	})
}

package recovery_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/wirefault"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/recovery"
)

// childEnv makes the test binary a process that replays, as its value says.
const childEnv = "OUTBOX_TEST_REPLAY"

// order is what such a process does.
type order struct {
	Engine, BusURL, Bus string
	Table, Stream       string
	Layout              string
	Source, CursorIn    string
	From, To            time.Time
	PageSize, Segment   int
}

// child does the order, and returns the exit code.
func child(text string) int {
	var o order
	err := json.Unmarshal([]byte(text), &o)
	if err == nil {
		// These clients send each request from memory: the SDK's own body loses
		// answers that begin early, and its retries would be measured.
		db, bus := &engine.Engine{Name: engine.MiniStack, URL: o.Engine}, &engine.Engine{Name: engine.MiniStack, URL: o.BusURL}
		if strings.HasPrefix(o.Source, "bench ") {
			err = benchChild(o, db.DynamoDB(), bus.EventBridge())
		} else {
			err = replayChild(o, db, bus.EventBridge())
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// replayChild replays, with the cursor in a file.
func replayChild(o order, db *engine.Engine, bus *eventbridge.Client) error {
	layout := layouts[o.Layout]
	h, err := relay.NewHandler(relay.NewEventBridge(bus, o.Bus), relay.Block, func(r *relay.Options) { r.Layout = layout })
	if err != nil {
		return err
	}
	source := recovery.EventStore(db.DynamoDB(), o.Table, layout, o.From, o.To, func(s *recovery.ScanOptions) {
		s.PageSize, s.Segments = o.PageSize, o.Segment
	})
	if o.Source == "stream" {
		source = recovery.StreamFrom(db.Streams(), o.Stream, o.From)
	}
	cursor, err := os.ReadFile(o.CursorIn)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
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
	if err == nil && (report.Failed > 0 || !report.Done) {
		err = fmt.Errorf("%d failed: %v", report.Failed, report.Failures)
	}
	return err
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
				var mu sync.Mutex // guards what follows
				var cmd *exec.Cmd
				calls, killed := 0, 0
				moto := enginetest.Moto(t)
				// It sees what the bus has accepted before the process has the answer.
				wire, err := wirefault.NewProxy(moto.URL, nil, wirefault.Tap(func(x wirefault.Exchange) {
					mu.Lock()
					defer mu.Unlock()
					if x.Operation != wirefault.PutEvents {
						return
					}
					if calls++; killed < len(kills) && calls >= kills[killed] {
						killed++
						_ = cmd.Process.Kill()
					}
				}))
				require.NoError(t, err)
				t.Cleanup(wire.Close)
				name := strings.Split(t.Name(), "/")
				text, err := json.Marshal(order{
					Engine: w.engine.URL, BusURL: wire.URL, Bus: enginetest.NewBus(t, moto, func(o *enginetest.BusOptions) { o.Pattern = `{"source":["nobody"]}` }).Name,
					Table: w.table.Name, Stream: w.table.StreamARN, Layout: strings.ReplaceAll(name[2], "_", " "), Source: source,
					CursorIn: filepath.Join(t.TempDir(), "cursor"), From: w.begin, To: time.Now().Add(time.Hour), PageSize: page, Segment: 3,
				})
				require.NoError(t, err)
				for done := false; !done; {
					var said strings.Builder
					mu.Lock()
					cmd = exec.Command(self)
					cmd.Env, cmd.Stderr = append(os.Environ(), childEnv+"="+string(text)), &said
					before := killed
					require.NoError(t, cmd.Start())
					mu.Unlock()
					err := cmd.Wait()
					done = err == nil
					mu.Lock()
					more := killed > before
					mu.Unlock()
					require.True(t, done || more, "%v: %s", err, said.String())
				}
				require.Equal(t, len(kills), killed)
				times := wire.EventIDs()
				for _, id := range w.ids() {
					require.Positive(t, times[id], "passed over")
				}
				if source == "store" {
					require.LessOrEqual(t, len(wire.Accepted()), n+len(kills)*page, "at most one page comes twice")
				}
			})
		}
	})
}

package recovery_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/recovery"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

var (
	benchEvents  = flag.Int("events", 100_000, "events in the event store of the benchmark")
	benchLatency = flag.Duration("latency", 0, "what the bus of the benchmark takes for each call")
)

// childEnv makes the test binary a process of a benchmark, as its value says.
const childEnv = "OUTBOX_BENCH_REPLAY"

// order is what such a process does.
type order struct {
	Engine, Bus string // URLs
	Table, Way  string
	From, To    time.Time
	Events      int
}

// BenchmarkReplay publishes an event store on dynoxide to a bus on loopback, each
// way in a process of its own: a plain loop of Scan, UnmarshalMap and PutEvents by
// ten, and relay.Replay. It reports events a second, the CPU that the process took,
// and the most memory that it had.
func BenchmarkReplay(b *testing.B) {
	db := enginetest.Start(b, engine.Dynoxide)
	table := enginetest.EventStore(b, db, func(o *enginetest.TableOptions) { o.Stream = "" }) // which is filled ten times faster
	fill(b, db, table.Name, *benchEvents)
	bus := httptest.NewServer(http.HandlerFunc(countingBus))
	b.Cleanup(bus.Close)
	from, to := time.Now().Add(-24*time.Hour), time.Now().Add(time.Hour)
	for _, way := range []string{"loop", "replay", "replay, plain client"} {
		b.Run(way, func(b *testing.B) {
			for range b.N {
				accepted.Store(0)
				measure(b, order{Engine: db.URL, Bus: bus.URL, Table: table.Name, Way: way, From: from, To: to})
				if n := accepted.Load(); n != int64(*benchEvents) {
					b.Fatalf("the bus has %d events", n)
				}
			}
		})
	}
}

// BenchmarkReplayMemory replays events out of nothing to a bus that does nothing: its
// memory must not grow with their number.
func BenchmarkReplayMemory(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for range b.N {
				measure(b, order{Way: "synthetic", Events: n})
			}
		})
	}
}

// measure runs a process and reports what it says.
func measure(b *testing.B, o order) {
	text, err := json.Marshal(o)
	if err != nil {
		b.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		b.Fatal(err)
	}
	var events, seconds, memory float64
	if _, err := fmt.Sscan(string(out), &events, &seconds, &memory); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	b.ReportMetric(events/seconds, "events/s")
	b.ReportMetric(float64(cpu.Microseconds())/events, "CPU-µs/event")
	b.ReportMetric(memory, "MB")
	b.ReportMetric(0, "ns/op")
}

// child is the process that measure starts. Its clients send each request from
// memory: the SDK's own body loses answers that begin early, and its retries would
// be measured.
func child(text string) error {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	db := (&engine.Engine{Name: engine.MiniStack, URL: o.Engine}).DynamoDB()
	bus := (&engine.Engine{Name: engine.MiniStack, URL: o.Bus}).EventBridge()
	ctx, begin, events := context.Background(), time.Now(), 0
	replay := func(publisher relay.Publisher, source relay.Source) error {
		h, err := relay.NewHandler(publisher, relay.Block, func(o *relay.Options) { o.Concurrency = 8 })
		if err != nil {
			return err
		}
		report, err := relay.Replay(ctx, source, h, sameBus)
		if events = report.Published; report.Failed > 0 {
			return fmt.Errorf("%d failed: %v", report.Failed, report.Failures[0])
		}
		return err
	}
	var err error
	eb := relay.NewEventBridge(bus, "orders")
	switch o.Way {
	case "loop":
		events, err = plainLoop(ctx, db, bus, o.Table)
	case "replay":
		err = replay(eb, recovery.EventStore(db, o.Table, envelope.Layout{}, o.From, o.To))
	case "replay, plain client":
		err = replay(eb, recovery.EventStore(plainClient{db}, o.Table, envelope.Layout{}, o.From, o.To))
	case "synthetic":
		err = replay(&void{}, synthetic(o.Events))
	}
	if err != nil {
		return err
	}
	fmt.Println(events, time.Since(begin).Seconds(), float64(peakMemory())/(1<<20))
	return nil
}

// plainClient hides that a client is the SDK's: what a call gives to it is lost.
type plainClient struct{ client *dynamodb.Client }

func (c plainClient) Scan(ctx context.Context, in *dynamodb.ScanInput, _ ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	return c.client.Scan(ctx, in)
}

func (c plainClient) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return c.client.Query(ctx, in)
}

// peakMemory is the most memory that the process has had, in bytes; 0 where the
// system does not say.
func peakMemory() int {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	kb := 0
	_, _ = fmt.Sscan(rest, &kb)
	return kb << 10
}

// plainLoop is what one writes in a quarter of an hour.
func plainLoop(ctx context.Context, db *dynamodb.Client, bus *eventbridge.Client, table string) (int, error) {
	type event struct {
		Headers map[string]any `dynamodbav:"headers" json:"headers"`
		Payload any            `dynamodbav:"payload" json:"payload"`
	}
	var entries []ebtypes.PutEventsRequestEntry
	done := 0
	put := func() error {
		out, err := bus.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entries})
		if err != nil || out.FailedEntryCount > 0 {
			return fmt.Errorf("put: %w", err)
		}
		done += len(entries)
		entries = entries[:0]
		return nil
	}
	pages := dynamodb.NewScanPaginator(db, &dynamodb.ScanInput{TableName: &table})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return done, err
		}
		for _, item := range page.Items {
			var stored struct {
				Event event `dynamodbav:"event"`
			}
			if err := attributevalue.UnmarshalMap(item, &stored); err != nil {
				return done, err
			}
			detail, err := json.Marshal(stored.Event)
			if err != nil {
				return done, err
			}
			entries = append(entries, ebtypes.PutEventsRequestEntry{
				EventBusName: aws.String("orders"), Source: aws.String(stored.Event.Headers["source"].(string)),
				DetailType: aws.String(stored.Event.Headers["eventName"].(string)), Detail: aws.String(string(detail)),
			})
			if len(entries) == 10 {
				if err := put(); err != nil {
					return done, err
				}
			}
		}
	}
	if len(entries) > 0 {
		return done, put()
	}
	return done, nil
}

// accepted are the events that countingBus has accepted.
var accepted atomic.Int64

func countingBus(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	text, _ := io.ReadAll(r.Body)
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DescribeEventBus") {
		_, _ = w.Write([]byte(`{"Name":"orders"}`))
		return
	}
	n := bytes.Count(text, []byte(`"DetailType":`))
	accepted.Add(int64(n))
	if *benchLatency > 0 {
		<-time.After(*benchLatency)
	}
	_, _ = w.Write([]byte(`{"FailedEntryCount":0,"Entries":[` + strings.TrimSuffix(strings.Repeat(`{"EventId":"11111111-2222-3333-4444-555555555555"},`, n), ",") + `]}`))
}

// eventOf1KB is an event that has about 1 KB as an item.
func eventOf1KB(ctx context.Context, i int) (envelope.CustomEvent, error) {
	var lines []map[string]any
	for k := range 5 {
		lines = append(lines, map[string]any{"sku": fmt.Sprintf("sku-%d", k), "count": k + 1, "price": 9.95 * float64(k+1)})
	}
	return envelope.New(ctx, "Order.Placed", map[string]any{
		"orderId": fmt.Sprintf("order-%09d", i), "customer": map[string]any{"id": i % 977, "name": "Ada Lovelace", "mail": "ada@example.com"},
		"lines": lines, "note": strings.Repeat("handle with care ", 18),
	})
}

// fill writes n events.
func fill(b *testing.B, db *engine.Engine, table string, n int) {
	b.Helper()
	w, err := outbox.NewWriter(table, func(o *outbox.Options) { o.Source, o.Region = "orderService", "eu-west-1" })
	if err != nil {
		b.Fatal(err)
	}
	client := db.DynamoDB()
	var writers sync.WaitGroup
	var next atomic.Int64
	for range 4 {
		writers.Go(func() {
			for {
				from := int(next.Add(25)) - 25
				if from >= n {
					return
				}
				var puts []types.WriteRequest
				for i := from; i < min(from+25, n); i++ {
					ev, err := eventOf1KB(b.Context(), i)
					if err != nil {
						b.Error(err)
						return
					}
					items, err := w.Items(ev)
					if err != nil {
						b.Error(err)
						return
					}
					puts = append(puts, types.WriteRequest{PutRequest: &types.PutRequest{Item: items[0].Put.Item}})
				}
				if _, err := client.BatchWriteItem(b.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: puts}}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	writers.Wait()
	if b.Failed() {
		b.FailNow()
	}
}

// synthetic yields n events in pages of 1000.
type synthetic int

func (synthetic) Question() string { return "synthetic" }

func (s synthetic) Pages(ctx context.Context, _ json.RawMessage) iter.Seq2[relay.Page, error] {
	return func(yield func(relay.Page, error) bool) {
		ev, err := eventOf1KB(ctx, 1)
		if err != nil {
			yield(relay.Page{}, err)
			return
		}
		var stream relaytest.Stream
		record := string(stream.Insert(ev)[0])
		for from := 0; from < int(s); from += 1000 {
			page := relay.Page{Cursor: json.RawMessage(fmt.Sprint(from))}
			for i := from; i < from+1000; i++ {
				page.Records = append(page.Records, relay.Again{Record: []byte(strings.ReplaceAll(record, ev.Headers.EventID, fmt.Sprintf("event-%020d", i)))})
			}
			if !yield(page, nil) {
				return
			}
		}
	}
}

// void accepts everything and keeps nothing.
type void struct{}

func (*void) Limits() relay.Limits   { return relay.Limits{Entries: 10, Bytes: 1_000_000} }
func (*void) Size(e relay.Entry) int { return len(e.Detail) }
func (*void) Publish(_ context.Context, entries []relay.Entry) ([]relay.Result, error) {
	out := make([]relay.Result, len(entries))
	for i := range out {
		out[i].Class = relay.Accepted
	}
	return out, nil
}

package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lambdapoller"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/wirefault"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// needJQ ends the test if there is no jq.
func needJQ(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("jq"); err != nil {
		enginetest.Missing(t, "jq is missing; on Debian: apt-get install jq")
	}
}

// scanOfReadme plays the README's scan over a table, for the times from and to:
// what it prints into items.json.
func scanOfReadme(t *testing.T, db *engine.Engine, table string, from, to time.Time) []byte {
	t.Helper()
	command := regexp.MustCompile(`(?m)^aws dynamodb scan (?:.*\\\n)*.*$`).FindString(howToPublishAgain(t))
	require.NotEmpty(t, command)
	flag := func(name string) string {
		found := regexp.MustCompile(`--` + name + ` '([^']*)'`).FindStringSubmatch(command)
		if found == nil {
			return ""
		}
		return found[1]
	}
	in := &dynamodb.ScanInput{
		TableName: &table, ConsistentRead: aws.Bool(strings.Contains(command, "--consistent-read")), FilterExpression: aws.String(flag("filter-expression")),
	}
	if names := flag("expression-attribute-names"); names != "" {
		require.NoError(t, json.Unmarshal([]byte(names), &in.ExpressionAttributeNames))
	}
	values := map[string]struct{ N string }{}
	require.NoError(t, json.Unmarshal([]byte(flag("expression-attribute-values")), &values))
	require.Len(t, values, 2)
	in.ExpressionAttributeValues = map[string]types.AttributeValue{
		":from": &types.AttributeValueMemberN{Value: strconv.FormatInt(from.UnixMilli(), 10)},
		":to":   &types.AttributeValueMemberN{Value: strconv.FormatInt(to.UnixMilli(), 10)},
	}
	items := []json.RawMessage{}
	pages := dynamodb.NewScanPaginator(db.DynamoDB(), in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, item := range page.Items {
			text, err := attributevalue.MarshalMapJSON(item)
			require.NoError(t, err)
			items = append(items, text)
		}
	}
	text, err := json.Marshal(items)
	require.NoError(t, err)
	return text
}

// recordsOfReadme plays the README's jq over items.json: records.json.
func recordsOfReadme(t *testing.T, items []byte) []byte {
	t.Helper()
	return runJQ(t, "jq -c --arg stream ", "items.json", items)
}

// runJQ runs the command of the README that begins so, over a file with this text,
// and returns what it writes into records.json.
func runJQ(t *testing.T, begins, file string, text []byte) []byte {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, file), text, 0o600))
	command := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(begins) + `(?:.*\\\n)*.*$`).FindString(howToPublishAgain(t))
	require.NotEmpty(t, command)
	cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	records, err := os.ReadFile(filepath.Join(dir, "records.json"))
	require.NoError(t, err)
	return records
}

// singleTable is a layout for a table that holds other items too.
func singleTable() envelope.Layout {
	return envelope.Layout{Marker: "outbox", Keys: func(ev envelope.CustomEvent) (pk, sk string) {
		return ev.Headers.AggregateID, "EVENT#" + ev.Headers.EventID
	}}
}

// TestPublishEventsOfATime finds the events of a time by the README's commands,
// whatever the keys of their items look like, and publishes them again: those of
// an aggregate in their order, although their numbers are longer and shorter
// texts, and their items come from the table in any order.
func TestPublishEventsOfATime(t *testing.T) {
	t.Parallel()
	needJQ(t)
	layouts := map[string]struct {
		layout envelope.Layout
		sk     types.ScalarAttributeType
	}{
		"default":      {envelope.Layout{}, types.ScalarAttributeTypeN},
		"aggregate":    {envelope.AggregateLayout(), types.ScalarAttributeTypeN},
		"single table": {singleTable(), types.ScalarAttributeTypeS},
	}
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		for name, tt := range layouts {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				store := enginetest.EventStore(t, db, func(o *enginetest.TableOptions) { o.SKType = tt.sk })
				bus := enginetest.NewBus(t, enginetest.Moto(t))
				w, err := outbox.NewWriter(store.Name, func(o *outbox.Options) {
					o.Source, o.Region, o.Layout = "userService", "eu-west-1", tt.layout
				})
				require.NoError(t, err)
				first := time.UnixMilli(time.Now().UnixMilli()).Add(-time.Hour)
				from, to := first.Add(9*time.Second), first.Add(100*time.Second)
				var want []string // of the time, by aggregate and number
				for _, aggregate := range []string{"user-a", "user-b"} {
					for _, n := range []int64{8, 9, 10, 11, 99, 100, 101} { // by their texts: 10, 100, 101, 11, 8, 9, 99
						at := first.Add(time.Duration(n) * time.Second)
						ev, err := envelope.New(t.Context(), "User.Changed", map[string]int64{"n": n}, func(h *envelope.Headers) {
							h.AggregateID, h.Sequence, h.Timestamp = aggregate, n, at
						})
						require.NoError(t, err)
						items, err := w.Items(ev)
						require.NoError(t, err)
						_, err = db.DynamoDB().PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &store.Name, Item: items[0].Put.Item})
						require.NoError(t, err)
						if !at.Before(from) && !at.After(to) {
							want = append(want, ev.Headers.EventID)
						}
					}
				}
				other := map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "user-a"}, "sk": &types.AttributeValueMemberN{Value: strconv.FormatInt(from.UnixMilli(), 10)}}
				if tt.sk == types.ScalarAttributeTypeS {
					other["sk"] = &types.AttributeValueMemberS{Value: "PROFILE"}
					_, err = db.DynamoDB().PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &store.Name, Item: other})
					require.NoError(t, err)
				}

				records := recordsOfReadme(t, scanOfReadme(t, db, store.Name, from, to))
				h, err := relay.NewHandler(relay.NewEventBridge(enginetest.Moto(t).EventBridge(), bus.Name), relay.Block, func(o *relay.Options) { o.Layout = tt.layout })
				require.NoError(t, err)
				_, err = h.Invoke(t.Context(), records)
				require.NoError(t, err)
				require.Equal(t, want, idsOfRecords(t, records))
				require.ElementsMatch(t, want, enginetest.EventIDs(t, bus.Queue.Drain(t)))
			})
		}
	})
}

// idsOfRecords are the event ids in what the relay is given, in its order.
func idsOfRecords(t *testing.T, records []byte) []string {
	t.Helper()
	var event struct {
		Records []struct {
			DynamoDB struct {
				NewImage struct {
					Event struct {
						M struct {
							Headers struct {
								M struct{ EventID struct{ S string } }
							}
						}
					}
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal(records, &event))
	var ids []string
	for _, r := range event.Records {
		ids = append(ids, r.DynamoDB.NewImage.Event.M.Headers.M.EventID.S)
	}
	return ids
}

// TestPublishTheWholeStreamAgain: a second mapping from TRIM_HORIZON, to a
// function that remembers nothing, publishes all that the stream has. The relay
// that is up would pass over what it has published.
func TestPublishTheWholeStreamAgain(t *testing.T) {
	t.Parallel()
	require.Regexp(t, `aws lambda create-event-source-mapping [^`+"`"+`]*--starting-position TRIM_HORIZON`, howToPublishAgain(t))
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		p := newPath(t, db, nil, nil)
		want := map[string]int{}
		for i := range 12 {
			ev, err := p.signUp(t.Context(), t, fmt.Sprintf("u%d", i))
			require.NoError(t, err)
			want[ev.Headers.EventID] = 2
		}
		publisher := relay.NewEventBridge(enginetest.Moto(t).EventBridge(), p.bus.Name)
		version := func() *relay.Handler {
			h, err := relay.NewHandler(publisher, relay.Block, func(o *relay.Options) { o.PartialBatchResponse = true })
			require.NoError(t, err)
			return h
		}
		up := version()
		for _, h := range []*relay.Handler{up, up, version()} {
			mapping, err := lambdapoller.New(db.Streams(), p.events.StreamARN, h, func(o *lambdapoller.Options) { o.ReportBatchItemFailures = true })
			require.NoError(t, err)
			require.NoError(t, mapping.Drain(t.Context()))
		}
		got := map[string]int{}
		for _, id := range enginetest.EventIDs(t, p.bus.Queue.Drain(t)) {
			got[id]++
		}
		require.Equal(t, want, got)
	})
}

// TestPublishWhatLambdaGaveUp: the message in the on-failure queue has no event,
// but the times of its records lead to the events in the event store.
func TestPublishWhatLambdaGaveUp(t *testing.T) {
	t.Parallel()
	needJQ(t)
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		down := wirefault.Always(wirefault.PutEvents, wirefault.LostRequest())
		p := newPath(t, db, down, func(o *lambdapoller.Options) { o.MaxRetries = lambdapoller.NoRetry })
		var committed []string
		for i := range 12 {
			ev, err := p.signUp(t.Context(), t, fmt.Sprintf("u%d", i))
			require.NoError(t, err)
			committed = append(committed, ev.Headers.EventID)
		}
		require.NoError(t, p.poller.Drain(t.Context()))
		require.NotEmpty(t, p.poller.Discarded())
		require.Empty(t, p.bus.Queue.Drain(t))

		got := map[string]bool{}
		h, err := relay.NewHandler(relay.NewEventBridge(enginetest.Moto(t).EventBridge(), p.bus.Name), relay.Block)
		require.NoError(t, err)
		for _, d := range p.poller.Discarded() {
			message, err := d.JSON()
			require.NoError(t, err)
			var told struct {
				DDBStreamBatchInfo struct{ ApproximateArrivalOfFirstRecord, ApproximateArrivalOfLastRecord time.Time }
			}
			require.NoError(t, json.Unmarshal(message, &told))
			// An event is made before it is committed; AWS's times of records are in
			// whole seconds, those of an engine in whole minutes.
			from := told.DDBStreamBatchInfo.ApproximateArrivalOfFirstRecord.Add(-5 * time.Minute)
			to := told.DDBStreamBatchInfo.ApproximateArrivalOfLastRecord.Add(time.Minute)
			_, err = h.Invoke(t.Context(), recordsOfReadme(t, scanOfReadme(t, db, p.events.Name, from, to)))
			require.NoError(t, err)
			for _, id := range enginetest.EventIDs(t, p.bus.Queue.Drain(t)) {
				got[id] = true
			}
		}
		for _, id := range committed {
			require.True(t, got[id], "event %s is not published", id)
		}
	})
}

package command_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/command"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/deadletter"
)

// TestWrongCalls: whatever is wrong with a call or with the configuration ends
// with 2 and says what to do, and nothing is published.
func TestWrongCalls(t *testing.T) {
	t.Parallel()
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		w := newWorld(t, db)
		w.signUps(t, 3)
		w.write(t, "damaged.json", `{"version":1,"cursor":{"version":1,"at"`)
		w.write(t, "nonsense.json", `{"version":1,"cursor":{"version":1,"question":"?","of":"00","at":1}}`)
		w.write(t, "record.json", `{"DDBStreamBatchInfo":{"shardId":"s","startSequenceNumber":"1","endSequenceNumber":"2","approximateArrivalOfFirstRecord":"2026-11-26T00:00:00Z","approximateArrivalOfLastRecord":"2026-11-26T00:00:01Z","batchSize":2,"streamArn":"arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/x"}}`)
		w.write(t, "layout.yaml", "pk: id\n")
		w.write(t, "empty.txt", "\n")
		w.write(t, "bad.yaml", "event-table: x\n")
		same := func(args ...string) []string {
			return append(append([]string{"replay"}, args...), "--to-same-bus", "--execute")
		}
		for name, tt := range map[string]struct {
			args []string
			says []string
		}{
			"no such table":        {same("--from", "1h", "--event-store", "no-such-table"), []string{"no-such-table", "--event-store"}},
			"no such table, tail":  {[]string{"tail", "--event-store", "no-such-table"}, []string{"no-such-table", "--event-store"}},
			"no such table, id":    {[]string{"inspect", "x", "--event-store", "no-such-table"}, []string{"no-such-table", "--event-store"}},
			"no such journal":      {[]string{"audit", "--from", "1h", "--journal", "no-such-table"}, []string{"no-such-table", "--journal"}},
			"no such letters":      {[]string{"audit", "--from", "1h", "--dead-letters", "no-such-table"}, []string{"no-such-table", "--dead-letters"}},
			"foreign items":        {same("--from", "1h", "--event-store", w.users.Name), []string{"is no event store of this layout", `"pk"`, "--layout and --marker"}},
			"foreign items, audit": {[]string{"audit", "--from", "1h", "--event-store", w.users.Name}, []string{"is no event store of this layout"}},
			"another layout":       {same("--from", "1h", "--layout", "layout.yaml"), []string{`no attribute "id", but`, `"event"`}},
			"no such layout":       {same("--from", "1h", "--layout", "orders"), []string{`"orders"`, `"aggregate"`}},
			"no such bus":          {append([]string{"replay", "--from", "1h", "--execute"}, "--to-bus", "no-such-bus"), []string{"no-such-bus"}},
			"no bus is said":       {[]string{"replay", "--from", "1h", "--execute"}, []string{"--to-same-bus or --to-bus is needed"}},
			"two buses":            {same("--from", "1h", "--to-bus", "other"), []string{"--to-same-bus", "--to-bus"}},
			"no events are said":   {same(), []string{"--from is needed"}},
			"two kinds of events":  {same("--id", "x", "--aggregate", "y"), []string{"exclude each other"}},
			"id and time":          {same("--id", "x", "--from", "1h"), []string{"filters begin with --only"}},
			"times reversed":       {same("--from", "1h", "--to", "2h"), []string{"the times are reversed"}},
			"no time":              {same("--from", "yesterday"), []string{"write 2026-11-26T08:00:00Z"}},
			"time without a zone":  {same("--from", "2026-11-26T08:00:00"), []string{"with a zone"}},
			"damaged cursor":       {same("--from", "1h", "--cursor", "damaged.json", "--resume"), []string{"damaged.json is no cursor file, or a damaged one"}},
			"foreign cursor":       {same("--from", "1h", "--cursor", "nonsense.json", "--resume"), []string{"cursor", "belongs to another question"}},
			"cursor that is there": {same("--from", "1h", "--cursor", "nonsense.json"), []string{"--resume goes on from it"}},
			"nothing to resume":    {same("--from", "1h", "--resume"), []string{"--resume needs --cursor"}},
			"another stream":       {same("--on-failure-object", "record.json"), []string{`of a stream of table "orders"`}},
			"no record":            {same("--on-failure-object", "ids.txt"), []string{"ids.txt"}},
			"no on-failure record": {same("--on-failure-object", "layout.yaml"), []string{"on-failure record"}},
			"no such queue":        {same("--on-failure-queue", "no-such-queue"), []string{"no-such-queue"}},
			"bad bucket":           {same("--on-failure-object", "s3://bucket"), []string{"s3://BUCKET/KEY"}},
			"no ids":               {same("--ids", "empty.txt"), []string{"no id in empty.txt"}},
			"aggregate":            {same("--aggregate", "x"), []string{"--only-aggregates"}},
			"unknown key":          {append([]string{"--config", "bad.yaml"}, same("--from", "1h")...), []string{`no key "event-table"`}},
			"older than journal":   {same("--from", "100h", "--missing", "--journal-ttl", "24h"), []string{"--journal-ttl"}},
			"negative rate":        {same("--from", "1h", "--rate=-1"), []string{"rate"}},
			"too many segments":    {same("--from", "1h", "--segments", "5000"), []string{"segments", "1000"}},
			"audit log":            {same("--from", "1h", "--audit-log", "no/such/folder"), []string{"--audit-log"}},
		} {
			t.Run(name, func(t *testing.T) {
				for _, args := range [][]string{tt.args, append(tt.args, "--json")} {
					r := w.run(t, args...)
					require.Equal(t, 2, r.Code, "%s\n%s", r.Stdout, r.Stderr)
					for _, s := range tt.says {
						require.Contains(t, strings.ToLower(r.Stderr), strings.ToLower(s))
					}
					require.NotContains(t, r.Stderr, "ada@example.com")
				}
			})
		}
		require.Empty(t, w.wire.Accepted(), "nothing is published")
	})
}

// TestNoPermission: which action is missing, on which resource.
func TestNoPermission(t *testing.T) {
	t.Parallel()
	db := enginetest.Start(t, engine.Dynoxide)
	w := newWorld(t, db)
	w.signUps(t, 3)
	tables := newWire(t, db.URL)
	w.env = append(w.env, "AWS_ENDPOINT_URL_DYNAMODB="+tables.URL)
	for operation, args := range map[string][]string{
		"Scan":  {"replay", "--from", "1h", "--to-same-bus", "--execute"},
		"Query": {"audit", "--from", "1h"},
	} {
		tables.deny(operation)
		r := w.run(t, args...)
		require.Equal(t, 2, r.Code, r.Stderr)
		require.Contains(t, r.Stderr, "the permission dynamodb:"+operation+" on arn:aws:dynamodb:eu-west-1:123456789012:table/x is missing")
	}
	tables.deny("")
	w.wire.deny("PutEvents")
	r := w.run(t, "replay", "--from", "1h", "--to-same-bus", "--execute", "--cursor", "cursor.json")
	require.Equal(t, 2, r.Code, r.Stderr)
	require.Contains(t, r.Stderr, "the permission events:PutEvents on the bus is missing")
	require.Empty(t, w.wire.Accepted())

	w.wire.deny("")
	var done replayResult
	w.json(t, 0, &done, "replay", "--from", "1h", "--to-same-bus", "--execute", "--cursor", "cursor.json", "--resume")
	require.Equal(t, 3, done.Published, "the cursor did not pass what was refused")
}

// TestStreamOff: what reads the stream says that there is none.
func TestStreamOff(t *testing.T) {
	t.Parallel()
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		w := newWorld(t, db)
		_, err := w.client.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: &w.events.Name, StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(false)}})
		require.NoError(t, err)
		for _, args := range [][]string{{"tail"}, {"replay", "--stream", "--from", "1h", "--to-same-bus"}} {
			r := w.run(t, args...)
			require.Equal(t, 2, r.Code, r.Stderr)
			require.Contains(t, r.Stderr, "the stream of table "+w.events.Name+" is off")
		}
	})
}

// TestSomeFailed: an event that cannot be published is named, ends with 1, and
// holds up no other.
func TestSomeFailed(t *testing.T) {
	t.Parallel()
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		w := newWorld(t, db)
		ids := w.signUps(t, 20)
		poison, _ := w.poison(t)
		var r replayResult
		w.json(t, 1, &r, "replay", "--from", "1h", "--to-same-bus", "--execute", "--audit-log", "audit.log", "--reason", "test")
		require.Equal(t, len(ids), r.Published)
		require.Equal(t, 1, r.Failed)
		require.Equal(t, poison, r.Failures[0].EventID)
		require.Len(t, w.wire.EventIDs(), len(ids))

		text, err := os.ReadFile(w.dir + "/audit.log")
		require.NoError(t, err)
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		require.Len(t, lines, 2)
		var end struct {
			Phase, Caller, Reason, Region string
			Result                        replayResult
		}
		require.NoError(t, json.Unmarshal([]byte(lines[1]), &end))
		require.Equal(t, "end test "+engine.Region, end.Phase+" "+end.Reason+" "+end.Region)
		require.Contains(t, end.Caller, "arn:aws:")
		require.Equal(t, len(ids), end.Result.Published)
		require.NotContains(t, string(text), "ada@example.com")

		out := w.run(t, "replay", "--id", poison, "--to-same-bus")
		require.Equal(t, 1, out.Code, "a look says, too, what would fail")
		require.Contains(t, out.Stdout, poison)
	})
}

// TestNoEngine: nothing answers.
func TestNoEngine(t *testing.T) {
	t.Parallel()
	env := []string{"AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x", "AWS_MAX_ATTEMPTS=1", "HOME=" + t.TempDir()}
	r := command.Run(t, env, "audit", "--from", "1h")
	require.Equal(t, 2, r.Code, r.Stderr)
	require.Contains(t, r.Stderr, "AWS_ENDPOINT_URL_*")
	r = command.Run(t, append(env, "AWS_REGION="), "audit", "--from", "1h")
	require.Equal(t, 2, r.Code)
	require.Contains(t, r.Stderr, "--region")
}

// TestLettersAreNotMissing: a relay has put an event into the dead letters and
// could not tell the journal. That is for a redrive, and no replay of what is
// missing publishes it.
func TestLettersAreNotMissing(t *testing.T) {
	t.Parallel()
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		w := newWorld(t, db)
		ids := w.signUps(t, 3)
		require.NoError(t, deadletter.New(w.client, w.letters.Name).Put(t.Context(), relay.DeadLetter{EventID: ids[0], Code: "TooLarge", Record: []byte("{}"), StreamARN: w.events.StreamARN, SequenceNumber: "1", Time: time.Now()}))
		var audit auditResult
		w.json(t, 1, &audit, "audit", "--from", "1h", "--lag", "0s")
		require.Equal(t, auditResult{Committed: 3, DeadLettered: 1, NeverAccepted: 2}, audit)
		var r replayResult
		w.json(t, 0, &r, "replay", "--from", "1h", "--missing", "--to-same-bus", "--execute")
		require.Equal(t, 2, r.Published)
		require.NotContains(t, w.wire.EventIDs(), ids[0])
		w.json(t, 0, &r, "replay", "--from", "1h", "--missing", "--to-same-bus", "--execute", "--dead-letters", "none")
		require.Equal(t, map[string]int{ids[0]: 1, ids[1]: 1, ids[2]: 1}, w.wire.EventIDs())
	})
}

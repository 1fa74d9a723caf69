package preflight

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// runsEnv names the variable with the number of transactions that
// TestPreflightIsTheEnginesVerdict makes, if not propertyRuns.
const (
	runsEnv      = "OUTBOX_PROPERTY_RUNS"
	propertyRuns = 10_000
	workers      = 8
)

// slower is by how much fewer transactions an engine gets that takes longer.
var slower = map[engine.Name]int{engine.MiniStack: 10}

// Over transactions made at random: what Append refuses, the engine refuses, so
// there is no false refusal; and Check takes a transaction if, and only if, the
// engine does. Where an engine is known to deviate from DynamoDB, see tolerated.
// What a request does not show is not made: each such place in the generator says
// what, and names the test that has it as a row.
func TestPreflightIsTheEnginesVerdict(t *testing.T) {
	runs := propertyRuns
	if s := os.Getenv(runsEnv); s != "" {
		n, err := strconv.Atoi(s)
		require.NoError(t, err, runsEnv)
		runs = n
	}
	enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) {
		checkProperty(t, world{engine: e, db: client(e)}, runs/max(1, slower[e.Name]))
	})
}

func checkProperty(t *testing.T, w world, runs int) {
	tables := makeSchemas(t, w.db)
	// pk S and sk N as an event store has them; PK and SK of a single table.
	stores := tables[len(tables)-2:]
	writers := make([]map[bool]*outbox.Writer, len(stores)) // by whether payloads are text
	for i, s := range stores {
		writers[i] = map[bool]*outbox.Writer{}
		for _, asText := range []bool{false, true} {
			writer, err := outbox.NewWriter(*s.table, func(o *outbox.Options) {
				o.Source, o.PayloadAsText = "userService", asText
				if s.pk == "PK" {
					o.Layout = envelope.Layout{PK: "PK", SK: "SK", Marker: "_outbox", Attributes: map[string]string{"entity": "Event"},
						Keys: func(ev envelope.CustomEvent) (string, string) { return "EVENT#" + ev.Headers.EventID, "EVENT" }}
				}
			})
			require.NoError(t, err)
			writers[i][asText] = writer
		}
	}
	checks := flag.Lookup("rapid.checks")
	before := checks.Value.String()
	require.NoError(t, checks.Value.Set(strconv.Itoa((runs+workers-1)/workers)))
	t.Cleanup(func() { _ = checks.Value.Set(before) })

	var ids atomic.Int64
	var seen tally
	t.Run("workers", func(t *testing.T) {
		for worker := range workers {
			t.Run(strconv.Itoa(worker), func(t *testing.T) {
				t.Parallel()
				rapid.Check(t, func(rt *rapid.T) {
					tx := rapid.Custom(func(rt *rapid.T) transaction {
						g := &generator{draw: draw{t: rt}, prefix: fmt.Sprintf("w%d-", worker), block: 10_000 * worker, ids: &ids}
						return g.transaction(tables, writers)
					}).Draw(rt, "transaction")
					seen.add(w.judge(rt, tx))
				})
			})
		}
	})
	t.Logf("%s", &seen)
	if !t.Failed() && runs >= propertyRuns {
		seen.requireAll(t)
	}
}

// judge requires that library and engine say the same of a transaction. It
// returns the rule that the library refuses it by, of Append's if it is one.
func (w world) judge(rt *rapid.T, tx transaction) outbox.Rule {
	items, err := tx.writer.Items(tx.events...)
	require.NoError(rt, err)
	in := &dynamodb.TransactWriteItemsInput{TransactItems: tx.actions, ClientRequestToken: tx.token}
	whole := *in
	whole.TransactItems = slices.Concat(in.TransactItems, items)

	check, theirs := tx.writer.Check(&whole), w.send(rt, &whole)
	appended := tx.writer.Append(in, tx.events...)
	if appended != nil {
		require.Equal(rt, check, appended, "Check is no milder than Append")
	}
	if (check == nil) != (theirs == nil) && !w.tolerates(check, theirs) {
		rt.Fatalf("Append: %v\nCheck: %v\ntheirs: %v", appended, check, theirs)
	}
	for i, a := range items {
		if theirs == nil && len(tx.events[i].Payload) > 10_000 { // the engine's memory is small
			key := attrs{tx.store.pk: a.Put.Item[tx.store.pk], tx.store.sk: a.Put.Item[tx.store.sk]}
			_, err := w.db.DeleteItem(background, &dynamodb.DeleteItemInput{TableName: tx.store.table, Key: key})
			require.NoError(rt, err)
		}
	}
	var refusal *outbox.PreflightError
	if errors.As(check, &refusal) {
		return refusal.Rule
	}
	return ""
}

// tally counts transactions by the rule that refuses them.
type tally struct {
	mu    sync.Mutex // guards rules
	rules map[outbox.Rule]int
}

func (s *tally) add(rule outbox.Rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rules == nil {
		s.rules = map[outbox.Rule]int{}
	}
	s.rules[rule]++
}

func (s *tally) String() string {
	total := 0
	lines := []string{}
	for rule, n := range s.rules {
		total += n
		if rule == "" {
			rule = "taken"
		}
		lines = append(lines, fmt.Sprintf("%d %s", n, rule))
	}
	slices.Sort(lines)
	return fmt.Sprintf("%d transactions: %s", total, strings.Join(lines, ", "))
}

// requireAll checks that the generator has made transactions of every kind.
func (s *tally) requireAll(t *testing.T) {
	for _, rule := range []outbox.Rule{"", outbox.RuleValue, outbox.RuleAction, outbox.RuleActions, outbox.RuleItemSize, outbox.RuleKeySize,
		outbox.RuleExpressionSize, outbox.RuleTransactionSize, outbox.RuleSameItem, outbox.RuleToken} {
		require.NotZero(t, s.rules[rule], "no transaction was refused by the rule %q", rule)
	}
}

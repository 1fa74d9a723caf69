package relaytest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// function is a Lambda function.
type function func(ctx context.Context, records []string) (answer string, err error)

// Invoke calls f with the orders of the records.
func (f function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var event struct{ Records []recordOf }
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	var ids []string
	for _, r := range event.Records {
		ids = append(ids, strings.TrimPrefix(r.Dynamodb.Keys.PK.S, "order-"))
	}
	answer, err := f(ctx, ids)
	clear(payload) // it may do that
	return []byte(answer), err
}

var errRefused = errors.New("refused")

// refusing fails with every batch that has one of these orders in it.
func refusing(ids ...string) function {
	return func(_ context.Context, records []string) (string, error) {
		for _, id := range ids {
			if slices.Contains(records, id) {
				return "", errRefused
			}
		}
		return "", nil
	}
}

// batches are the orders of each invocation, "0-2" for the first three.
func batches(t *testing.T, d relaytest.Delivery) (out []string) {
	t.Helper()
	for _, in := range d.Invocations {
		ids := order(t, in.Records)
		out = append(out, ids[0]+"-"+ids[len(ids)-1])
	}
	return out
}

// lost are the orders that were given up.
func lost(t *testing.T, d relaytest.Delivery) (ids []string) {
	t.Helper()
	for _, g := range d.GivenUp {
		ids = append(ids, order(t, g.Records)...)
	}
	return ids
}

// deliver delivers n events that have just been written.
func deliver(t *testing.T, n int, f function, m relaytest.Mapping) relaytest.Delivery {
	t.Helper()
	var s relaytest.Stream
	return relaytest.Deliver(t, f, s.Insert(newEvents(t, n)...), m)
}

// sequenceOf is the sequence number of an order, the nth record of its stream.
func sequenceOf(n int) string { return fmt.Sprintf("4%020d", n+1) }

func partialAnswer(n int) string {
	return fmt.Sprintf(`{"batchItemFailures":[{"itemIdentifier":%q}]}`, sequenceOf(n))
}

func TestBatches(t *testing.T) {
	for _, tt := range []struct {
		name string
		f    function
		m    relaytest.Mapping
		want []string
		lost []string
	}{
		{"100 by default", refusing(), relaytest.Mapping{}, []string{"0-8"}, nil},
		{"by size", refusing(), relaytest.Mapping{BatchSize: 4}, []string{"0-3", "4-7", "8-8"}, nil},
		{"an error brings the whole batch again", refusing("2"), relaytest.Mapping{BatchSize: 4, MaximumRetryAttempts: 2},
			[]string{"0-3", "0-3", "0-3", "4-7", "8-8"}, []string{"0", "1", "2", "3"}},
		{"no retry", refusing("2"), relaytest.Mapping{BatchSize: 4, MaximumRetryAttempts: relaytest.NoRetry},
			[]string{"0-3", "4-7", "8-8"}, []string{"0", "1", "2", "3"}},
		{"bisect isolates, and a split is no retry", refusing("2"), relaytest.Mapping{BatchSize: 4, MaximumRetryAttempts: 1, BisectBatchOnFunctionError: true},
			[]string{"0-3", "0-1", "2-3", "2-2", "2-2", "3-3", "4-7", "8-8"}, []string{"2"}},
		{"a partial answer is a checkpoint", answering(partialAnswer(2)), relaytest.Mapping{BatchSize: 4, MaximumRetryAttempts: 1, ReportBatchItemFailures: true},
			[]string{"0-3", "2-3", "4-7", "4-7", "8-8", "8-8"}, []string{"2", "3", "4", "5", "6", "7", "8"}},
		{"bisect splits at the checkpoint, which is no retry", answering(partialAnswer(2)),
			relaytest.Mapping{BatchSize: 4, MaximumRetryAttempts: relaytest.NoRetry, BisectBatchOnFunctionError: true, ReportBatchItemFailures: true},
			[]string{"0-3", "2-3", "2-2", "3-3", "4-7", "4-5", "4-4", "5-5", "6-7", "6-6", "7-7", "8-8"}, []string{"2", "3", "4", "5", "6", "7", "8"}},
		{"a mapping that ignores partial answers", answering(partialAnswer(2)), relaytest.Mapping{BatchSize: 4},
			[]string{"0-3", "4-7", "8-8"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := deliver(t, 9, tt.f, tt.m)
				require.Equal(t, tt.want, batches(t, d))
				require.Equal(t, tt.lost, lost(t, d))
				for _, g := range d.GivenUp {
					require.Equal(t, relaytest.RetryAttemptsExhausted, g.Condition)
				}
			})
		})
	}
}

// answering always gives that answer.
func answering(answer string) function {
	return func(context.Context, []string) (string, error) { return answer, nil }
}

// What an answer makes done, of four records that are 8 to 11 in the stream.
func TestAnswersOfAFunction(t *testing.T) {
	failed := func(list string) string { return `{"batchItemFailures":[` + list + `]}` }
	item := func(n int) string { return fmt.Sprintf(`{"itemIdentifier":%q}`, sequenceOf(n)) }
	for answer, want := range map[string]int{
		``: 4, `null`: 4, `{}`: 4, `{"ok":true}`: 4, failed(``): 4, `{"batchItemFailures":null}`: 4,
		failed(item(10)): 2, failed(item(8)): 0, failed(item(11)): 3,
		failed(item(11) + "," + item(9) + "," + item(10)): 1, // the lowest counts

		failed(strings.Replace(item(10), `"4`, `"0004`, 1)): 2, // as a number
		failed(item(12)): 0, failed(`{"itemIdentifier":""}`): 0, failed(`{"itemIdentifier":null}`): 0, failed(`{}`): 0,
		failed(strings.Replace(item(10), "item", "Item", 1)): 0, failed(item(10) + `,{"itemIdentifier":""}`): 0,
		failed(item(10) + `,{"itemIdentifier":"` + strings.Repeat("x", 40) + `"}`): 0,
		strings.Replace(failed(item(10)), "batch", "Batch", 1):                     4, // another name
		failed(`{"itemIdentifier":10}`):                                            0, failed(`{"itemIdentifier":"shard"}`): 0,
		`{"batchItemFailures":"x"}`: 0, `"ok"`: 0, `{"batchItemFailures":[`: 0,
	} {
		var s relaytest.Stream
		records := s.Insert(newEvents(t, 12)...)[8:]
		m := relaytest.Mapping{ReportBatchItemFailures: true, MaximumRetryAttempts: relaytest.NoRetry}
		d := relaytest.Deliver(t, answering(answer), records, m)
		require.Equal(t, want, d.Invocations[0].Done, answer)
		require.Len(t, lost(t, d), 4-want, answer)
		require.Equal(t, answer, string(d.Invocations[0].Answer))

		m.ReportBatchItemFailures = false
		require.Equal(t, 4, relaytest.Deliver(t, answering(answer), records, m).Invocations[0].Done, "ignored: %s", answer)
	}
}

// 6 MB is what one invocation can carry. In virtual time, for reading that much may
// take longer than a function has.
func TestLargeBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s relaytest.Stream
		var items []json.RawMessage
		for i, size := range []int{2 << 20, 3 << 20, 1 << 20} {
			items = append(items, fmt.Appendf(nil, `{"pk":{"S":"order-%d"},"text":{"S":%q}}`, i, strings.Repeat("x", size)))
		}
		d := relaytest.Deliver(t, refusing(), s.InsertItem(items...), relaytest.Mapping{})
		require.Equal(t, []string{"0-1", "2-2"}, batches(t, d))
	})
}

func TestAge(t *testing.T) {
	for _, tt := range []struct {
		name      string
		age       time.Duration // of the records at the begin
		m         relaytest.Mapping
		condition string
		lasts     time.Duration
	}{
		{"the stream keeps 24 h", 0, relaytest.Mapping{}, relaytest.StreamExpired, 24 * time.Hour},
		{"and has kept them for a while", 20 * time.Hour, relaytest.Mapping{}, relaytest.StreamExpired, 4 * time.Hour},
		{"the mapping gives them up", 0, relaytest.Mapping{MaximumRecordAge: time.Hour}, relaytest.RecordAgeExceeded, time.Hour},
		{"no longer than the stream", 0, relaytest.Mapping{MaximumRecordAge: 48 * time.Hour}, relaytest.StreamExpired, 24 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s relaytest.Stream
				begin := time.Now()
				d := relaytest.Deliver(t, refusing("0"), relaytest.Age(tt.age, s.Insert(newEvents(t, 2)...)), tt.m)
				require.Equal(t, []string{"0", "1"}, lost(t, d))
				require.Equal(t, tt.condition, d.GivenUp[0].Condition)
				require.InDelta(t, tt.lasts.Minutes(), time.Since(begin).Minutes(), 2)
				require.Equal(t, len(d.Invocations), d.GivenUp[0].Invocations)
				require.Greater(t, len(d.Invocations), 50)
			})
		})
	}
	t.Run("too old before the first try", func(t *testing.T) {
		var s relaytest.Stream
		events := newEvents(t, 2)
		records := append(relaytest.Age(25*time.Hour, s.Insert(events[0])), s.Insert(events[1])...)
		d := relaytest.Deliver(t, refusing(), records, relaytest.Mapping{})
		require.Equal(t, []string{"1-1"}, batches(t, d))
		require.Equal(t, []string{"0"}, lost(t, d))
		require.Zero(t, d.GivenUp[0].Invocations)
	})
}

func TestTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		d := deliver(t, 5, refusing(), relaytest.Mapping{BatchSize: 3, MaximumBatchingWindow: 20 * time.Second})
		require.Equal(t, begin, d.Invocations[0].Begin, "a full batch does not wait")
		require.Equal(t, begin.Add(20*time.Second), d.Invocations[1].Begin)
	})
}

// A function that takes too long is killed: its answer does not count, and what it
// remembers is gone.
func TestTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		starts := 1
		start := func() relaytest.Handler {
			starts++
			return refusing()
		}
		var deadline time.Time
		slow := function(func(ctx context.Context, _ []string) (string, error) {
			deadline, _ = ctx.Deadline()
			<-ctx.Done()
			return "", nil // too late, by nothing
		})
		var s relaytest.Stream
		begin := time.Now()
		d := relaytest.Deliver(t, slow, s.Insert(newEvents(t, 2)...), relaytest.Mapping{ColdStart: start, BatchSize: 1})
		require.Equal(t, []string{"0-0", "0-0", "1-1"}, batches(t, d))
		require.Equal(t, begin.Add(3*time.Second), deadline, "Lambda's default")
		require.ErrorIs(t, d.Invocations[0].Err, context.DeadlineExceeded)
		require.Equal(t, begin.Add(3*time.Second), d.Invocations[0].End)
		require.Equal(t, []int{1, 2, 2}, processes(d))
		require.Equal(t, 2, starts)
	})
}

// An answer that comes at the very end of the time is too late, each time.
func TestAnswersAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 30
		d := deliver(t, n, func(context.Context, []string) (string, error) {
			<-time.After(10 * time.Second)
			return "{}", nil
		}, relaytest.Mapping{BatchSize: 1, Timeout: 10 * time.Second, MaximumRetryAttempts: relaytest.NoRetry})
		require.Len(t, lost(t, d), n)
	})
}

// A function that ignores its context is left behind.
func TestAFunctionThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := deliver(t, 1, func(context.Context, []string) (string, error) {
			<-time.After(time.Hour)
			return "", nil
		}, relaytest.Mapping{Timeout: 10 * time.Second, MaximumRetryAttempts: relaytest.NoRetry})
		require.Equal(t, []string{"0"}, lost(t, d))
		require.Equal(t, 10*time.Second, d.Invocations[0].End.Sub(d.Invocations[0].Begin))
		<-time.After(2 * time.Hour) // it goes on in the background, and ends
	})
}

func processes(d relaytest.Delivery) (numbers []int) {
	for _, in := range d.Invocations {
		numbers = append(numbers, in.Process)
	}
	return numbers
}

func TestProcesses(t *testing.T) {
	panics := 1
	for _, tt := range []struct {
		name string
		f    function
		m    relaytest.Mapping
		want []int
	}{
		{"one", refusing(), relaytest.Mapping{}, []int{1, 1, 1, 1}},
		{"each has two invocations", refusing(), relaytest.Mapping{InvocationsPerProcess: 2}, []int{1, 1, 2, 2}},
		{"every third dies", refusing(), relaytest.Mapping{CrashEvery: 3}, []int{1, 1, 1, 2, 2}},
		{"an error kills nobody", refusing("2"), relaytest.Mapping{MaximumRetryAttempts: 1}, []int{1, 1, 1, 1, 1}},
		{"a panic does", func(context.Context, []string) (string, error) {
			if panics--; panics == 0 {
				panic("once")
			}
			return "", nil
		}, relaytest.Mapping{}, []int{1, 2, 2, 2, 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				started := 1
				tt.m.BatchSize = 1
				tt.m.ColdStart = func() relaytest.Handler { started++; return tt.f }
				d := deliver(t, 4, tt.f, tt.m)
				require.Equal(t, tt.want, processes(d))
				require.Equal(t, slices.Max(tt.want), started)
			})
		})
	}
}

// The work of a process that dies is done, and its batch comes again.
func TestCrashes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		worked := map[string]int{}
		d := deliver(t, 4, func(_ context.Context, ids []string) (string, error) {
			for _, id := range ids {
				worked[id]++
			}
			return "", nil
		}, relaytest.Mapping{BatchSize: 2, CrashEvery: 2})
		require.Equal(t, map[string]int{"0": 1, "1": 1, "2": 2, "3": 2}, worked)
		require.ErrorContains(t, d.Invocations[1].Err, "died")
		require.Empty(t, d.GivenUp)
	})
}

// Shards and the lanes of a shard are delivered at once, each in its own order.
func TestLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aggregates := envelope.AggregateLayout()
		s := relaytest.Stream{Layout: aggregates}
		var events []envelope.CustomEvent
		for i := range 200 {
			events = append(events, newEvent(t, `1`, func(h *envelope.Headers) {
				h.AggregateID, h.Sequence = fmt.Sprint("order-", i%20), int64(i/20+1)
			}))
		}
		var mu sync.Mutex // guards what follows
		busy, most := 0, 0
		f := function(func(context.Context, []string) (string, error) {
			mu.Lock()
			busy++
			most = max(most, busy)
			mu.Unlock()
			<-time.After(time.Second)
			mu.Lock()
			busy--
			mu.Unlock()
			return "", nil
		})
		d := relaytest.Deliver(t, f, s.Insert(events...), relaytest.Mapping{BatchSize: 10, Shards: 4, ParallelizationFactor: 2})
		require.Equal(t, 8, most)
		require.Len(t, slices.Compact(slices.Sorted(slices.Values(processes(d)))), 8)
		shardOf := map[string]int{}
		seen := map[string]bool{}
		for _, in := range d.Invocations {
			for _, r := range decoded(t, in.Records) {
				if shard, ok := shardOf[r.Dynamodb.Keys.PK.S]; ok {
					require.Equal(t, shard, in.Shard, "a partition key has one shard")
				}
				shardOf[r.Dynamodb.Keys.PK.S] = in.Shard
				require.False(t, seen[r.Dynamodb.SequenceNumber])
				seen[r.Dynamodb.SequenceNumber] = true
			}
			order(t, in.Records)
		}
		require.Len(t, seen, 200)
		require.True(t, slices.IsSortedFunc(d.Invocations, func(a, b relaytest.Invocation) int { return a.Begin.Compare(b.Begin) }))
	})
}

// What the on-failure queue is told, in the shape that AWS shows.
func TestTheMessageOnFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := deliver(t, 3, refusing("1"), relaytest.Mapping{MaximumRetryAttempts: 2})
		require.Len(t, d.GivenUp, 1)
		require.JSONEq(t, fmt.Sprintf(`{"requestContext":{"condition":"RetryAttemptsExhausted","approximateInvokeCount":3},"version":"1.0",
			"timestamp":%q,"DDBStreamBatchInfo":{"shardId":"shardId-00000000000000000000","startSequenceNumber":%q,"endSequenceNumber":%q,
			"approximateArrivalOfFirstRecord":"2000-01-01T00:00:00Z","approximateArrivalOfLastRecord":"2000-01-01T00:00:00Z","batchSize":3,
			"streamArn":"arn:aws:dynamodb:eu-west-1:123456789012:table/event-store/stream/2000-01-01T00:00:00.000"}}`,
			time.Now().Format(time.RFC3339Nano), sequenceOf(0), sequenceOf(2)), string(d.GivenUp[0].Message()))
	})
}

// A test that cannot be right fails, and nothing is delivered.
func TestWhatDeliverCannotUse(t *testing.T) {
	var s relaytest.Stream
	sound := s.Insert(newEvents(t, 2)...)
	never := function(func(context.Context, []string) (string, error) { panic("called") })
	for _, tt := range []struct {
		name    string
		h       relaytest.Handler
		records []json.RawMessage
		m       relaytest.Mapping
		want    []string
	}{
		{"no handler", nil, sound, relaytest.Mapping{}, []string{"the handler is nil"}},
		{"fields out of range", never, sound, relaytest.Mapping{BatchSize: 10_001, ParallelizationFactor: 11, MaximumRecordAge: time.Second, CrashEvery: 1, Shards: -1},
			[]string{"Mapping.BatchSize: 10001 is out of range, 1 to 10000", "Mapping.ParallelizationFactor", "Mapping.MaximumRecordAge: 1s", "Mapping.CrashEvery", "Mapping.Shards"}},
		{"no records", never, []json.RawMessage{json.RawMessage(`{`), json.RawMessage(`{"dynamodb":{"SequenceNumber":"x"}}`)}, relaytest.Mapping{},
			[]string{"record 0: not a stream record", `record 1: dynamodb.SequenceNumber is "x"`}},
		{"out of order", never, []json.RawMessage{sound[1], sound[0]}, relaytest.Mapping{MaximumRetryAttempts: relaytest.NoRetry}, []string{"record 1: its sequence number 400000000000000000001 is lower"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fakeT{ctx: t.Context()}
			d := relaytest.Deliver(f, tt.h, tt.records, tt.m)
			require.Empty(t, d)
			require.Len(t, f.errors, 1)
			for _, want := range tt.want {
				require.Contains(t, f.errors[0], want)
			}
		})
	}
	t.Run("a test that ends", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			f := &fakeT{ctx: ctx}
			relaytest.Deliver(f, refusing("0"), sound, relaytest.Mapping{})
			require.Len(t, f.errors, 1)
			require.Contains(t, f.errors[0], "the test has ended")
		})
	})
	require.Empty(t, relaytest.Deliver(t, never, nil, relaytest.Mapping{}), "nothing to deliver is no fault")
}

// A record may say its time in quotes, or not at all.
func TestTimesOfOtherStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s relaytest.Stream
		records := relaytest.Age(25*time.Hour, s.Insert(newEvents(t, 1)...))
		old := strings.Replace(string(records[0]), `DateTime":`, `DateTime":"`, 1)
		quoted := json.RawMessage(strings.Replace(old, `,"Keys"`, `","Keys"`, 1))
		d := relaytest.Deliver(t, refusing(), []json.RawMessage{quoted}, relaytest.Mapping{})
		require.Empty(t, d.Invocations)
		require.Equal(t, []json.RawMessage{quoted}, d.GivenUp[0].Records)
		without := json.RawMessage(strings.Replace(string(records[0]), "ApproximateCreationDateTime", "Other", 1))
		d = relaytest.Deliver(t, refusing(), []json.RawMessage{without}, relaytest.Mapping{})
		require.Empty(t, d.GivenUp)
	})
}

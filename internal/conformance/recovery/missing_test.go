package recovery_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lambdapoller"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/journal"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/recovery"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// newJournal makes a journal on the world's engine.
func newJournal(t *testing.T, w *world) *journal.Table {
	t.Helper()
	return journal.New(w.db, enginetest.BusinessTable(t, w.engine, func(o *enginetest.TableOptions) { o.SK, o.SKType = "sk", types.ScalarAttributeTypeS }).Name)
}

// TestWhatTheJournalLacks: the relay publishes a part, and is down for the rest. A
// replay of what the journal lacks publishes the rest and nothing else, and a
// second one nothing at all.
func TestWhatTheJournalLacks(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		j := newJournal(t, w)
		b := &relaytest.Bus{}
		withJournal := func(o *relay.Options) { o.Journal = j }
		up := true
		h := w.handler(t, b, withJournal)
		relayed := lambdapoller.HandlerFunc(func(ctx context.Context, event []byte) ([]byte, error) {
			if !up {
				return nil, errors.New("down")
			}
			return h.Invoke(ctx, event)
		})
		p, err := lambdapoller.New(w.engine.Streams(), w.table.StreamARN, relayed, func(o *lambdapoller.Options) { o.GiveUp = true })
		require.NoError(t, err)
		w.commit(t, 150, 5)
		require.NoError(t, p.Drain(t.Context()))
		up = false
		w.commit(t, 300, 5)
		require.NoError(t, p.Drain(t.Context()))
		require.Len(t, b.Entries(), 150)

		replay := func(option ...func(*relay.ReplayOptions)) relay.ReplayReport {
			source := recovery.EventStore(w.db, w.table.Name, w.layout, w.begin, time.Now().Add(time.Hour))
			report, err := relay.Replay(t.Context(), source, w.handler(t, b, withJournal), append(option, sameBus, func(o *relay.ReplayOptions) { o.MissingFrom = j })...)
			require.NoError(t, err)
			return report
		}
		dry := replay(func(o *relay.ReplayOptions) { o.DryRun = true })
		require.Equal(t, []int{150, 150}, []int{dry.Published, dry.Filtered})
		require.Len(t, b.Entries(), 150)
		report := replay()
		require.Equal(t, []int{150, 150}, []int{report.Published, report.Filtered})
		require.ElementsMatch(t, w.ids(), idsIn(b), "each exactly once")
		report = replay()
		require.Equal(t, []int{0, 300}, []int{report.Published, report.Filtered}, "the journal was told")
	})
}

// forgetful is a stream that has forgotten everything up to now: what is asked for
// by number is trimmed, and the oldest record that it has is the next one.
type forgetful struct{ *dynamodbstreams.Client }

func (f forgetful) GetShardIterator(ctx context.Context, in *dynamodbstreams.GetShardIteratorInput, optFns ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error) {
	switch in.ShardIteratorType {
	case streamtypes.ShardIteratorTypeAtSequenceNumber, streamtypes.ShardIteratorTypeAfterSequenceNumber:
		return nil, &streamtypes.TrimmedDataAccessException{Message: aws.String("trimmed by the test")}
	case streamtypes.ShardIteratorTypeTrimHorizon:
		changed := *in
		changed.ShardIteratorType = streamtypes.ShardIteratorTypeLatest
		in = &changed
	}
	return f.Client.GetShardIterator(ctx, in, optFns...)
}

// TestOnFailure: Lambda gives all batches up. What it leaves in a queue and in a
// bucket is published again: from the payload, from the stream, and, when that has
// forgotten, from the event store.
func TestOnFailure(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		down := lambdapoller.HandlerFunc(func(context.Context, []byte) ([]byte, error) { return nil, errors.New("down") })
		p, err := lambdapoller.New(w.engine.Streams(), w.table.StreamARN, down, func(o *lambdapoller.Options) {
			o.GiveUp, o.BatchSize = true, 100
		})
		require.NoError(t, err)
		w.commit(t, 100, 5)
		require.NoError(t, p.Drain(t.Context()))
		w.commit(t, 110, 5) // which no batch has
		j := newJournal(t, w)
		streams := w.engine.Streams()
		for name, c := range map[string]struct {
			client  recovery.StreamAPIClient
			text    func(lambdapoller.Discard) ([]byte, error)
			journal bool
		}{
			"an object with the batch":            {client: nil, text: lambdapoller.Discard.S3},
			"a message":                           {client: streams, text: lambdapoller.Discard.JSON},
			"a message, the stream has forgotten": {client: forgetful{streams}, text: lambdapoller.Discard.JSON, journal: true},
		} {
			t.Run(name, func(t *testing.T) {
				b := &relaytest.Bus{}
				for _, d := range p.Discarded() {
					text, err := c.text(d)
					require.NoError(t, err)
					client := c.client
					if client == nil {
						client = streams
					}
					source := recovery.OnFailure(client, w.db, w.table.Name, w.layout, text)
					h := w.handler(t, b)
					if c.journal {
						h = w.handler(t, b, func(o *relay.Options) { o.Journal = j })
					}
					report, err := relay.Replay(t.Context(), source, h, sameBus, func(o *relay.ReplayOptions) {
						if c.journal {
							o.MissingFrom = j
						}
					})
					require.NoError(t, err)
					require.Empty(t, report.Missing)
					require.Zero(t, report.Failed)
				}
				want := w.ids()[:100]
				if c.journal {
					want = w.ids() // the window holds the others, too
				}
				require.ElementsMatch(t, want, idsIn(b), "each once")
			})
		}
		t.Run("an event is gone, too", func(t *testing.T) {
			for _, item := range w.table.Items(t, w.engine)[:105] {
				key := map[string]string{w.layout.WithDefaults().PK: "", w.layout.WithDefaults().SK: ""}
				for name := range item {
					if _, ok := key[name]; !ok {
						delete(item, name)
					}
				}
				_, err := w.db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &w.table.Name, Key: item})
				require.NoError(t, err)
			}
			text, err := p.Discarded()[0].JSON()
			require.NoError(t, err)
			report, err := relay.Replay(t.Context(), recovery.OnFailure(forgetful{streams}, w.db, w.table.Name, w.layout, text), w.handler(t, &relaytest.Bus{}), sameBus)
			require.NoError(t, err)
			require.Len(t, report.Missing, 1)
			size := len(p.Discarded()[0].Records)
			require.Equal(t, size-report.Published, report.Missing[0].Events)
			require.Less(t, report.Published, size)
		})
	})
}

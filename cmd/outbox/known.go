package main

import (
	"context"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// known reads the journal and the dead letters as one: what either of them has is
// not missing. A relay may have put a letter down and not been able to tell the
// journal.
type known struct {
	journal relay.JournalReader
	letters func(context.Context) iter.Seq2[string, error] // nil where there are none
	read    bool
}

// Accepted yields both. The letters come at the first question only.
func (k *known) Accepted(ctx context.Context, from, to time.Time) iter.Seq2[relay.Done, error] {
	return func(yield func(relay.Done, error) bool) {
		for d, err := range k.journal.Accepted(ctx, from, to) {
			if !yield(d, err) || err != nil {
				return
			}
		}
		if k.letters == nil || k.read {
			return
		}
		k.read = true
		for id, err := range k.letters(ctx) {
			if !yield(relay.Done{EventID: id, DeadLettered: true, At: from}, err) || err != nil {
				return
			}
		}
	}
}

// Validate returns what is wrong with the journal.
func (k *known) Validate() error {
	if v, ok := k.journal.(relay.Validator); ok {
		return v.Validate()
	}
	return nil
}

// reader is the journal and the dead letters of a deployment.
func (c *replayCmd) reader(cfg aws.Config) relay.JournalReader {
	return &known{journal: c.table(cfg, c.Name), letters: c.deadLetters(cfg, c.Name).ids()}
}

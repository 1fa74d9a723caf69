package audit

import (
	"context"
	"encoding/json"
	"iter"
	"sync"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// tee is a source that keeps the records of its pages until they are asked for.
// The replay reads ahead, in another goroutine.
type tee struct {
	relay.Source

	mu    sync.Mutex
	pages [][]relay.Again // guarded by mu
}

// Pages yields the pages of the source.
func (t *tee) Pages(ctx context.Context, cursor json.RawMessage) iter.Seq2[relay.Page, error] {
	return func(yield func(relay.Page, error) bool) {
		for page, err := range t.Source.Pages(ctx, cursor) {
			if err == nil {
				t.mu.Lock()
				t.pages = append(t.pages, page.Records)
				t.mu.Unlock()
			}
			if !yield(page, err) || err != nil {
				return
			}
		}
	}
}

// Validate returns what is wrong with the source.
func (t *tee) Validate() error {
	if v, ok := t.Source.(relay.Validator); ok {
		return v.Validate()
	}
	return nil
}

// next returns the records of the next page.
func (t *tee) next() []relay.Again {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.pages) == 0 {
		return nil
	}
	page := t.pages[0]
	t.pages = t.pages[1:]
	return page
}

// nothing is a bus that takes everything. A replay that only looks does not even
// ask it.
type nothing struct{}

func (nothing) Limits() relay.Limits { return relay.Limits{Entries: 1000, Bytes: 1 << 30} }

func (nothing) Size(e relay.Entry) int { return len(e.Detail) }

func (nothing) Publish(_ context.Context, entries []relay.Entry) ([]relay.Result, error) {
	results := make([]relay.Result, len(entries))
	for i := range results {
		results[i] = relay.Result{Class: relay.ConfigFault, Code: "OnlyLooking"}
	}
	return results, nil
}

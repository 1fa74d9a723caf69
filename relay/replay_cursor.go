package relay

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// ErrCursor is wrapped by the error for a cursor that is damaged, or that belongs
// to another question, other filters, another bus, another mark, or a handler with
// another Region or Layout.
var ErrCursor = errors.New("relay: the cursor cannot be used")

const cursorVersion = 1

// cursor is what ReplayOptions.Cursor holds, as JSON.
type cursor struct {
	Version  int             `json:"version"`
	Question string          `json:"question"` // for a person, cut off
	Of       string          `json:"of"`       // the hash of all that it is bound to
	At       json.RawMessage `json:"at"`       // the source's own
}

// newCursor returns the cursor of a replay at its beginning. It is bound to what the
// handler skips, too.
func (o *ReplayOptions) newCursor(question string, h *Handler) cursor {
	sorted := func(s []string) []string { return slices.Compact(slices.Sorted(slices.Values(s))) }
	text, _ := json.Marshal([]any{
		question, o.To.bus, o.To.same, sorted(o.Names), sorted(o.Sources), sorted(o.Aggregates), o.Mark, o.DryRun, o.MissingFrom != nil,
		h.opts.Region, h.opts.Layout.Event, h.opts.Layout.Marker,
	})
	sum := sha256.Sum256(text)
	return cursor{Version: cursorVersion, Question: clip(question), Of: hex.EncodeToString(sum[:])}
}

// resume returns where the source is to go on, nil for its beginning.
func (c cursor) resume(text []byte) (json.RawMessage, error) {
	if len(text) == 0 {
		return nil, nil
	}
	var given cursor
	if err := json.Unmarshal(text, &given); err != nil || given.At == nil {
		return nil, fmt.Errorf("%w: it is damaged", ErrCursor)
	}
	switch {
	case given.Version != cursorVersion:
		return nil, fmt.Errorf("%w: it is of version %d, and this is version %d", ErrCursor, given.Version, cursorVersion)
	case given.Of != c.Of && given.Question != c.Question:
		return nil, fmt.Errorf("%w: it belongs to another question: to %q, and this is %q", ErrCursor, clip(given.Question), c.Question)
	case given.Of != c.Of:
		return nil, fmt.Errorf("%w: it belongs to a replay to another bus, with other filters or with another mark, of a handler with another Region or Layout, or to a dry run", ErrCursor)
	}
	return given.At, nil
}

// text returns the cursor behind a page.
func (c cursor) text(at json.RawMessage) ([]byte, error) {
	c.At = at
	out, err := json.Marshal(c)
	if err != nil || len(at) == 0 {
		return nil, fmt.Errorf("relay: replay: the source of %q gave no cursor for a page", c.Question)
	}
	return out, nil
}

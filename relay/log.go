package relay

import (
	"context"
	"log/slog"
	"strings"
)

// containedLog is a log whose panics end here: it must not fail an invocation.
type containedLog struct{ slog.Handler }

func (c containedLog) Enabled(ctx context.Context, level slog.Level) (enabled bool) {
	defer func() { _ = recover() }()
	return c.Handler.Enabled(ctx, level)
}

func (c containedLog) Handle(ctx context.Context, r slog.Record) error {
	defer func() { _ = recover() }()
	return c.Handler.Handle(ctx, r)
}

// clip shortens an id of another writer for a log or an error.
func clip(id string) string {
	const limit = 256
	if len(id) <= limit {
		return id
	}
	return strings.ToValidUTF8(id[:limit], "") + "…"
}

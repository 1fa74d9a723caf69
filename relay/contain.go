package relay

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"strings"
)

// logPanic logs a contained panic. The value of a panic may quote the event, so
// it is only logged if the runtime made it.
func (h *Handler) logPanic(ctx context.Context, what, eventID string, p any) {
	text := fmt.Sprintf("%T", p)
	if e, ok := p.(runtime.Error); ok {
		text = e.Error()
	}
	h.opts.Logger.LogAttrs(ctx, slog.LevelError, "relay: panic contained while "+what,
		slog.String("eventId", clip(eventID)), slog.String("panic", text), slog.String("stack", string(debug.Stack())))
}

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

// emit hands the metrics to [Options].Metrics and contains its panic.
func (h *Handler) emit(ctx context.Context, m Metrics) {
	if h.opts.Metrics == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			h.logPanic(ctx, "reporting metrics", "", p)
		}
	}()
	h.opts.Metrics(ctx, m)
}

package relay

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
)

// logPanic logs a contained panic. The value of a panic may quote the event, so
// it is only logged if the runtime made it.
func (h *Handler) logPanic(ctx context.Context, what, eventID string, p any) {
	text := fmt.Sprintf("%T", p)
	if e, ok := p.(runtime.Error); ok {
		text = e.Error()
	}
	h.opts.Logger.LogAttrs(ctx, slog.LevelError, "relay: panic contained while "+what,
		slog.String("eventId", eventID), slog.String("panic", text), slog.String("stack", string(debug.Stack())))
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

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
		slog.String("eventId", clip(eventID)), slog.String("panic", text), slog.String("stack", string(debug.Stack())))
}

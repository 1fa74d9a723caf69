package relay

import (
	"context"
	"log/slog"
	"strings"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// sayMapping says what PartialBatchResponse needs: the handler cannot see it,
// and without it every record that fails is lost.
func (h *Handler) sayMapping(ctx context.Context) {
	if !h.opts.PartialBatchResponse {
		return
	}
	h.said.mapping.Do(func() {
		h.opts.Logger.LogAttrs(ctx, slog.LevelInfo, "relay: PartialBatchResponse is set: the event source mapping must have "+
			"ReportBatchItemFailures in FunctionResponseTypes, or Lambda ignores the answer and every record that fails is lost")
	})
}

// warnOfSkipped says when nothing of a batch was published because of an option
// that may be a slip: each event was skipped for its region, or each new item
// for want of the marker.
func (r *run) warnOfSkipped(ctx context.Context) {
	o := &r.h.opts
	if o.Region != "" {
		r.sayRegion(ctx)
	}
	items := r.m.Records - r.m.SkippedModify - r.m.SkippedRemove - r.m.SkippedService
	events := items - r.m.SkippedNotEvent
	if events > 0 && r.m.SkippedRegion == events {
		o.Logger.LogAttrs(ctx, slog.LevelWarn, "relay: every event of the batch was skipped for its region; "+
			"if no relay publishes them in that region, they are lost: look at Options.Region",
			slog.Int("skipped", r.m.SkippedRegion), slog.String("Options.Region", o.Region), slog.String("region of the events", r.skippedRegion()))
	}
	if items > 0 && r.m.SkippedNotEvent == items {
		attrs := []slog.Attr{slog.Int("skipped", r.m.SkippedNotEvent), slog.String("Layout.Marker", o.Layout.Marker)}
		if id := r.unmarkedEvent(); id != "" {
			attrs = append(attrs, slog.String("has an event but no marker", clip(id)))
		}
		o.Logger.LogAttrs(ctx, slog.LevelWarn, "relay: every new item of the batch was skipped, for it has no marker; "+
			"if the writer does not write that marker, its events are lost: look at Layout.Marker on both sides", attrs...)
	}
}

// sayRegion says once that Region is not the region of the stream, which is
// right only where this relay takes another region's place.
func (r *run) sayRegion(ctx context.Context) {
	for i := range r.records {
		parts := strings.SplitN(r.records[i].StreamARN, ":", 5) // arn:partition:dynamodb:region:…
		if len(parts) < 5 || parts[3] == "" || parts[3] == r.h.opts.Region {
			continue
		}
		r.h.said.region.Do(func() {
			r.h.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "relay: Options.Region is not the region of the stream; that is right only for a relay that takes over for another region",
				slog.String("Options.Region", r.h.opts.Region), slog.String("stream", clip(r.records[i].StreamARN)))
		})
		return
	}
}

func (r *run) skippedRegion() string {
	for i := range r.records {
		if region := r.records[i].Region; r.outcomes[i] == skipped && region != "" {
			return clip(region)
		}
	}
	return ""
}

// unmarkedEvent returns the event id of an item that was skipped for want of the
// marker and has headers.eventId nevertheless, "" if there is none.
func (r *run) unmarkedEvent() string {
	for i := range r.records {
		if rec := &r.records[i]; rec.Kind == streamrecord.NotEvent && rec.EventID != "" {
			return rec.EventID
		}
	}
	return ""
}

package deadletter

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/isnil"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// RedriveAPIClient is what [Table.Redrive] needs of a client.
type RedriveAPIClient interface {
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	GetItemAPIClient
}

// GetItemAPIClient reads the event store.
type GetItemAPIClient interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
}

var _ RedriveAPIClient = (*dynamodb.Client)(nil)

const (
	// margin is the least time that a page is begun with.
	margin = time.Second

	// grace is for how long letters are still deleted after the context has ended.
	// An event that the bus has accepted would be published again if its letter
	// stayed.
	grace = 5 * time.Second
)

// RedriveOptions of [Table.Redrive].
type RedriveOptions struct {
	// DryRun reads and decides, and neither publishes nor deletes: Published
	// then counts what would be sent.
	DryRun bool

	// Codes restricts the redrive to dead letters with one of these codes.
	// Zero means all of them.
	Codes []string

	// EventIDs restricts the redrive to dead letters of these events. Zero means
	// all of them.
	EventIDs []string

	// PageSize is how many dead letters are read and published at a time, 1 to
	// 1000. Zero means 100.
	PageSize int

	// Limit is the number of dead letters after which the redrive ends, at a
	// page's end. Zero means no limit.
	Limit int

	// Start is where to go on: the Next of an earlier report. Zero means from
	// the beginning.
	Start string

	// EventStore reads the event's item. Zero means the client of the redrive.
	EventStore GetItemAPIClient

	// Progress is called after each page, with the page's letters and the sums
	// so far. Zero means none.
	Progress func(page []Letter, sum Report)

	// Logger is given ids and codes, never payloads. Zero means silent.
	Logger *slog.Logger
}

// Letter is what became of one dead letter.
type Letter struct {
	EventID, StreamARN, SequenceNumber string

	// Published says that the bus has accepted the event, or would be sent it
	// in a dry run.
	Published bool

	// Code says why it was not published. "Unresolved": the letter does not
	// hold the whole record, and its event is not in the event store.
	Code string
}

// Report sums a redrive up.
type Report struct {
	Read      int // dead letters read, after Codes and EventIDs
	Published int // accepted by the bus and deleted from the table
	Failed    int // left in the table as they are

	// Next is where another redrive can go on, "" at the end of the table.
	Next string
}

// add counts a page.
func (r *Report) add(page []*letter) {
	r.Read += len(page)
	for _, l := range page {
		if l.Published {
			r.Published++
		} else {
			r.Failed++
		}
	}
}

// Redrive publishes the dead letters of the table through h; see
// [relay.Republisher]. It publishes the event's item in the event store as it is
// now, so that mending the item helps; the record that the letter kept, if there
// is no such item, or if its key belongs to another event by now. A letter whose event the bus accepts is deleted;
// every other stays as it is, whatever the reason, and holds up nothing but later
// events of its own aggregate, with an Ordered layout.
//
// It needs the permissions dynamodb:Scan and dynamodb:DeleteItem on the table of
// dead letters, dynamodb:GetItem on the event store, and those of h.
//
// Running it twice is safe: at worst an event is published twice, with the same
// eventId. The table is scanned, so a redrive reads all of it.
//
// It returns an error, and the report so far, when the table cannot be read or
// written, when the configuration keeps a page from being published, or when ctx
// is about to end. When ctx has ended, nothing more is published, and what the bus
// has accepted of the page is still deleted, for at most 5 seconds: in a Lambda
// function, give it a ctx that ends that much before the function does, so that
// the report comes back.
func (t *Table) Redrive(ctx context.Context, client RedriveAPIClient, h *relay.Handler, optFns ...func(*RedriveOptions)) (Report, error) {
	opts, err := t.redriveOptions(client, h, optFns)
	if err != nil {
		return Report{}, err
	}
	sum, again := Report{Next: opts.Start}, h.Republisher(opts.DryRun)
	for {
		if deadline, ok := ctx.Deadline(); ctx.Err() != nil || ok && time.Until(deadline) < margin {
			return sum, t.outOfTime(cmp.Or(ctx.Err(), context.DeadlineExceeded))
		}
		page, next, err := t.page(ctx, client, opts, sum.Next)
		if err != nil {
			return sum, err
		}
		held, late := republish(ctx, again, page, opts)
		if !opts.DryRun {
			if err := t.forget(ctx, client, page); err != nil {
				return sum, err
			}
		}
		sum.add(page)
		if held == "" && late == nil {
			sum.Next = next
		}
		if opts.Progress != nil {
			letters := make([]Letter, len(page))
			for i, l := range page {
				letters[i] = l.Letter
			}
			opts.Progress(letters, sum)
		}
		switch {
		case held != "":
			return sum, fmt.Errorf("deadletter: redrive of table %s stopped: the configuration keeps events from being published: %s; see the handler's log", t.name, held)
		case late != nil:
			return sum, t.outOfTime(late)
		case next == "", opts.Limit > 0 && sum.Read >= opts.Limit:
			return sum, nil
		}
	}
}

func (t *Table) outOfTime(err error) error {
	return fmt.Errorf("deadletter: redrive of table %s stopped for want of time; go on from Next: %w", t.name, err)
}

func (t *Table) redriveOptions(client RedriveAPIClient, h *relay.Handler, optFns []func(*RedriveOptions)) (RedriveOptions, error) {
	var opts RedriveOptions
	for _, fn := range optFns {
		if fn != nil {
			fn(&opts)
		}
	}
	errs := []error{t.err}
	if isnil.Value(client) {
		errs = append(errs, errors.New("deadletter: redrive: dynamodb client is nil"))
	}
	if h == nil {
		errs = append(errs, errors.New("deadletter: redrive: handler is nil"))
	}
	if opts.PageSize == 0 {
		opts.PageSize = 100
	}
	if opts.PageSize < 1 || opts.PageSize > 1000 {
		errs = append(errs, fmt.Errorf("deadletter: RedriveOptions.PageSize: %d is out of range, 1 to 1000; zero means 100", opts.PageSize))
	}
	if opts.Limit < 0 {
		errs = append(errs, fmt.Errorf("deadletter: RedriveOptions.Limit: %d is negative; zero means no limit", opts.Limit))
	}
	if isnil.Value(opts.EventStore) {
		opts.EventStore = client
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	return opts, errors.Join(errs...)
}

// republish publishes a page and notes in each letter what became of it. It
// returns the code if the configuration kept all of it from being published, and
// an error if there was no time to try each letter.
func republish(ctx context.Context, p *relay.Republisher, page []*letter, opts RedriveOptions) (held string, late error) {
	again := make([]relay.Again, len(page))
	for i, l := range page {
		again[i].Aggregate = l.aggregateID
		if err := l.resolve(ctx, opts.EventStore); err != nil {
			again[i].Fault = relay.CodeUnresolved
			opts.Logger.LogAttrs(ctx, slog.LevelWarn, "deadletter: redrive: the item of a dead letter cannot be read from the event store; the letter stays",
				slog.String("eventId", l.EventID), slog.String("sequenceNumber", l.SequenceNumber), slog.String("code", codeOf(err)))
			continue
		}
		again[i].Record = l.record
		if l.item == nil {
			continue
		}
		again[i].Record = l.item
		again[i].EventID = l.EventID // the item's key may belong to another event by now
		if json.Valid(l.record) {
			again[i].Kept = l.record
		}
	}
	if ctx.Err() != nil { // what could not be read is not unresolved
		return "", ctx.Err()
	}
	results, late := p.Publish(ctx, again)
	published := false
	for i, r := range results {
		l := page[i]
		l.Published, l.Code = r.Published, r.Code
		published = published || r.Published
		if r.Class == relay.ConfigFault {
			held = r.Code
		}
	}
	if published {
		held = ""
	}
	return held, late
}

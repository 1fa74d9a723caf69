package relay

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// RedriveAPIClient is what [DynamoDBDeadLetters.Redrive] needs of a client.
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

// RedriveOptions of [DynamoDBDeadLetters.Redrive].
type RedriveOptions struct {
	// DryRun reads and decides, and neither publishes nor deletes: Published
	// then counts what would be sent.
	DryRun bool

	// Codes restricts the redrive to dead letters with one of these codes.
	// Zero means all of them.
	Codes []string

	// PageSize is how many dead letters are read and published at a time, 1 to
	// 1000. Zero means 100.
	PageSize int

	// Limit is the number of dead letters after which the redrive ends, at a
	// page's end. Zero means no limit.
	Limit int

	// Start is where to go on: the Next of an earlier report. Zero means from
	// the beginning.
	Start string

	// EventStore reads the event's item when the dead letter does not hold the
	// whole record. Zero means the client of the redrive.
	EventStore GetItemAPIClient

	// Progress is called after each page, with the page's letters and the sums
	// so far. Zero means none.
	Progress func(page []RedriveLetter, sum RedriveReport)
}

// RedriveLetter is what became of one dead letter.
type RedriveLetter struct {
	EventID, StreamARN, SequenceNumber string

	// Published says that the bus has accepted the event, or would be sent it
	// in a dry run.
	Published bool

	// Code says why it was not published.
	Code string
}

// RedriveReport sums a redrive up.
type RedriveReport struct {
	Read      int // dead letters read, after Codes
	Published int // accepted by the bus and deleted from the table
	Failed    int // left in the table as they are

	// Next is where another redrive can go on, "" at the end of the table.
	Next string
}

// Redrive publishes the dead letters of the table through h: with its layout,
// route, publisher, limits and retries, and without its memory. A letter whose
// event the bus accepts is deleted; every other stays as it is, whatever the
// reason, and holds up nothing but later events of its own aggregate in the
// same page. Order is not kept beyond that.
//
// It needs the permissions dynamodb:Scan and dynamodb:DeleteItem on the table of
// dead letters, dynamodb:GetItem on the event store, and events:PutEvents.
//
// Running it twice is safe: at worst an event is published twice, with the same
// eventId. The table is scanned, so a redrive reads all of it.
//
// It returns an error, and the report so far, when the table cannot be read or
// written, when the bus does not exist, when h holds a page because of the
// configuration, or when ctx is about to end.
func (d *DynamoDBDeadLetters) Redrive(ctx context.Context, client RedriveAPIClient, h *Handler, optFns ...func(*RedriveOptions)) (RedriveReport, error) {
	opts, err := d.redriveOptions(client, h, optFns)
	if err != nil {
		return RedriveReport{}, err
	}
	sum := RedriveReport{Next: opts.Start}
	budget := newBudget(ctx, h.opts.Margin)
	if err := h.busCheck(ctx, budget, ""); err != nil {
		return sum, err
	}
	late := func() bool { return ctx.Err() != nil || !budget.mayStart(time.Now()) }
	stopped := func() error {
		return fmt.Errorf("relay: redrive of table %s stopped for want of time; go on from Next: %w", d.table, cmp.Or(ctx.Err(), context.DeadlineExceeded))
	}
	for {
		if late() {
			return sum, stopped()
		}
		page, next, err := d.page(ctx, client, opts, sum.Next)
		if err != nil {
			return sum, err
		}
		held := h.redrive(ctx, page, opts)
		unpublished := false
		for _, l := range page {
			unpublished = unpublished || !l.Published
			if l.Published && !opts.DryRun {
				if err := d.forget(ctx, client, l); err != nil {
					return sum, err
				}
			}
			sum.Read++
			if l.Published {
				sum.Published++
			} else {
				sum.Failed++
			}
		}
		untried := unpublished && late() // perhaps, so Next stays before them
		if !held && !untried {
			sum.Next = next
		}
		if opts.Progress != nil {
			letters := make([]RedriveLetter, len(page))
			for i, l := range page {
				letters[i] = l.RedriveLetter
			}
			opts.Progress(letters, sum)
		}
		if held {
			return sum, fmt.Errorf("relay: redrive of table %s stopped: the configuration keeps events from being published; see the log", d.table)
		}
		if untried {
			return sum, stopped()
		}
		if next == "" || opts.Limit > 0 && sum.Read >= opts.Limit {
			return sum, nil
		}
	}
}

func (d *DynamoDBDeadLetters) redriveOptions(client RedriveAPIClient, h *Handler, optFns []func(*RedriveOptions)) (RedriveOptions, error) {
	var opts RedriveOptions
	for _, fn := range optFns {
		if fn != nil {
			fn(&opts)
		}
	}
	errs := []error{d.err}
	if isNil(client) {
		errs = append(errs, errors.New("relay: redrive: dynamodb client is nil"))
	}
	if h == nil {
		errs = append(errs, errors.New("relay: redrive: handler is nil"))
	}
	if opts.PageSize == 0 {
		opts.PageSize = 100
	}
	if opts.PageSize < 1 || opts.PageSize > 1000 {
		errs = append(errs, fmt.Errorf("relay: RedriveOptions.PageSize: %d is out of range, 1 to 1000; zero means 100", opts.PageSize))
	}
	if opts.Limit < 0 {
		errs = append(errs, fmt.Errorf("relay: RedriveOptions.Limit: %d is negative; zero means no limit", opts.Limit))
	}
	if isNil(opts.EventStore) {
		opts.EventStore = client
	}
	return opts, errors.Join(errs...)
}

// letter is a dead letter on its way.
type letter struct {
	RedriveLetter
	key    map[string]types.AttributeValue
	deadAt types.AttributeValue
	table  string
	keys   []byte
	record []byte // nil if it is not whole

	aggregateID string // of its event, if the letter says
	fromStore   bool   // the record is made from the item in the event store
	spoilt      string // why it is not published, if that is known
}

// page reads the next page of dead letters.
func (d *DynamoDBDeadLetters) page(ctx context.Context, client RedriveAPIClient, opts RedriveOptions, start string) (page []*letter, next string, err error) {
	in := &dynamodb.ScanInput{TableName: &d.table, Limit: aws.Int32(int32(opts.PageSize)), ConsistentRead: aws.Bool(true)}
	if start != "" {
		if in.ExclusiveStartKey, err = attributevalue.UnmarshalMapJSON([]byte(start)); err != nil {
			return nil, "", fmt.Errorf("relay: RedriveOptions.Start is not the Next of a report: %w", err)
		}
	}
	out, err := client.Scan(ctx, in)
	if err != nil {
		return nil, "", fmt.Errorf("relay: redrive: scan table %s: %w", d.table, err)
	}
	for _, item := range out.Items {
		l := d.letterOf(item)
		if len(opts.Codes) > 0 && !slices.Contains(opts.Codes, l.Code) {
			continue
		}
		page = append(page, l)
	}
	if len(out.LastEvaluatedKey) > 0 {
		text, err := attributevalue.MarshalMapJSON(out.LastEvaluatedKey)
		if err != nil {
			return nil, "", fmt.Errorf("relay: redrive: last key of table %s: %w", d.table, err)
		}
		next = string(text)
	}
	return page, next, nil
}

// letterOf reads an item that Put has written.
func (d *DynamoDBDeadLetters) letterOf(item map[string]types.AttributeValue) *letter {
	text := func(name string) string {
		s, _ := item[name].(*types.AttributeValueMemberS)
		if s == nil {
			return ""
		}
		return s.Value
	}
	l := &letter{
		RedriveLetter: RedriveLetter{
			EventID: text(attrEventID), StreamARN: text(attrStreamARN), SequenceNumber: text(attrSequence), Code: text(attrCode),
		},
		key:    map[string]types.AttributeValue{d.opts.PK: item[d.opts.PK], d.opts.SK: item[d.opts.SK]},
		deadAt: item[attrDeadAt],
		table:  text(attrTable),
		keys:   []byte(text(attrKeys)),
		record: []byte(text(attrRecord)),
	}
	var headers map[string]json.RawMessage // a struct would take names in any case
	if json.Unmarshal([]byte(text(attrHeaders)), &headers) == nil {
		_ = json.Unmarshal(headers["aggregateId"], &l.aggregateID) // "" if it is no string
	}
	if _, truncated := item[attrTruncated]; truncated || len(l.record) == 0 {
		l.record = nil
	}
	return l
}

// forget deletes a dead letter whose event is published, unless it has been put
// again since it was read.
func (d *DynamoDBDeadLetters) forget(ctx context.Context, client RedriveAPIClient, l *letter) error {
	in := &dynamodb.DeleteItemInput{TableName: &d.table, Key: l.key}
	if l.deadAt != nil {
		in.ConditionExpression = aws.String("#t = :t")
		in.ExpressionAttributeNames = map[string]string{"#t": attrDeadAt}
		in.ExpressionAttributeValues = map[string]types.AttributeValue{":t": l.deadAt}
	}
	_, err := client.DeleteItem(ctx, in)
	var changed *types.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &changed) {
		return fmt.Errorf("relay: redrive: event %q is published, delete its dead letter from table %s: %w", l.EventID, d.table, err)
	}
	return nil
}

package deadletter

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/isnil"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// ErrNoLetter says that there is no dead letter under a key, or that it has been
// put again since it was read.
var ErrNoLetter = errors.New("deadletter: no such dead letter")

// Key is the key of a dead letter in its table.
type Key struct{ PK, SK string }

// Kept is a dead letter as the table keeps it.
type Kept struct {
	Key Key

	// DeadLetter is what was put. In a list, Record and Message are left out.
	relay.DeadLetter

	// Table is the name of the event store, empty if it is not known.
	Table string

	// Truncated says that the table does not have the whole record.
	Truncated bool
}

// ScanAPIClient is what [Table.Letters] needs of a client.
type ScanAPIClient interface {
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
}

// DeleteItemAPIClient is what [Table.Discard] needs of a client.
type DeleteItemAPIClient interface {
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
}

// Letters yields the dead letters of the table, without their records and
// messages, in no order but that of each stream. It reads all of the table, with
// the permission dynamodb:Scan. After an error nothing comes any more.
func (t *Table) Letters(ctx context.Context, client ScanAPIClient) iter.Seq2[Kept, error] {
	return func(yield func(Kept, error) bool) {
		if err := t.usable(client); err != nil {
			yield(Kept{}, err)
			return
		}
		names := slices.DeleteFunc(append([]string{t.opts.PK, t.opts.SK}, attributes...), func(name string) bool {
			return name == attrRecord || name == attrMessage
		})
		in := &dynamodb.ScanInput{TableName: &t.name, ConsistentRead: aws.Bool(true), ExpressionAttributeNames: map[string]string{}}
		projection := ""
		for i, name := range names {
			placeholder := "#" + strconv.Itoa(i)
			in.ExpressionAttributeNames[placeholder] = name
			if projection != "" {
				projection += ", "
			}
			projection += placeholder
		}
		in.ProjectionExpression = &projection
		for {
			out, err := client.Scan(ctx, in)
			if err != nil {
				yield(Kept{}, fmt.Errorf("deadletter: scan table %s: %w", t.name, err))
				return
			}
			if err := t.movesOn(out.LastEvaluatedKey, in.ExclusiveStartKey); err != nil {
				yield(Kept{}, err)
				return
			}
			for _, item := range out.Items {
				if !yield(t.kept(item), nil) {
					return
				}
			}
			if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
				return
			}
		}
	}
}

// Read returns the dead letter of that key with all that the table has of it. The
// record and the message may hold data of the event. It needs the permission
// dynamodb:GetItem. The error wraps [ErrNoLetter] if there is none.
func (t *Table) Read(ctx context.Context, client GetItemAPIClient, key Key) (Kept, error) {
	if err := t.usable(client); err != nil {
		return Kept{}, err
	}
	out, err := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &t.name, Key: t.keyOf(key), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return Kept{}, fmt.Errorf("deadletter: read a dead letter of table %s: %w", t.name, err)
	}
	if len(out.Item) == 0 {
		return Kept{}, fmt.Errorf("%w: table %s, %q, %q", ErrNoLetter, t.name, key.PK, key.SK)
	}
	return t.kept(out.Item), nil
}

// Discard deletes a dead letter without publishing its event: nobody will get it
// from here any more. The reason is required, and goes into the log, with the
// event's id. The letter is one that [Table.Letters] or [Table.Read] gave; if it was
// put again since, it stays, and the error wraps [ErrNoLetter]. It needs the
// permission dynamodb:DeleteItem. A nil logger is silent.
func (t *Table) Discard(ctx context.Context, client DeleteItemAPIClient, letter Kept, reason string, log *slog.Logger) error {
	if err := t.usable(client); err != nil {
		return err
	}
	if reason == "" {
		return errors.New("deadletter: discard: a reason is required")
	}
	err := t.delete(ctx, client, letter.Key, &types.AttributeValueMemberN{Value: strconv.FormatInt(letter.Time.UnixMilli(), 10)})
	if errors.Is(err, ErrNoLetter) {
		return fmt.Errorf("%w: table %s, event %q; or it was put again since it was read", err, t.name, letter.EventID)
	}
	if err != nil {
		return fmt.Errorf("deadletter: discard the dead letter of event %q from table %s: %w", letter.EventID, t.name, err)
	}
	if log != nil {
		log.LogAttrs(ctx, slog.LevelWarn, "deadletter: discarded", slog.String("eventId", letter.EventID), slog.String("code", letter.Code),
			slog.String("streamArn", letter.StreamARN), slog.String("sequenceNumber", letter.SequenceNumber), slog.String("reason", reason))
	}
	return nil
}

// movesOn returns an error for the last key of a page that is that of the page
// before: it would be read without an end.
func (t *Table) movesOn(last, start map[string]types.AttributeValue) error {
	if len(last) > 0 && reflect.DeepEqual(last, start) {
		return fmt.Errorf("deadletter: scan table %s: it does not move on: the last key of a page is that of the page before", t.name)
	}
	return nil
}

func (t *Table) usable(client any) error {
	if isnil.Value(client) {
		return errors.Join(t.err, errors.New("deadletter: dynamodb client is nil"))
	}
	return t.err
}

func (t *Table) keyOf(k Key) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		t.opts.PK: &types.AttributeValueMemberS{Value: k.PK}, t.opts.SK: &types.AttributeValueMemberS{Value: k.SK},
	}
}

// kept reads an item that Put has written.
func (t *Table) kept(item map[string]types.AttributeValue) Kept {
	text := func(name string) string {
		switch v := item[name].(type) {
		case *types.AttributeValueMemberS:
			return v.Value
		case *types.AttributeValueMemberB:
			return string(v.Value)
		}
		return ""
	}
	number := func(name string) int64 {
		v, _ := item[name].(*types.AttributeValueMemberN)
		if v == nil {
			return 0
		}
		n, _ := strconv.ParseInt(v.Value, 10, 64)
		return n
	}
	raw := func(name string) []byte {
		if s := text(name); s != "" {
			return []byte(s)
		}
		return nil
	}
	truncated, _ := item[attrTruncated].(*types.AttributeValueMemberBOOL)
	return Kept{
		Key: Key{text(t.opts.PK), text(t.opts.SK)},
		DeadLetter: relay.DeadLetter{
			EventID: text(attrEventID), Headers: raw(attrHeaders), Record: raw(attrRecord), Keys: raw(attrKeys), Bus: text(attrBus),
			Code: text(attrCode), Message: text(attrMessage), Attempts: int(number(attrAttempts)),
			StreamARN: text(attrStreamARN), SequenceNumber: text(attrSequence), Time: time.UnixMilli(number(attrDeadAt)).UTC(),
		},
		Table: text(attrTable), Truncated: truncated != nil && truncated.Value,
	}
}

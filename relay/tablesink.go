package relay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// PutItemAPIClient is the operation that [DynamoDBDeadLetters] needs of a
// client.
type PutItemAPIClient interface {
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

var (
	_ PutItemAPIClient = (*dynamodb.Client)(nil)
	_ DeadLetter       = (*DynamoDBDeadLetters)(nil)
)

// DynamoDBDeadLettersOptions of [NewDynamoDBDeadLetters].
type DynamoDBDeadLettersOptions struct {
	// PK and SK name the key attributes of the table, both of type S. Zero
	// means "pk" and "sk". They must be none of the attributes of a dead
	// letter; see [DynamoDBDeadLetters].
	PK, SK string

	// TTL is how long a dead letter is kept: the attribute TTLAttribute gets
	// the time of the dead letter plus TTL, in epoch seconds, and the table's
	// time to live must be switched on for it. Zero means for ever.
	TTL time.Duration

	// TTLAttribute names that attribute. Zero means "ttl".
	TTLAttribute string
}

// DynamoDBDeadLetters is a [DeadLetter] that keeps dead letters in a DynamoDB
// table. It is safe for concurrent use if its client is; the SDK's is.
//
// The key is the stream's ARN and the sequence number, padded with zeros to 40
// digits, with a short hash of the event id (of the record, where that cannot be
// read) behind it. So a record that is put again replaces itself, and no other,
// also where an engine gives a number twice; and the letters of a stream stand
// in its order. A record without a sequence number has only the hash.
//
// The other attributes: streamArn, sequenceNumber, table (of the event store),
// keys (of the event's item, DynamoDB JSON), eventId, bus, code, message,
// attempts (N), deadAt (N, Unix ms), headers (JSON), record (the stream record;
// S, or B if it is not UTF-8) and recordTruncated (BOOL). What is empty is left
// out. The record is cut off where the item would grow too large, 400 KB, and
// so are the others; so a dead letter is never refused for its size, and
// [DynamoDBDeadLetters.Redrive] reads the event's item where the record is not
// whole.
type DynamoDBDeadLetters struct {
	client PutItemAPIClient
	table  string
	opts   DynamoDBDeadLettersOptions
	err    error // what Validate returns
}

// NewDynamoDBDeadLetters returns a sink into the table of that name or ARN. The
// permission it needs is dynamodb:PutItem. What is wrong with the arguments is
// returned by Validate, and so by [NewHandler].
func NewDynamoDBDeadLetters(client PutItemAPIClient, table string, optFns ...func(*DynamoDBDeadLettersOptions)) *DynamoDBDeadLetters {
	d := &DynamoDBDeadLetters{client: client, table: table}
	for _, fn := range optFns {
		if fn != nil {
			fn(&d.opts)
		}
	}
	for name, def := range map[*string]string{&d.opts.PK: "pk", &d.opts.SK: "sk", &d.opts.TTLAttribute: "ttl"} {
		if *name == "" {
			*name = def
		}
	}
	d.err = d.validate()
	return d
}

// Validate returns an error that names what is wrong with the arguments of
// [NewDynamoDBDeadLetters], nil if nothing is.
func (d *DynamoDBDeadLetters) Validate() error { return d.err }

// The attributes of a dead letter.
const (
	attrStreamARN = "streamArn"
	attrSequence  = "sequenceNumber"
	attrTable     = "table"
	attrKeys      = "keys"
	attrEventID   = "eventId"
	attrBus       = "bus"
	attrCode      = "code"
	attrMessage   = "message"
	attrAttempts  = "attempts"
	attrDeadAt    = "deadAt"
	attrHeaders   = "headers"
	attrRecord    = "record"
	attrTruncated = "recordTruncated"
)

var deadAttributes = []string{
	attrStreamARN, attrSequence, attrTable, attrKeys, attrEventID, attrBus, attrCode, attrMessage,
	attrAttempts, attrDeadAt, attrHeaders, attrRecord, attrTruncated,
}

func (d *DynamoDBDeadLetters) validate() error {
	var errs []error
	if isNil(d.client) {
		errs = append(errs, errors.New("relay: dead letters: dynamodb client is nil"))
	}
	if d.table == "" {
		errs = append(errs, errors.New("relay: dead letters: table name is empty"))
	}
	if d.opts.TTL < 0 || d.opts.TTL > 0 && d.opts.TTL < time.Second {
		errs = append(errs, fmt.Errorf("relay: DynamoDBDeadLettersOptions.TTL: %v; at least 1s, zero keeps dead letters for ever", d.opts.TTL))
	}
	used := map[string]bool{}
	for _, name := range append([]string{d.opts.PK, d.opts.SK, d.opts.TTLAttribute}, deadAttributes...) {
		if used[name] {
			errs = append(errs, fmt.Errorf("relay: DynamoDBDeadLettersOptions: two attributes are named %q", name))
		}
		used[name] = true
	}
	return errors.Join(errs...)
}

// Put puts the record into the table. It replaces what it put there for the
// same record of the stream.
func (d *DynamoDBDeadLetters) Put(ctx context.Context, rec DeadRecord) error {
	if d.err != nil {
		return d.err
	}
	_, err := d.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &d.table, Item: d.item(rec)})
	if err != nil {
		return fmt.Errorf("relay: put dead letter of event %q into table %s: %w", rec.EventID, d.table, err)
	}
	return nil
}

// The room in an item, in bytes. DynamoDB allows 409,600 for names and values
// together
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#limits-items);
// what is left over is more than the names and the numbers need.
const (
	roomItem    = 400_000
	roomText    = 2 * 1024  // event id, message, bus, code, table
	roomKeys    = 32 * 1024 // at most 3 KB, before JSON escapes
	roomHeaders = 64 * 1024
	roomKey     = 1024 // of a sort key
	roomPK      = 2048 // of a partition key
)

// item is the item of a dead letter. It fits whatever is in rec.
func (d *DynamoDBDeadLetters) item(rec DeadRecord) map[string]types.AttributeValue {
	room := roomItem
	item := map[string]types.AttributeValue{}
	text := func(name, value string, limit int) {
		if value = cut(value, limit); value != "" {
			item[name] = &types.AttributeValueMemberS{Value: value}
			room -= len(name) + len(value)
		}
	}
	number := func(name string, value int64) {
		item[name] = &types.AttributeValueMemberN{Value: strconv.FormatInt(value, 10)}
		room -= len(name) + 24
	}
	text(d.opts.PK, partitionOf(rec), roomPK)
	text(d.opts.SK, sortOf(rec), roomKey)
	text(attrStreamARN, rec.StreamARN, roomText)
	text(attrSequence, rec.SequenceNumber, roomText)
	text(attrTable, tableOf(rec.StreamARN), roomText)
	text(attrEventID, rec.EventID, roomText)
	text(attrBus, rec.Bus, roomText)
	text(attrCode, rec.Code, roomText)
	text(attrMessage, rec.Message, roomText)
	number(attrAttempts, int64(rec.Attempts))
	number(attrDeadAt, rec.Time.UnixMilli())
	if d.opts.TTL > 0 {
		number(d.opts.TTLAttribute, rec.Time.Add(d.opts.TTL).Unix())
	}
	if len(rec.Keys) <= roomKeys { // cut off, it would be of no use
		text(attrKeys, string(rec.Keys), roomKeys)
	}
	if len(rec.Headers) <= roomHeaders {
		text(attrHeaders, string(rec.Headers), roomHeaders)
	}
	if len(rec.Record) == 0 {
		return item
	}
	raw := rec.Record
	if len(raw) > room {
		raw = raw[:room]
		item[attrTruncated] = &types.AttributeValueMemberBOOL{Value: true}
	}
	if utf8.Valid(rec.Record) {
		item[attrRecord] = &types.AttributeValueMemberS{Value: cut(string(raw), len(raw))}
	} else {
		item[attrRecord] = &types.AttributeValueMemberB{Value: raw}
	}
	return item
}

// cut returns at most limit bytes of s, as valid UTF-8.
func cut(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit]
	}
	return strings.ToValidUTF8(s, "")
}

// partitionOf and sortOf are the key of a record. Neither is empty.
func partitionOf(rec DeadRecord) string {
	if arn := cut(rec.StreamARN, roomPK); arn != "" {
		return arn
	}
	return "unknown stream"
}

func sortOf(rec DeadRecord) string {
	const digits = 40 // the longest that DynamoDB Streams gives
	sum := sha256.Sum256([]byte(rec.EventID))
	if rec.EventID == "" {
		sum = sha256.Sum256(rec.Record)
	}
	hash := hex.EncodeToString(sum[:])
	if s := strings.TrimLeft(rec.SequenceNumber, "0"); isSequence(rec.SequenceNumber) && len(s) <= roomKey/2 {
		return strings.Repeat("0", max(digits-len(s), 0)) + s + "#" + hash[:8]
	}
	return "sha256:" + hash
}

// tableOf returns the name of the table whose stream has that ARN, "" if it is
// not the ARN of a stream.
func tableOf(streamARN string) string {
	_, rest, _ := strings.Cut(streamARN, ":table/")
	name, _, ok := strings.Cut(rest, "/stream/")
	if !ok {
		return ""
	}
	return name
}

package deadletter

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/sequence"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/tablename"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

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

var attributes = []string{
	attrStreamARN, attrSequence, attrTable, attrKeys, attrEventID, attrBus, attrCode, attrMessage,
	attrAttempts, attrDeadAt, attrHeaders, attrRecord, attrTruncated,
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
func (t *Table) item(rec relay.DeadLetter) map[string]types.AttributeValue {
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
	text(t.opts.PK, partitionOf(rec), roomPK)
	text(t.opts.SK, sortOf(rec), roomKey)
	text(attrStreamARN, rec.StreamARN, roomText)
	text(attrSequence, rec.SequenceNumber, roomText)
	text(attrTable, tablename.OfStream(rec.StreamARN), roomText)
	text(attrEventID, rec.EventID, roomText)
	text(attrBus, rec.Bus, roomText)
	text(attrCode, rec.Code, roomText)
	text(attrMessage, rec.Message, roomText)
	number(attrAttempts, int64(rec.Attempts))
	number(attrDeadAt, rec.Time.UnixMilli())
	if t.opts.TTL > 0 {
		number(t.opts.TTLAttribute, rec.Time.Add(t.opts.TTL).Unix())
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
func partitionOf(rec relay.DeadLetter) string {
	if arn := cut(rec.StreamARN, roomPK); arn != "" {
		return arn
	}
	return "unknown stream"
}

func sortOf(rec relay.DeadLetter) string {
	const digits = 40 // the longest that DynamoDB Streams gives
	sum := sha256.Sum256([]byte(rec.EventID))
	if rec.EventID == "" {
		sum = sha256.Sum256(rec.Record)
	}
	hash := hex.EncodeToString(sum[:])
	if s := strings.TrimLeft(rec.SequenceNumber, "0"); sequence.Valid(rec.SequenceNumber) && len(s) <= roomKey/2 {
		return strings.Repeat("0", max(digits-len(s), 0)) + s + "#" + hash[:8]
	}
	return "sha256:" + hash
}

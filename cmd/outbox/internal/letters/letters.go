// Package letters reads the table of dead letters, package relay/deadletter, for
// people: what is there, and why.
package letters

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Letter is a dead letter. The message may quote the event.
type Letter struct {
	EventID        string          `json:"eventId,omitempty"`
	EventName      string          `json:"eventName,omitempty"`
	AggregateID    string          `json:"aggregateId,omitempty"`
	Code           string          `json:"code"`
	Message        string          `json:"message,omitempty"`
	Bus            string          `json:"bus,omitempty"`
	Attempts       int             `json:"attempts"`
	DeadAt         time.Time       `json:"deadAt"`
	Table          string          `json:"table,omitempty"` // the event store
	StreamARN      string          `json:"streamArn,omitempty"`
	SequenceNumber string          `json:"sequenceNumber,omitempty"`
	Headers        json.RawMessage `json:"headers,omitempty"`
	Truncated      bool            `json:"recordTruncated,omitempty"`
	Record         json.RawMessage `json:"record,omitempty"` // only if it was asked for, and is whole
}

// APIClient is what is needed of DynamoDB.
type APIClient interface {
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
}

// IDs yields the event ids of all letters. It needs the permission dynamodb:Scan.
func IDs(ctx context.Context, client APIClient, table string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for item, err := range scan(ctx, client, table, "eventId") {
			if id := text(item, "eventId"); err != nil || id != "" {
				if !yield(id, err) || err != nil {
					return
				}
			}
		}
	}
}

// All yields all letters, with their records if those are wanted.
func All(ctx context.Context, client APIClient, table string, records bool) iter.Seq2[Letter, error] {
	return func(yield func(Letter, error) bool) {
		names := []string{"eventId", "code", "message", "bus", "attempts", "deadAt", "table", "streamArn", "sequenceNumber", "headers", "recordTruncated"}
		if records {
			names = append(names, "record")
		}
		for item, err := range scan(ctx, client, table, names...) {
			if !yield(letterOf(item), err) || err != nil {
				return
			}
		}
	}
}

func scan(ctx context.Context, client APIClient, table string, names ...string) iter.Seq2[map[string]types.AttributeValue, error] {
	return func(yield func(map[string]types.AttributeValue, error) bool) {
		in := &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true), ExpressionAttributeNames: map[string]string{}}
		projection := ""
		for i, name := range names {
			place := "#" + strconv.Itoa(i)
			in.ExpressionAttributeNames[place] = name
			if i > 0 {
				projection += ", "
			}
			projection += place
		}
		in.ProjectionExpression = &projection
		for {
			out, err := client.Scan(ctx, in)
			if err != nil {
				yield(nil, fmt.Errorf("read the dead letters: scan table %s: %w", table, err))
				return
			}
			for _, item := range out.Items {
				if !yield(item, nil) {
					return
				}
			}
			if len(out.LastEvaluatedKey) == 0 {
				return
			}
			in.ExclusiveStartKey = out.LastEvaluatedKey
		}
	}
}

func letterOf(item map[string]types.AttributeValue) Letter {
	l := Letter{
		EventID: text(item, "eventId"), Code: text(item, "code"), Message: text(item, "message"), Bus: text(item, "bus"),
		Attempts: int(number(item, "attempts")), DeadAt: time.UnixMilli(number(item, "deadAt")).UTC(), Table: text(item, "table"),
		StreamARN: text(item, "streamArn"), SequenceNumber: text(item, "sequenceNumber"),
	}
	if b, ok := item["recordTruncated"].(*types.AttributeValueMemberBOOL); ok {
		l.Truncated = b.Value
	}
	if h := []byte(text(item, "headers")); json.Valid(h) {
		l.Headers = h
		var names struct{ EventName, AggregateID any }
		if json.Unmarshal(h, &names) == nil {
			l.EventName, _ = names.EventName.(string)
			l.AggregateID, _ = names.AggregateID.(string)
		}
	}
	if r := []byte(text(item, "record")); json.Valid(r) {
		l.Record = r
	}
	return l
}

func text(item map[string]types.AttributeValue, name string) string {
	if s, ok := item[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func number(item map[string]types.AttributeValue, name string) int64 {
	n, ok := item[name].(*types.AttributeValueMemberN)
	if !ok {
		return 0
	}
	v, _ := strconv.ParseInt(n.Value, 10, 64) // 0 if it is none
	return v
}

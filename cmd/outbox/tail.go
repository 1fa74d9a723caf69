package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/follow"
	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/progress"
	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

// tailCmd prints events as they come.
type tailCmd struct {
	Since when `placeholder:"TIME" help:"Begin with what came on the stream at this time: 2026-11-26T08:00:00Z, or how long ago: 10m. The stream keeps 24 hours. Default: now."`
	Limit int  `placeholder:"N" help:"End after N events. Default: at Ctrl-C."`

	storeNames
}

func (c *tailCmd) Help() string {
	return `A line for each event: when it came, its id, name, aggregate, how old it was then (from its headers' timestamp to its commit), and the size of its record. Nothing of a payload is printed. Other items and changes of items are left out.

  2026-11-26T07:05:13Z  01M8BARCKT2YKGTVS7CQGT9NK7  User.Created  -  age under 1 s  587 bytes

It is a reader of each shard, beside Lambda. AWS advises no more than two: if there is a pipe or a second mapping as well, reads of all of them may be throttled.

Examples:
  outbox tail
  outbox tail --since 10m --limit 20

Exit status: 0 ended by --limit or Ctrl-C, 2 the call or the configuration is wrong.`
}

// tailLine is one event.
type tailLine struct {
	At          time.Time `json:"at"`
	EventID     string    `json:"eventId"`
	EventName   string    `json:"eventName"`
	AggregateID string    `json:"aggregateId,omitempty"`
	Sequence    int64     `json:"sequence,omitempty"`
	AgeMillis   int64     `json:"ageMillis"`
	Bytes       int64     `json:"bytes"`
}

// Run is the verb.
func (c *tailCmd) Run(ctx context.Context, a *app) error {
	s, err := c.store()
	if err != nil {
		return err
	}
	cfg, err := a.aws(ctx)
	if err != nil {
		return err
	}
	arn, err := streamOf(ctx, dynamodb.NewFromConfig(cfg), s.table)
	if err != nil {
		return err
	}
	ready := func() {
		fmt.Fprintf(a.stderr, "outbox: follows %s, as a reader of each shard beside Lambda; AWS advises two at most\n", arn)
	}
	layout, n := s.layout.WithDefaults(), 0
	for r, err := range follow.Records(ctx, dynamodbstreams.NewFromConfig(cfg), arn, c.Since.at(time.Now()), ready) {
		if err != nil {
			return err
		}
		line, ok := lineOf(layout, r)
		if !ok {
			continue
		}
		if err := line.write(a); err != nil {
			return err
		}
		if n++; n == c.Limit {
			return nil
		}
	}
	return nil // Ctrl-C is how it ends
}

// lineOf reads a record; false if it is no new event.
func lineOf(l envelope.Layout, r types.Record) (tailLine, bool) {
	if r.EventName != types.OperationTypeInsert || r.Dynamodb == nil {
		return tailLine{}, false
	}
	image := r.Dynamodb.NewImage
	if _, marked := image[l.Marker]; l.Marker != "" && !marked {
		return tailLine{}, false
	}
	event, _ := image[l.Event].(*types.AttributeValueMemberM)
	if event == nil {
		return tailLine{}, false
	}
	headers, _ := event.Value["headers"].(*types.AttributeValueMemberM)
	if headers == nil {
		return tailLine{}, false
	}
	text := func(name string) string {
		s, _ := headers.Value[name].(*types.AttributeValueMemberS)
		if s == nil {
			return ""
		}
		return s.Value
	}
	number := func(name string) int64 {
		s, _ := headers.Value[name].(*types.AttributeValueMemberN)
		if s == nil {
			return 0
		}
		n, _ := strconv.ParseInt(s.Value, 10, 64) // 0 if it is none
		return n
	}
	at := aws.ToTime(r.Dynamodb.ApproximateCreationDateTime).UTC()
	line := tailLine{
		At: at, EventID: text("eventId"), EventName: text("eventName"), AggregateID: text("aggregateId"), Sequence: number("sequence"),
		Bytes: aws.ToInt64(r.Dynamodb.SizeBytes),
	}
	if ms := number("timestamp"); ms > 0 {
		line.AgeMillis = max(0, at.UnixMilli()-ms)
	}
	return line, true
}

func (l tailLine) write(a *app) error {
	if a.JSON {
		enc := json.NewEncoder(a.stdout)
		enc.SetEscapeHTML(false)
		return enc.Encode(l)
	}
	aggregate := or(l.AggregateID, "-")
	if l.Sequence > 0 {
		aggregate += fmt.Sprintf("#%d", l.Sequence)
	}
	age := "under 1 s"
	if l.AgeMillis >= 1000 {
		age = progress.Duration(time.Duration(l.AgeMillis) * time.Millisecond)
	}
	_, err := fmt.Fprintf(a.stdout, "%s  %s  %s  %s  age %s  %s\n", l.At.Format("2006-01-02T15:04:05Z"), l.EventID, l.EventName, aggregate, age, bytesText(l.Bytes))
	return err
}

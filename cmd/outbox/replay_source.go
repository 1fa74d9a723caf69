package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/cursorfile"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/recovery"
)

// what says which events are meant, beside a period.
type what struct {
	Aggregate       []string `group:"what" sep:"none" placeholder:"ID" help:"All events of this aggregate, in order. Can be given more than once."`
	ID              []string `name:"id" group:"what" sep:"none" placeholder:"EVENTID" help:"This event. Can be given more than once."`
	IDs             string   `name:"ids" group:"what" placeholder:"FILE" help:"The events whose ids are in this file, one a line; - is stdin."`
	Stream          bool     `group:"what" help:"What came on the stream since --from; it keeps 24 hours. The command is then a reader of each shard, beside Lambda; two are all that AWS advises."`
	OnFailureQueue  string   `group:"what" placeholder:"QUEUE" help:"The batches that Lambda or Pipes gave up, from the messages in this queue. A message is deleted when all of its events are published."`
	OnFailureObject string   `group:"what" placeholder:"FILE" help:"The batch that Lambda or Pipes gave up, from the object that it wrote into S3: s3://BUCKET/KEY, a file, or - for stdin."`
}

// pace is how fast the event store is read.
type pace struct {
	ReadUnits float64 `group:"pace" placeholder:"N" help:"Read at most N read units a second from the event store. Default: no limit."`
	Segments  int     `group:"pace" placeholder:"N" help:"Read N parts of the event store at once, up to 1000. Default: 4."`
	PageSize  int     `group:"pace" placeholder:"N" help:"Read at most N items of the event store for a page, which is the most that comes twice after a crash. Default: as many as are in 1 MB."`
}

func (p pace) options(o *recovery.ScanOptions) {
	o.ReadUnits, o.Segments, o.PageSize = p.ReadUnits, p.Segments, p.PageSize
}

// job is a source, and what there is to do with it.
type job struct {
	source  relay.Source
	units   float64                         // how many read units all of it may cost, 0 if nobody knows
	message string                          // the id of the message that it is from
	done    func(ctx context.Context) error // called when all of it is published; may be nil
}

func only(j job) iter.Seq2[job, error] {
	return func(yield func(job, error) bool) { yield(j, nil) }
}

// byTime reports whether the events are those of a period.
func (w what) byTime() bool { return w.Stream || w.named() == 0 }

// named is how many ways to say what are used.
func (w what) named() (n int) {
	for _, used := range []bool{len(w.Aggregate) > 0, len(w.ID) > 0 || w.IDs != "", w.Stream, w.OnFailureQueue != "", w.OnFailureObject != ""} {
		if used {
			n++
		}
	}
	return n
}

// jobs returns the sources that are meant.
func (c *replayCmd) jobs(ctx context.Context, a *app, cfg aws.Config, s eventStore, state cursorfile.State) (iter.Seq2[job, error], error) {
	client := dynamodb.NewFromConfig(cfg)
	switch {
	case c.named() > 1:
		return nil, usage("--aggregate, --id (or --ids), --stream, --on-failure-queue and --on-failure-object exclude each other")
	case !c.byTime() && (c.From.set || c.To.set):
		return nil, usage("--from and --to are for the event store by time, and --from for --stream; filters begin with --only")
	case c.Stream && c.To.set:
		return nil, usage("--to is not for --stream, which is read up to its end")
	case len(c.Aggregate) > 0 && s.layout.Keys == nil:
		return nil, usage("in the default layout the events of an aggregate are not together: say when they were made, and --only-aggregates in place of --aggregate")
	case len(c.Aggregate) > 0:
		return only(job{source: recovery.Aggregate(client, s.table, s.layout, c.Aggregate...)}), nil
	case len(c.ID) > 0 || c.IDs != "":
		ids, err := c.ids(a)
		if err != nil {
			return nil, err
		}
		return only(job{source: recovery.IDs(client, s.table, s.layout, ids...)}), nil
	case c.Stream:
		arn, err := streamOf(ctx, client, s.table)
		if err != nil {
			return nil, err
		}
		return only(job{source: recovery.StreamFrom(dynamodbstreams.NewFromConfig(cfg), arn, state.From)}), nil
	case c.OnFailureQueue != "":
		return c.queue(ctx, cfg, s), nil
	case c.OnFailureObject != "":
		text, err := c.object(ctx, a, cfg)
		if err != nil {
			return nil, err
		}
		return only(job{source: c.record(cfg, s, text)}), nil
	}
	return only(job{source: recovery.EventStore(client, s.table, s.layout, state.From, state.To, c.options), units: unitsOf(ctx, client, s.table)}), nil
}

// ids returns the ids that are given, each once.
func (w what) ids(a *app) (ids []string, err error) {
	seen := map[string]bool{}
	add := func(id string) {
		if id = strings.TrimSpace(id); id != "" && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	for _, id := range w.ID {
		add(id)
	}
	if w.IDs != "" {
		text, err := a.input(w.IDs)
		if err != nil {
			return nil, usage("--ids: %v", err)
		}
		for lines := bufio.NewScanner(strings.NewReader(string(text))); lines.Scan(); {
			add(lines.Text())
		}
	}
	if len(ids) == 0 {
		return nil, usage("--ids: there is no id in %s", w.IDs)
	}
	return ids, nil
}

// input reads a file, or stdin for "-".
func (a *app) input(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(a.stdin)
	}
	return os.ReadFile(name)
}

// streamOf returns the ARN of a table's stream.
func streamOf(ctx context.Context, client *dynamodb.Client, table string) (string, error) {
	out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		return "", fmt.Errorf("stream of table %s: %w", table, err)
	}
	t := out.Table
	if t.StreamSpecification == nil || !aws.ToBool(t.StreamSpecification.StreamEnabled) || aws.ToString(t.LatestStreamArn) == "" {
		return "", usage("the stream of table %s is off: nothing in it is published. Switch it on with the view NEW_IMAGE, make the relay's mapping anew for its ARN, and publish what was written meanwhile with --missing. outbox doctor looks at all of it", table)
	}
	return aws.ToString(t.LatestStreamArn), nil
}

// unitsOf is what a consistent scan of the table costs, by what DynamoDB says of
// its size every six hours or so; 0 if it does not say.
func unitsOf(ctx context.Context, client *dynamodb.Client, table string) float64 {
	const unit = 4096 // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/capacity-mode.html
	out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		return 0
	}
	return float64(aws.ToInt64(out.Table.TableSizeBytes)) / unit
}

// removeCursor removes the file of a replay that has come to its end.
func removeCursor(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("everything is published, but the cursor is still there: %w", err)
	}
	return nil
}

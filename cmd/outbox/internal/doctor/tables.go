package doctor

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	aboutStreams = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html"
	aboutTTL     = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html"
	aboutGlobal  = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html"
	aboutPITR    = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery.html"
)

// eventStore checks the table, its stream, its TTL and what protects it.
func (in *inspection) eventStore(ctx context.Context) {
	subject := "table " + in.EventStore
	out, err := in.tables.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &in.EventStore})
	if err != nil {
		in.unreadable("table.exists", subject, "without the event store nothing can be committed", err)
		return
	}
	table := out.Table
	in.report.verdict(table.TableStatus == types.TableStatusActive || table.TableStatus == types.TableStatusUpdating, Problem, Finding{
		Check: "table.exists", Subject: subject, Found: string(table.TableStatus), Want: "ACTIVE",
		Why: "DynamoDB refuses every write to it", Mend: "wait, or see why it is in this state",
	})
	in.stream(subject, table)
	in.report.verdict(aws.ToBool(table.DeletionProtectionEnabled), Warning, Finding{
		Check: "table.deletion-protection", Subject: subject, Found: onOff(aws.ToBool(table.DeletionProtectionEnabled)), Want: "on",
		Why:  "events that are not published yet go with the table, and so does what could be published again",
		Mend: "aws dynamodb update-table --table-name " + in.EventStore + " --deletion-protection-enabled",
	})
	if strong := in.consistency(subject, table); !strong {
		in.timeToLive(ctx, subject)
	}
	in.backups(ctx, subject)
}

// consistency checks the mode of a global table, and reports whether the table
// is strongly consistent over its regions. One table of a transaction that takes
// none is enough for DynamoDB to refuse it.
func (in *inspection) consistency(subject string, table *types.TableDescription) (strong bool) {
	if !isGlobal(table) {
		return false
	}
	mode := table.MultiRegionConsistency
	if mode == "" { // a table from before there were two modes
		mode = types.MultiRegionConsistencyEventual
	}
	strong = mode == types.MultiRegionConsistencyStrong
	in.report.verdict(!strong, Problem, Finding{
		Check: "table.consistency", Subject: subject, Found: string(mode), Want: string(types.MultiRegionConsistencyEventual), See: aboutGlobal,
		Why:  "a strongly consistent global table takes no transactions, and has no TTL: no event can be committed together with its business item",
		Mend: "the mode cannot be changed: make another table for the events, in one region or as a global table of eventual consistency",
	})
	return strong
}

// isGlobal reports whether the table is a replica of a global table.
func isGlobal(table *types.TableDescription) bool {
	return len(table.Replicas) > 0 || table.MultiRegionConsistency != ""
}

func (in *inspection) stream(subject string, table *types.TableDescription) {
	enabled := table.StreamSpecification != nil && aws.ToBool(table.StreamSpecification.StreamEnabled)
	in.report.verdict(enabled, Problem, Finding{
		Check: "table.stream", Subject: subject, Found: onOff(enabled), Want: "on",
		Why:  "the relay reads the stream: without one, committed events are never published",
		Mend: "enable it with NEW_IMAGE, and make the relay's mapping anew for its ARN; give the relay what was written meanwhile from the event store, with outbox replay --missing", See: aboutStreams,
	})
	if !enabled {
		return
	}
	in.streamARN = aws.ToString(table.LatestStreamArn)
	view := table.StreamSpecification.StreamViewType
	f := Finding{
		Check: "table.stream-view", Subject: subject, Found: string(view), Want: string(types.StreamViewTypeNewImage), See: aboutStreams,
		Why:  "the stream does not carry the event, and the relay fails on every record",
		Mend: "the view cannot be changed: disable the stream and enable it with NEW_IMAGE; it gets another ARN, so make the mapping anew",
	}
	good, bad := view == types.StreamViewTypeNewImage, Problem
	if view == types.StreamViewTypeNewAndOldImages {
		// DynamoDB gives every global table this one, and it cannot be switched off.
		good, bad = isGlobal(table), Warning
		f.Why = "it works; old images count towards the 6 MB of a batch for nothing"
	}
	in.report.verdict(good, bad, f)
}

func (in *inspection) timeToLive(ctx context.Context, subject string) {
	out, err := in.tables.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &in.EventStore})
	if err != nil {
		in.unreadable("table.ttl", subject, "", err)
		return
	}
	ttl := out.TimeToLiveDescription
	on := ttl != nil && (ttl.TimeToLiveStatus == types.TimeToLiveStatusEnabled || ttl.TimeToLiveStatus == types.TimeToLiveStatusEnabling)
	f := Finding{
		Check: "table.ttl", Subject: subject, Found: "off", Want: "on, for the attribute " + in.TTL, See: aboutTTL,
		Why:  "events that a writer gives a ttl are kept, and paid for, without end",
		Mend: fmt.Sprintf("aws dynamodb update-time-to-live --table-name %s --time-to-live-specification Enabled=true,AttributeName=%s", in.EventStore, in.TTL),
	}
	if on {
		f.Found = "on, for the attribute " + aws.ToString(ttl.AttributeName)
	}
	good := on && aws.ToString(ttl.AttributeName) == in.TTL
	in.report.verdict(good, Warning, f)
}

func (in *inspection) backups(ctx context.Context, subject string) {
	out, err := in.tables.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &in.EventStore})
	if err != nil {
		in.unreadable("table.backups", subject, "", err)
		return
	}
	on := false
	if d := out.ContinuousBackupsDescription; d != nil && d.PointInTimeRecoveryDescription != nil {
		on = d.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus == types.PointInTimeRecoveryStatusEnabled
	}
	in.report.verdict(on, Warning, Finding{
		Check: "table.backups", Subject: subject, Found: "point-in-time recovery " + onOff(on), Want: "on", See: aboutPITR,
		Why:  "what has to be published again is read from this table: a slip that deletes events cannot be undone",
		Mend: "aws dynamodb update-continuous-backups --table-name " + in.EventStore + " --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true",
	})
}

// deadLetterTable checks the table of dead letters, by the keys that
// deadletter.New writes.
func (in *inspection) deadLetterTable(ctx context.Context, name string) {
	subject := "table " + name
	out, err := in.tables.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	if err != nil {
		in.unreadable("dead-letters.exists", subject, "an event that can never be published has nowhere to go, and holds up its shard for a day", err)
		return
	}
	found := keysOf(out.Table)
	in.report.verdict(found == "pk S, sk S", Problem, Finding{
		Check: "dead-letters.keys", Subject: subject, Found: found, Want: "pk S, sk S",
		Why:  "DynamoDB refuses the dead letters, and their shard is held up",
		Mend: "make the table anew with these keys, or give deadletter.New its names",
	})
}

// keysOf is a table's key, such as "pk S, sk N".
func keysOf(table *types.TableDescription) string {
	kinds := map[string]types.ScalarAttributeType{}
	for _, a := range table.AttributeDefinitions {
		kinds[aws.ToString(a.AttributeName)] = a.AttributeType
	}
	text := ""
	for _, k := range table.KeySchema {
		if text != "" {
			text += ", "
		}
		text += aws.ToString(k.AttributeName) + " " + string(kinds[aws.ToString(k.AttributeName)])
	}
	return text
}

func onOff(b bool) string {
	if b {
		return "on"
	}
	return "off"
}

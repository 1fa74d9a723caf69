package relay_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

const (
	testARN    = "arn:aws:dynamodb:eu-west-1:123456789012:table/event-store/stream/2026-11-24T00:00:00.000"
	testSecret = "s3cr3t-0f-th3-p4yl04d"
)

// testRecord is a stream record of a test. The zero value of each field is
// replaced by something sound.
type testRecord struct {
	id, name, source, region, aggregate, trace string
	sequence                                   int           // of the stream
	seq                                        string        // of the stream, as it is; overrides sequence
	age                                        time.Duration // how long the stream has had it
	payload                                    string        // DynamoDB JSON
	raw                                        string        // the whole record; times may be left open, see stamp
}

// String is the record as the stream brings it now.
func (r testRecord) String() string { return stamp(r.template(), time.Now().Add(-r.age)) }

// The places in a text that stamp fills in: the time on the stream in seconds,
// and the event's own time in milliseconds.
const (
	openSeconds = "$s"
	openMillis  = "$ms"
)

// stamp gives a record its times: the one on the stream, and the event's own,
// which is the same but never before the earliest that an event may have. The
// clock of testing/synctest begins with that one.
//
// Every time of a record comes from here, and so from the clock of the test: a
// fixed one would make the record older each day that the test is run.
func stamp(text string, at time.Time) string {
	event := at
	if event.Before(envelope.MinTimestamp) {
		event = envelope.MinTimestamp
	}
	return strings.NewReplacer(
		openMillis, strconv.FormatInt(event.UnixMilli(), 10),
		openSeconds, strconv.FormatInt(at.Unix(), 10),
	).Replace(text)
}

// template is the record with its times open.
func (r testRecord) template() string {
	if r.raw != "" {
		return r.raw
	}
	or := func(s, def string) string {
		if s == "" {
			return def
		}
		return s
	}
	seq := or(r.seq, fmt.Sprintf("%021d", r.sequence))
	id := or(r.id, eventID(r.sequence))
	optional := ""
	if r.region != "" {
		optional += fmt.Sprintf(`,"region":{"S":%q}`, r.region)
	}
	if r.aggregate != "" {
		optional += fmt.Sprintf(`,"aggregateId":{"S":%q}`, r.aggregate)
	}
	if r.trace != "" {
		optional += fmt.Sprintf(`,"traceparent":{"S":%q}`, r.trace)
	}
	return fmt.Sprintf(`{"eventID":"e%s","eventName":"INSERT","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"eu-west-1",`+
		`"dynamodb":{"ApproximateCreationDateTime":$s,"Keys":{"pk":{"S":%[2]q},"sk":{"N":"$ms"}},`+
		`"NewImage":{"pk":{"S":%[2]q},"sk":{"N":"$ms"},"event":{"M":{"headers":{"M":{"eventId":{"S":%[2]q},`+
		`"eventName":{"S":%[3]q},"source":{"S":%[4]q},"timestamp":{"N":"$ms"}%[5]s}},"payload":%[6]s}}},`+
		`"SequenceNumber":%[1]q,"SizeBytes":100,"StreamViewType":"NEW_IMAGE"},"eventSourceARN":%[7]q}`,
		seq, id, or(r.name, "User.Created"), or(r.source, "userService"),
		optional, or(r.payload, fmt.Sprintf(`{"M":{"secret":{"S":%q}}}`, testSecret)), testARN)
}

// with is the record with something else in one place of its text.
func (r testRecord) with(old, new string) testRecord {
	if !strings.Contains(r.template(), old) {
		panic("a record without " + old)
	}
	r.raw = strings.Replace(r.template(), old, new, 1)
	return r
}

// withHeader is the record with one more header of its event, as DynamoDB JSON.
func (r testRecord) withHeader(header string) testRecord {
	return r.with(timestampN, timestampN+","+header)
}

// marked is the record with the marker of events in the attribute "kind".
func (r testRecord) marked() testRecord {
	return r.with(`"NewImage":{`, `"NewImage":{"kind":{"S":"`+envelope.MarkerValue+`"},`)
}

func eventID(sequence int) string { return fmt.Sprintf("event-%d", sequence) }

// sequenceOf is the number in an event id of eventID.
func sequenceOf(id string) int {
	n := 0
	for _, c := range strings.TrimPrefix(id, "event-") {
		n = 10*n + int(c-'0')
	}
	return n
}

// batch is the payload of an invocation.
func batch(records ...testRecord) []byte {
	parts := make([]string, len(records))
	for i, r := range records {
		parts[i] = r.String()
	}
	return []byte(`{"Records":[` + strings.Join(parts, ",") + `]}`)
}

// events is a batch of n events with the sequence numbers first, first+1, ….
// They have just been written.
func events(first, n int) []byte { return batch(records(first, n)...) }

// records are those of events.
func records(first, n int) []testRecord {
	rs := make([]testRecord, n)
	for i := range rs {
		rs[i].sequence = first + i
	}
	return rs
}

// eventTimes are the places of an event's own time in JSON.
var eventTimes = regexp.MustCompile(`("timestamp":|"sk":\{"N":")\d{12,13}`)

// withoutTime sets the event's own time to 0 in a JSON text of its headers or of
// its item's keys. Golden texts are compared so.
func withoutTime(text string) string { return eventTimes.ReplaceAllString(text, "${1}0") }

var createdAt = regexp.MustCompile(`"ApproximateCreationDateTime":(\d+)`)

// requireYoung checks that a record is not so old that its age alone would make
// a dead letter of it, whatever the bus said.
func requireYoung(t *testing.T, record string) {
	t.Helper()
	found := createdAt.FindStringSubmatch(record)
	require.NotNil(t, found, "the record has no time on the stream")
	seconds, err := strconv.ParseInt(found[1], 10, 64)
	require.NoError(t, err)
	require.Less(t, time.Since(time.Unix(seconds, 0)), time.Hour, "its age would explain the dead letter")
}

// A record with a fixed time grows older each day that the tests are run, until
// the relay judges it by its age. So no test has one: times come from stamp.
func TestNoRecordHasAFixedTime(t *testing.T) {
	fixed := regexp.MustCompile(`ApproximateCreationDateTime[\\"]*:[\\"\s]*\d`)
	require.Regexp(t, fixed, testRecord{sequence: 1}.String(), "the pattern finds what it looks for")
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NotRegexp(t, fixed, string(text), name)
	}
}

package streamrecord_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

func TestBatches(t *testing.T) {
	for _, row := range []struct {
		name, in string
		records  int
		window   bool
		state    string
	}{
		{"no records", `{"Records":[]}`, 0, false, ""},
		{"white space", " \r\n{ \"Records\" : [ ] } \t", 0, false, ""},
		{"one", `{"Records":[` + goodRecord + `]}`, 1, false, ""},
		{"three", `{"Records":[ ` + goodRecord + ` , ` + goodRecord + "\n,\t" + goodRecord + ` ]}`, 3, false, ""},
		{"escaped name", `{"\u0052ecords":[` + goodRecord + `]}`, 1, false, ""},
		{"unknown members", `{"a":[{"Records":[]}],"Records":[` + goodRecord + `],"b":"}"}`, 1, false, ""},
		{"tumbling window", `{"Records":[` + goodRecord + `],"window":{"start":"2020-07-30T17:00:00Z","end":"2020-07-30T17:05:00Z"},"state":{"1":"a}"},"shardId":"s","eventSourceARN":"a","isFinalInvokeForWindow":false,"isWindowTerminatedEarly":false}`, 1, true, `{"1":"a}"}`},
		{"tumbling window, records last", `{"state": {} ,"window":{},"Records":[]}`, 0, true, `{}`},
		{"window null", `{"Records":[],"window":null,"state":null}`, 0, false, `null`},
		{"records that are none", `{"Records":[null,1,"x",[],{},nonsense]}`, 6, false, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			b, err := streamrecord.NewDecoder(streamrecord.Config{}).Decode([]byte(row.in))
			require.NoError(t, err)
			require.Len(t, b.Records, row.records)
			require.Equal(t, row.window, b.Window)
			require.Equal(t, row.state, string(b.State))
			require.Equal(t, row.state == "", b.State == nil)
		})
	}
}

func TestFormatErrors(t *testing.T) {
	for name, in := range map[string]string{
		"nothing":                    ``,
		"white space":                ` `,
		"null":                       `null`,
		"array":                      `[` + goodRecord + `]`,
		"text":                       `"{}"`,
		"no records":                 `{}`,
		"records null":               `{"Records":null}`,
		"records an object":          `{"Records":{}}`,
		"records text":               `{"Records":"[]"}`,
		"name in lower case":         `{"records":[]}`,
		"records twice":              `{"Records":[` + goodRecord + `],"Records":[` + goodRecord + `]}`,
		"records twice, then null":   `{"Records":[` + goodRecord + `],"Records":null}`,
		"records twice, first null":  `{"Records":null,"Records":[` + goodRecord + `]}`,
		"window twice":               `{"Records":[],"window":null,"window":{}}`,
		"state twice":                `{"Records":[],"state":{},"state":{}}`,
		"cut off in a record":        `{"Records":[` + goodRecord + `,` + goodRecord[:200],
		"cut off in a string":        `{"Records":[{"eventName":"INS`,
		"cut off behind a record":    `{"Records":[` + goodRecord,
		"cut off behind the records": `{"Records":[` + goodRecord + `]`,
		"cut off behind a backslash": `{"Records":[{"eventName":"\`,
		"no comma":                   `{"Records":[` + goodRecord + ` ` + goodRecord + `]}`,
		"two commas":                 `{"Records":[` + goodRecord + `,,` + goodRecord + `]}`,
		"trailing comma":             `{"Records":[` + goodRecord + `,]}`,
		"a bracket too many":         `{"Records":[` + goodRecord + `}]}`,
		"a quote too many":           `{"Records":[{"eventName":"INSERT""},` + goodRecord + `]}`,
		"a bracket too few":          `{"Records":[{"dynamodb":{},` + goodRecord + `]}`,
		"something behind":           `{"Records":[]} x`,
		"two events":                 `{"Records":[]}{"Records":[]}`,
		"key without value":          `{"Records"}`,
		"key without quotes":         `{Records:[]}`,
		"value without key":          `{[]}`,
		"other member cut off":       `{"Records":[],"x":`,
		"zeros":                      "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
	} {
		t.Run(name, func(t *testing.T) {
			d := streamrecord.NewDecoder(streamrecord.Config{})
			b, err := d.Decode([]byte(in))
			require.Nil(t, b)
			var format *streamrecord.FormatError
			require.ErrorAs(t, err, &format)
			require.LessOrEqual(t, format.Offset, len(in))
			require.ErrorContains(t, err, "not a DynamoDB stream event")

			b, err = d.Decode([]byte(`{"Records":[` + goodRecord + `]}`))
			require.NoError(t, err, "the decoder is as good as new")
			require.Equal(t, goodDetail, string(b.Records[0].Detail))
		})
	}
}

// TestOnFailureRecord decodes what Lambda stores in S3 about a batch that has
// failed: the invocation's payload is in it, as a string or as an object.
func TestOnFailureRecord(t *testing.T) {
	const around = `"requestContext":{"requestId":"r","functionArn":"arn:f","condition":"RetryAttemptsExhausted","approximateInvokeCount":3},` +
		`"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},"version":"1.0","timestamp":"2026-01-01T00:00:00.000Z",` +
		`"DDBStreamBatchInfo":{"shardId":"s","startSequenceNumber":"111","endSequenceNumber":"111","batchSize":1,"streamArn":"arn:s"}`
	invocation := `{"Records":[` + goodRecord + `],"window":{},"state":{"a":1}}`
	quoted, err := json.Marshal(invocation)
	require.NoError(t, err)
	d := streamrecord.NewDecoder(streamrecord.Config{})
	for name, payload := range map[string]string{
		"string":        string(quoted),
		"object":        invocation,
		"white space":   ` ` + strings.ReplaceAll(invocation, `,`, " ,\n") + ` `,
		"payload first": "",
	} {
		in := `{` + around + `,"payload":` + payload + `}`
		if name == "payload first" {
			in = `{"payload":` + string(quoted) + `,` + around + `}`
		}
		b, err := d.Decode([]byte(in))
		require.NoError(t, err, name)
		require.True(t, b.OnFailure, name)
		require.True(t, b.Window, name)
		require.Len(t, b.Records, 1, name)
		require.Equal(t, goodDetail, string(b.Records[0].Detail), name)
		require.Equal(t, "111", b.Records[0].SequenceNumber, name)
	}
	b, err := d.Decode([]byte(invocation))
	require.NoError(t, err)
	require.False(t, b.OnFailure, "the decoder is as good as new")

	for name, payload := range map[string]string{
		"in itself":       `{"payload":` + invocation + `}`,
		"null":            `null`,
		"a list":          `[]`,
		"a number":        `5`,
		"text":            `"hello"`,
		"an empty string": `""`,
		"damaged string":  `"{\"Records\":[]\x}"`,
		"cut off":         string(quoted[:len(quoted)-20]) + `"`,
		"twice":           `{},"payload":{}`,
	} {
		b, err := d.Decode([]byte(`{` + around + `,"payload":` + payload + `}`))
		require.ErrorAs(t, err, new(*streamrecord.FormatError), name)
		require.Nil(t, b, name)
	}
	_, err = d.Decode([]byte(`{` + around + `}`)) // what Lambda sends to a queue has no payload
	require.ErrorAs(t, err, new(*streamrecord.FormatError))
}

// TestSourceErrors has batches of other event sources, as Lambda sends them.
func TestSourceErrors(t *testing.T) {
	for source, record := range map[string]string{
		"aws:sqs":     `{"messageId":"m","receiptHandle":"h","body":"{}","attributes":{},"messageAttributes":{},"md5OfBody":"x","eventSource":"aws:sqs","eventSourceARN":"arn:x","awsRegion":"eu-west-1"}`,
		"aws:kinesis": `{"kinesis":{"partitionKey":"1","sequenceNumber":"1","data":"e30=","approximateArrivalTimestamp":1545084650.987},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"shardId-0:1","eventName":"aws:kinesis:record","eventSourceARN":"arn:x"}`,
		"aws:s3":      `{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","userIdentity":{"principalId":"A"},"s3":{},"eventSourceARN":"arn:x"}`,
		"aws:sns":     `{"EventSource":"aws:sns","EventVersion":"1.0","EventSubscriptionArn":"arn:y","Sns":{"Type":"Notification","Message":"{}"},"eventSourceARN":"arn:x"}`,
		"mine":        `{"eventName":"INSERT","dynamodb":{"NewImage":{}},"eventSource":"mine","eventSourceARN":"arn:x"}`,
	} {
		for _, in := range []string{record, record + `,` + record, goodRecord + `,` + record} {
			b, err := streamrecord.NewDecoder(streamrecord.Config{}).Decode([]byte(`{"Records":[` + in + `]}`))
			require.Nil(t, b)
			var other *streamrecord.SourceError
			require.ErrorAs(t, err, &other)
			require.Equal(t, streamrecord.SourceError{Source: source, ARN: "arn:x"}, *other)
			require.Contains(t, err.Error(), source)
			require.Contains(t, err.Error(), "arn:x")
		}
	}
	for _, source := range []string{`"eventSource":"aws:dynamodb",`, `"eventSource":"aws\u003adynamodb",`, `"eventSource":null,`, `"eventSource":"",`, ``} {
		r := decodeRecord(t, streamrecord.Config{}, strings.Replace(goodRecord, `"eventName"`, source+`"eventName"`, 1))
		require.Equal(t, streamrecord.Event, r.Kind, source)
	}
	for _, source := range []string{`5`, `{}`, `"aws:\ud800"`} {
		r := decodeRecord(t, streamrecord.Config{}, strings.Replace(goodRecord, `"eventName"`, `"eventSource":`+source+`,"eventName"`, 1))
		require.Equal(t, streamrecord.BadRecord, r.Fault.Code, source)
		require.Contains(t, r.Fault.Message, "eventSource")
	}
	_, err := streamrecord.NewDecoder(streamrecord.Config{}).Decode([]byte(`{"Records":[{"eventSource":"aws:sqs" 5}]}`))
	require.NoError(t, err, "a damaged record does not speak for the batch")
}

func TestStreamViewErrors(t *testing.T) {
	for _, view := range []string{"KEYS_ONLY", "OLD_IMAGE"} {
		for _, name := range []string{"INSERT", "MODIFY", "REMOVE"} {
			for _, record := range []string{
				`{"eventName":"` + name + `","dynamodb":{"SequenceNumber":"7","StreamViewType":"` + view + `"},"eventSourceARN":"arn:x"}`,
				`{"eventSourceARN":"arn:x","dynamodb":{"StreamViewType":"` + view + `","SequenceNumber":"7"},"eventName":"` + name + `"}`,
			} {
				_, err := streamrecord.NewDecoder(streamrecord.Config{}).Decode([]byte(`{"Records":[` + goodRecord + `,` + record + `]}`))
				var wrong *streamrecord.StreamViewError
				require.ErrorAs(t, err, &wrong)
				require.Equal(t, streamrecord.StreamViewError{ViewType: view, StreamARN: "arn:x", SequenceNumber: "7"}, *wrong)
				require.Contains(t, err.Error(), "NEW_IMAGE")
				require.Contains(t, err.Error(), "arn:x")
			}
		}
	}
	for _, record := range []string{
		`{"eventName":"MODIFY","dynamodb":{"StreamViewType":"NEW_IMAGE"}}`,
		`{"eventName":"MODIFY","dynamodb":{"StreamViewType":"NEW_AND_OLD_IMAGES"}}`,
		`{"eventName":"MODIFY","dynamodb":{"StreamViewType":"SOMETHING_NEW"}}`,
		`{"eventName":"MODIFY","dynamodb":{"StreamViewType":null}}`,
		`{"eventName":"MODIFY","dynamodb":{"x":{"StreamViewType":"KEYS_ONLY"}}}`,
		`{"eventName":"MODIFY","StreamViewType":"KEYS_ONLY"}`,
		`{"eventName":5,"dynamodb":{"StreamViewType":"KEYS_ONLY"}}`, // damaged: it does not speak for the stream
	} {
		_, err := streamrecord.NewDecoder(streamrecord.Config{}).Decode([]byte(`{"Records":[` + record + `]}`))
		require.NoError(t, err, record)
	}
	_, err := streamrecord.NewDecoder(streamrecord.Config{}).Decode([]byte(`{"Records":[{"eventName":"MODIFY","dynamodb":{"StreamViewType":"KEYS_ONLY"}}]`))
	require.ErrorAs(t, err, new(*streamrecord.FormatError))
	require.False(t, errors.As(err, new(*streamrecord.StreamViewError)))
}

// TestReuse decodes different batches with one decoder.
func TestReuse(t *testing.T) {
	d := streamrecord.NewDecoder(streamrecord.Config{})
	var kept []streamrecord.Record
	for i := range 50 {
		n := 1 + (i*37)%50
		record := strings.ReplaceAll(goodRecord, `"e1"`, fmt.Sprintf(`"event-%d"`, i))
		b, err := d.Decode([]byte(`{"Records":[` + strings.Repeat(record+",", n) + record + `]}`))
		require.NoError(t, err)
		require.Len(t, b.Records, n+1)
		for _, r := range b.Records {
			require.Equal(t, strings.ReplaceAll(goodDetail, `"e1"`, fmt.Sprintf(`"event-%d"`, i)), string(r.Detail))
			require.Equal(t, len(r.Detail), cap(r.Detail), "an append must not reach the next Detail")
		}
		kept = append(kept, b.Records[n])
	}
	for i, r := range kept {
		require.Equal(t, fmt.Sprintf("event-%d", i), r.EventID, "strings outlive the batch")
		require.Equal(t, "111", r.SequenceNumber)
	}
}

// TestAllocations decodes a batch again and again: what it costs does not
// depend on the number of records.
func TestAllocations(t *testing.T) {
	text := strings.Replace(goodRecord, `{"M":{"a":{"N":"1"}}}`, `{"S":"{\"a\":[\"é\",0.5,true,null,\"x\\ny\"]}"}`, 1)
	values := strings.Replace(goodRecord, `{"N":"1"}`, `{"L":[{"N":"0"},{"N":"-12.50"},{"N":"1E125"},{"S":"é\u00e9\n\"a long text\""},{"BOOL":false},{"NULL":true},{"B":"aGk="},{"NS":["1"]},{"L":[]},{"M":{}}]}`, 1)
	for _, record := range []string{goodRecord, text, values} {
		for _, n := range []int{1, 10, 100} {
			payload := manyRecords(n, record)
			d := streamrecord.NewDecoder(streamrecord.Config{})
			b, err := d.Decode(payload)
			require.NoError(t, err)
			require.Equal(t, streamrecord.Event, b.Records[n-1].Kind)
			allocs := testing.AllocsPerRun(100, func() {
				if _, err := d.Decode(payload); err != nil {
					panic(err)
				}
			})
			require.LessOrEqual(t, allocs, 1.0, "%d records", n)
		}
	}
}

// manyRecords is a batch of n copies of a record, each with an eventId of its own.
func manyRecords(n int, record string) []byte {
	records := make([]string, n)
	for i := range records {
		records[i] = strings.Replace(record, `"e1"`, fmt.Sprintf(`"event-%d"`, i), 1)
	}
	return []byte(`{"Records":[` + strings.Join(records, ",") + `]}`)
}

// TestMemoryOfTexts decodes a large batch with a new decoder, and then small ones
// with the same.
func TestMemoryOfTexts(t *testing.T) {
	large, small := manyRecords(10_000, goodRecord), manyRecords(1, goodRecord)
	require.Less(t, testing.AllocsPerRun(2, func() {
		if _, err := streamrecord.NewDecoder(streamrecord.Config{}).Decode(large); err != nil {
			panic(err)
		}
	}), 100.0, "a first batch has few allocations")

	d := streamrecord.NewDecoder(streamrecord.Config{})
	var before, after runtime.MemStats
	for _, payload := range [][]byte{large, small, small} {
		runtime.ReadMemStats(&before)
		_, err := d.Decode(payload)
		runtime.ReadMemStats(&after)
		require.NoError(t, err)
	}
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(16<<10), "the large batch is forgotten")
}

// TestConcurrentDecoders is for the race detector: decoders share nothing.
func TestConcurrentDecoders(t *testing.T) {
	payload := []byte(`{"Records":[` + goodRecord + `,{"eventName":"INSERT","dynamodb":{"NewImage":{"event":{"X":1}}}}]}`)
	done := make(chan error)
	for range runtime.GOMAXPROCS(0) * 2 {
		go func() {
			d := streamrecord.NewDecoder(streamrecord.Config{})
			for range 200 {
				b, err := d.Decode(payload)
				if err == nil && string(b.Records[0].Detail) != goodDetail {
					err = errors.New("another Detail")
				}
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range runtime.GOMAXPROCS(0) * 2 {
		require.NoError(t, <-done)
	}
}

package streamrecord_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamgen"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// configs are those under which every generated and fuzzed input is decoded.
var configs = []streamrecord.Config{
	{Event: "event", MarkerValue: "outbox/1"},
	{Event: "event", Marker: "fmt", MarkerValue: "outbox/1"},
}

// FuzzDecode holds the decoder against the reference, and against what must be
// true of any input: no panic, valid Details, the payload left alone, and
// neighbours that do not notice.
func FuzzDecode(f *testing.F) {
	// As Lambda sends them; of another writer, without optional headers, with a
	// timestamp in an S and payloads as text; damaged; and of a shared table.
	for _, name := range []string{"lambda", "typescript", "damaged", "shared"} {
		invocation, err := os.ReadFile("testdata/invocations/" + name + ".json")
		require.NoError(f, err)
		f.Add(invocation)
	}
	for seed := range uint64(40) {
		g := streamgen.New(seed, 2, seed%2 == 0)
		f.Add([]byte(g.Batch(3)))
		f.Add([]byte(g.Record("event-1")))
	}
	decoders := make([]*streamrecord.Decoder, len(configs))
	for i, cfg := range configs {
		decoders[i] = streamrecord.NewDecoder(cfg)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		for i, cfg := range configs {
			check(t, decoders[i], cfg, input)
			neighbours(t, decoders[i], cfg, input)
		}
	})
}

// FuzzPayload is FuzzDecode for the payload of an event alone.
func FuzzPayload(f *testing.F) {
	for seed := range uint64(60) {
		f.Add([]byte(streamgen.New(seed, 3, seed%2 == 0).Payload()))
	}
	d := streamrecord.NewDecoder(configs[0])
	f.Fuzz(func(t *testing.T, payload []byte) {
		neighbours(t, d, configs[0], []byte(`{"eventName":"INSERT","dynamodb":{"NewImage":{"event":{"M":{"payload":`+string(payload)+`,`+goodHeaders+`}}}}}`))
	})
}

// TestAgainstReference decodes generated batches: any order of members, white
// space, escapes, members that nobody knows, members that come twice, and now
// and then something that is wrong.
func TestAgainstReference(t *testing.T) {
	batches := 4000
	if testing.Short() {
		batches = 600
	}
	kinds := map[streamrecord.Kind]int{}
	codes := map[string]int{}
	for seed := range batches {
		payload := []byte(streamgen.New(uint64(seed), 1, seed%2 == 0).Batch(3))
		for _, cfg := range configs {
			d := streamrecord.NewDecoder(cfg)
			check(t, d, cfg, payload)
			if t.Failed() {
				t.Fatalf("seed %d: %s", seed, payload)
			}
			b, err := d.Decode(payload)
			if err != nil {
				continue
			}
			for _, r := range b.Records {
				kinds[r.Kind]++
				if r.Fault != nil {
					codes[r.Fault.Code]++
				}
			}
		}
	}
	t.Log(kinds, codes)
	if testing.Short() {
		return
	}
	for k := streamrecord.Event; k <= streamrecord.Undecodable; k++ {
		if kinds[k] < batches/100 {
			t.Errorf("only %d records of kind %v were generated", kinds[k], k)
		}
	}
	for _, code := range []string{streamrecord.BadRecord, streamrecord.MissingNewImage, streamrecord.MissingEvent, streamrecord.UnknownFormat, streamrecord.UnsupportedType, streamrecord.BadNumber,
		streamrecord.BadString, streamrecord.BadBinary, streamrecord.MissingHeader, streamrecord.BadHeader, streamrecord.MissingPayload, streamrecord.BadPayload} {
		if codes[code] == 0 {
			t.Errorf("no record had the fault %s", code)
		}
	}
}

// TestDamage changes a good record at every place, cuts a batch off at every
// place, and changes a few bytes of generated ones.
func TestDamage(t *testing.T) {
	const marks = "\"\\{}[],: 0tSM\x00\xc3"
	d := streamrecord.NewDecoder(configs[0])
	record := `{"a":"\u00e9","eventName":"INSERT","dynamodb":{"SequenceNumber":"1","NewImage":{"event":{"M":{` + goodHeaders +
		`,"payload":{"M":{"a":{"L":[{"N":"-1.5e3"},{"S":"x\n\ud83d\ude00é"},{"BOOL":true},{"BOOL":false},{"NULL":true},{"NS":["1"]},{"B":"aGk="}]}}}}}}}}`
	for i := range record {
		for _, c := range []byte(marks) {
			mutant := []byte(record)
			mutant[i] = c
			neighbours(t, d, configs[0], mutant)
		}
		neighbours(t, d, configs[0], []byte(record[:i]+record[i+1:]))
		check(t, d, configs[0], []byte(`{"Records":[`+goodRecord+`,`+record[:i]))
	}
	for seed := range uint64(3000) {
		g := streamgen.New(seed, 4, false)
		for _, text := range []string{g.Record("event-1"), g.Batch(2)} {
			damaged := []byte(text)
			for range 1 + g.IntN(3) {
				damaged[g.IntN(len(damaged))] = marks[g.IntN(len(marks))]
			}
			neighbours(t, d, configs[0], damaged)
			check(t, d, configs[0], damaged)
		}
	}
}

// check decodes input by both decoders and compares.
func check(t *testing.T, d *streamrecord.Decoder, cfg streamrecord.Config, input []byte) {
	t.Helper()
	before := bytes.Clone(input)
	got, err := d.Decode(input)
	require.Equal(t, before, input, "the payload has been written to")
	want, wantErr := decodePlain(cfg, input, false)
	if ofWholeBatch(err) && !json.Valid(input) {
		return // the reference has taken the record that shows it for damaged
	}
	require.Equal(t, wantErr == nil, err == nil, "error %v, want %v: %s", err, wantErr, input)
	if err != nil {
		require.IsType(t, wantErr, err)
		require.Nil(t, got)
		return
	}
	require.Equal(t, want.Window, got.Window)
	require.Equal(t, string(want.State), string(got.State))
	require.Len(t, got.Records, len(want.Records))
	for i := range got.Records {
		sane(t, input, &got.Records[i])
		same(t, &want.Records[i], &got.Records[i])
	}
}

// ofWholeBatch reports that a record shows that the batch cannot be processed.
func ofWholeBatch(err error) bool {
	return errors.As(err, new(*streamrecord.StreamViewError)) || errors.As(err, new(*streamrecord.SourceError))
}

// sane checks what holds for every record.
func sane(t *testing.T, payload []byte, r *streamrecord.Record) {
	t.Helper()
	require.True(t, bytes.Contains(payload, r.Raw))
	require.Equal(t, r.Kind == streamrecord.Undecodable, r.Fault != nil)
	require.Equal(t, r.Kind == streamrecord.Event, r.Detail != nil)
	if r.Fault != nil {
		require.NotEmpty(t, r.Fault.Code)
		require.NotEmpty(t, r.Fault.Message)
		require.True(t, utf8.ValidString(r.Fault.Message))
	}
	if r.Headers != nil {
		require.Contains(t, []streamrecord.Kind{streamrecord.Event, streamrecord.Undecodable}, r.Kind)
		require.True(t, json.Valid(r.Headers), "%q", r.Headers)
		require.True(t, utf8.Valid(r.Headers), "%q", r.Headers)
		require.Equal(t, byte('{'), r.Headers[0])
	}
	if r.Kind == streamrecord.Event {
		var d map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(r.Detail, &d))
		require.Equal(t, string(d["headers"]), string(r.Headers))
		require.True(t, json.Valid(r.Detail), "%s", r.Detail)
		require.True(t, utf8.Valid(r.Detail), "%q", r.Detail)
		var text string // as a request has it
		require.NoError(t, json.Unmarshal(jsonlex.AppendQuoted(nil, r.Detail), &text))
		require.Equal(t, string(r.Detail), text)
		require.NotEmpty(t, r.EventID)
		require.NotEmpty(t, r.EventName)
		require.NotEmpty(t, r.Source)
		require.NotZero(t, r.Timestamp)
	}
}

// same compares a record with the reference's.
func same(t *testing.T, want, got *streamrecord.Record) {
	t.Helper()
	require.Equal(t, string(want.Raw), string(got.Raw))
	if !json.Valid(got.Raw) {
		return // what is skipped need not be JSON, and the reference asks for all of it
	}
	require.Equal(t, want.Kind, got.Kind, "%v: %s", got.Fault, got.Raw)
	require.Equal(t, string(want.Detail), string(got.Detail))
	require.Equal(t, string(plainKeys(got.Raw)), string(got.Keys()))
	require.Equal(t, want.SequenceNumber, got.SequenceNumber)
	require.Equal(t, want.StreamARN, got.StreamARN)
	if got.CreatedAt.IsZero() {
		// the reference reads numbers of any length
		require.False(t, !want.CreatedAt.IsZero() && want.CreatedAt.Year() > 1999 && want.CreatedAt.Equal(want.CreatedAt.Truncate(time.Second)),
			"no time in %s", got.Raw)
	} else {
		require.Equal(t, want.CreatedAt, got.CreatedAt)
	}
	if got.Kind == streamrecord.Event {
		w, g := *want, *got
		w.Detail, g.Detail, w.Raw, g.Raw, g.Headers = nil, nil, nil, nil, nil
		w.CreatedAt, g.CreatedAt = time.Time{}, time.Time{}
		require.Equal(t, w, g)
	}
}

// neighbours puts input between two good records, if it can be framed.
func neighbours(t *testing.T, d *streamrecord.Decoder, cfg streamrecord.Config, input []byte) {
	t.Helper()
	input = bytes.Trim(input, " \t\r\n")
	if len(input) == 0 || frame(append(bytes.Clone(input), ' '), 0) != len(input) {
		return
	}
	payload := []byte(`{"Records":[` + goodRecord + `,` + string(input) + `,` + goodRecord + `]}`)
	b, err := d.Decode(payload)
	if err != nil {
		require.True(t, ofWholeBatch(err), "%v", err)
		return
	}
	require.Len(t, b.Records, 3)
	require.Equal(t, string(input), string(b.Records[1].Raw))
	for _, i := range []int{0, 2} {
		r := &b.Records[i]
		require.Equal(t, streamrecord.Event, r.Kind)
		require.Equal(t, goodDetail, string(r.Detail))
		require.Equal(t, "111", r.SequenceNumber)
		require.Equal(t, "e1", r.EventID)
	}
	sane(t, payload, &b.Records[1])
	want, err := plainRecord(cfg, input)
	require.NoError(t, err)
	same(t, &want, &b.Records[1])
}

const (
	goodHeaders = `"headers":{"M":{"eventId":{"S":"e1"},"eventName":{"S":"User.Created"},"source":{"S":"userService"},"timestamp":{"N":"1764000000123"}}}`
	goodRecord  = `{"eventName":"INSERT","dynamodb":{"SequenceNumber":"111","NewImage":{"fmt":{"S":"outbox/1"},"event":{"M":{` +
		goodHeaders + `,"payload":{"M":{"a":{"N":"1"}}}}}}}}`
	goodDetail = `{"headers":{"eventId":"e1","eventName":"User.Created","source":"userService","timestamp":1764000000123},"payload":{"a":1}}`
)

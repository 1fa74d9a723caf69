package sqsdeadletters_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/examples/sqsdeadletters"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

// TestRelayPutsItsDeadLettersIntoAQueue lets the relay meet a record that can
// not be decoded, beside one that can.
func TestRelayPutsItsDeadLettersIntoAQueue(t *testing.T) {
	moto := enginetest.Moto(t)
	queue, bus := enginetest.NewQueue(t, moto), enginetest.NewBus(t, moto)
	sink, err := sqsdeadletters.New(moto.SQS(), queue.URL)
	require.NoError(t, err)
	h, err := relay.NewHandler(relay.NewEventBridge(moto.EventBridge(), bus.Name), sink)
	require.NoError(t, err)

	now := time.Now()
	good := fmt.Sprintf(`{"headers":{"M":{"eventId":{"S":"e1"},"eventName":{"S":"E"},"source":{"S":"s"},"timestamp":{"N":"%d"}}},"payload":{"M":{}}}`, now.UnixMilli())
	record := func(sequence int, event string) string {
		return fmt.Sprintf(`{"eventName":"INSERT","eventSourceARN":"arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/s",`+
			`"dynamodb":{"ApproximateCreationDateTime":%d,"Keys":{"pk":{"S":"e%d"}},"SequenceNumber":"%d","NewImage":{"event":{"M":%s}}}}`, now.Unix(), sequence, sequence, event)
	}
	bad := record(2, strings.Replace(good, `{"M":{}}`, `{"X":"?"}`, 1))
	_, err = h.Invoke(t.Context(), []byte(`{"Records":[`+record(1, good)+`,`+bad+`]}`))
	require.NoError(t, err)

	require.Equal(t, []string{"e1"}, enginetest.EventIDs(t, bus.Queue.Drain(t)))
	letters := queue.Drain(t)
	require.Len(t, letters, 1)
	var l sqsdeadletters.Letter
	require.NoError(t, json.Unmarshal([]byte(*letters[0].Body), &l))
	require.Equal(t, "2", l.SequenceNumber)
	require.Equal(t, "UnsupportedType", l.Code)
	require.JSONEq(t, `{"pk":{"S":"e2"}}`, string(l.Keys))
	require.Equal(t, bad, string(l.Record))
}

// TestNoLetterIsRefusedForItsSize puts records around the size of a message, and
// far beyond it.
func TestNoLetterIsRefusedForItsSize(t *testing.T) {
	moto := enginetest.Moto(t)
	queue := enginetest.NewQueue(t, moto)
	sink, err := sqsdeadletters.New(moto.SQS(), queue.URL)
	require.NoError(t, err)
	for _, size := range []int{0, 1000, 180 << 10, 192 << 10, 256 << 10, 6 << 20} {
		huge := strings.Repeat("é\uffff", size/2)
		r := relay.DeadLetter{
			EventID: huge, Code: "TooLarge", Message: huge, SequenceNumber: fmt.Sprint(size), Time: time.Now(),
			Record: bytes.Repeat([]byte{'x'}, size), Headers: []byte(`{"a":"` + huge + `"}`), Keys: []byte(`{"pk":{"S":"k"}}`),
		}
		require.NoError(t, sink.Put(t.Context(), r), size)
		body := *queue.Receive(t, 1)[0].Body
		require.LessOrEqual(t, len(body), sqsdeadletters.MaxMessageBytes)
		var l sqsdeadletters.Letter
		require.NoError(t, json.Unmarshal([]byte(body), &l))
		require.Equal(t, size, l.RecordBytes)
		require.Equal(t, fmt.Sprint(size), l.SequenceNumber)
		require.JSONEq(t, `{"pk":{"S":"k"}}`, string(l.Keys), "what leads to the event is kept")
		if size <= 1000 {
			require.Equal(t, r.Record, append([]byte{}, l.Record...))
		}
	}
}

func TestNewRefuses(t *testing.T) {
	_, err := sqsdeadletters.New(nil, "http://queue")
	require.Error(t, err)
}

package recovery

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/sequence"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/tablename"
)

// givenUp is a batch that Lambda or Pipes has given up.
type givenUp struct {
	ShardID   string    `json:"shardId"`
	First     string    `json:"startSequenceNumber"`
	Last      string    `json:"endSequenceNumber"`
	FirstCame time.Time `json:"approximateArrivalOfFirstRecord"`
	LastCame  time.Time `json:"approximateArrivalOfLastRecord"`
	Size      int       `json:"batchSize"`
	StreamARN string    `json:"streamArn"`

	records []json.RawMessage // those of the payload, where the record has it
}

// parseGivenUp reads an on-failure record, and checks that it is of the stream of
// that table.
func parseGivenUp(record []byte, table string) (*givenUp, error) {
	var outer struct {
		Batch   *givenUp        `json:"DDBStreamBatchInfo"`
		Payload json.RawMessage `json:"payload"`
	}
	if err := json.Unmarshal(record, &outer); err != nil {
		return nil, errors.New("recovery: the on-failure record is no JSON object")
	}
	g := outer.Batch
	switch {
	case g == nil:
		return nil, errors.New(`recovery: no on-failure record of a DynamoDB stream: it has no "DDBStreamBatchInfo"`)
	case tablename.OfStream(g.StreamARN) == "":
		return nil, errors.New("recovery: the on-failure record names no stream")
	case tablename.OfStream(g.StreamARN) != tablename.Of(table):
		return nil, fmt.Errorf("recovery: the on-failure record is of a stream of table %q, and not of %q", tablename.OfStream(g.StreamARN), tablename.Of(table))
	case strings.Contains(table, ":table/") && !strings.HasPrefix(g.StreamARN, table+"/stream/"):
		return nil, fmt.Errorf("recovery: the on-failure record is of stream %s, and not of one of table %s", g.StreamARN, table)
	case g.ShardID == "" || !sequence.Valid(g.First) || !sequence.Valid(g.Last) || sequence.Less(g.Last, g.First):
		return nil, errors.New("recovery: the on-failure record names no shard, or no range of sequence numbers")
	case g.FirstCame.IsZero() || g.LastCame.Before(g.FirstCame):
		return nil, errors.New("recovery: the on-failure record does not say when its records came")
	case g.Size < 1:
		return nil, errors.New("recovery: the on-failure record does not say how many records the batch had")
	}
	return g, g.read(outer.Payload)
}

// read takes the records out of the payload, an object or the text of one.
func (g *givenUp) read(payload json.RawMessage) error {
	if len(payload) == 0 || string(payload) == "null" {
		return nil
	}
	if payload[0] == '"' {
		var text string
		if err := json.Unmarshal(payload, &text); err != nil {
			return errors.New("recovery: the payload of the on-failure record cannot be read")
		}
		payload = json.RawMessage(text)
	}
	var batch struct{ Records []json.RawMessage }
	if err := json.Unmarshal(payload, &batch); err != nil || len(batch.Records) == 0 {
		return errors.New("recovery: the payload of the on-failure record holds no records")
	}
	for _, text := range batch.Records {
		var r struct {
			EventSourceARN string `json:"eventSourceARN"`
		}
		if err := json.Unmarshal(text, &r); err != nil || r.EventSourceARN != g.StreamARN {
			return errors.New("recovery: the payload of the on-failure record holds a record of another stream")
		}
	}
	g.records = batch.Records
	return nil
}

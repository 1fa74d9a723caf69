package streamrecord

// span is where a string of a record stands among all strings of the batch.
type span struct{ from, to int }

// recordSpans are those of one record.
type recordSpans struct {
	sequenceNumber, streamARN, awsRegion span
	headers                              headers
}

// metadata collects the strings of a batch, so that they cost one allocation
// together.
type metadata struct {
	text  []byte
	spans []recordSpans // one for each record
}

func (m *metadata) reset() {
	m.text, m.spans = m.text[:0], m.spans[:0]
}

// keep returns the span of s. like is one of a string that may well be equal,
// as the stream's ARN in the record before.
func (m *metadata) keep(s []byte, like span) span {
	if string(s) == string(m.text[like.from:like.to]) {
		return like
	}
	from := len(m.text)
	m.text = append(m.text, s...)
	return span{from, len(m.text)}
}

// last returns the spans of the last record that has been read.
func (m *metadata) last() *recordSpans {
	if len(m.spans) == 0 {
		return &recordSpans{}
	}
	return &m.spans[len(m.spans)-1]
}

func (m *metadata) get(s span) string { return string(m.text[s.from:s.to]) }

// hand gives the records their strings.
func (m *metadata) hand(records []Record) {
	text := string(m.text)
	for i := range records {
		r, s := &records[i], &m.spans[i]
		h := &s.headers
		cut := func(at span) string { return text[at.from:at.to] }
		r.SequenceNumber, r.StreamARN, r.AWSRegion = cut(s.sequenceNumber), cut(s.streamARN), cut(s.awsRegion)
		r.EventID, r.EventName, r.Source = cut(h.eventID), cut(h.eventName), cut(h.source)
		r.Region, r.AggregateID, r.TraceParent = cut(h.region), cut(h.aggregateID), cut(h.traceParent)
		r.Timestamp, r.Sequence = h.timestamp, h.sequence
	}
}

package relay_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// Records that do not say when they came to the stream: that is what is
// published again from the event store, or kept and delivered by hand.
var timeless = map[string]string{
	"no time on the stream":            ``,
	"a time of null":                   `"ApproximateCreationDateTime":null,`,
	"a time that is no number":         `"ApproximateCreationDateTime":"an hour ago",`,
	"an empty time":                    `"ApproximateCreationDateTime":"",`,
	"a time of another type":           `"ApproximateCreationDateTime":{"N":"$s"},`,
	"the time of another spelling":     `"approximateCreationDateTime":$s,`,
	"the time in another place":        ``, // beside dynamodb, see withoutTimeOnStream
	"a time that Go writes for a zero": `"ApproximateCreationDateTime":-62135596800,`,
}

// withoutTimeOnStream is a record whose event is old by its own time and that
// has that in place of the time on the stream.
func withoutTimeOnStream(kind string, r testRecord) testRecord {
	r = r.with(`"ApproximateCreationDateTime":$s,`, timeless[kind])
	if kind == "the time in another place" {
		r = r.with(`"dynamodb":{`, `"ApproximateCreationDateTime":$s,"dynamodb":{`)
	}
	return r
}

// oldAndTimeless are events that were committed 30 hours ago and do not say when
// they came to the stream.
func oldAndTimeless(kind string, n int) []testRecord {
	rs := records(1, n)
	for i := range rs {
		rs[i].age = 30 * time.Hour
		rs[i] = withoutTimeOnStream(kind, rs[i])
	}
	return rs
}

// toDays is when to begin: two days after the earliest time that an event may
// have, which is where the clock of a bubble begins.
const toDays = 48 * time.Hour

// The age by which the relay gives up an event is the time on the stream and
// nothing else. Who publishes again what was committed long ago is not in a
// hurry: the stream forgets nothing of it, and a bad deploy must not drain it
// into the dead letters.
func TestABadDeployDrainsNothingThatIsPublishedAgain(t *testing.T) {
	for kind := range timeless {
		for _, n := range []int{1, 5, 25} {
			for name, says := range map[string]answer{
				"every entry is invalid": refuseAll(invalid),
				"every call is refused":  fail(refused),
			} {
				bothAnswers(t, fmt.Sprintf("%s, %s, %d events", kind, name, n), func(t *testing.T, answers func(*relay.Options)) {
					<-time.After(toDays)
					sink := &recordingSink{}
					h := newHandler(t, &scriptedBus{answer: says}, sink, answers)
					payload := batch(oldAndTimeless(kind, n)...)
					for range 3 {
						out, err := h.Invoke(t.Context(), payload)
						require.Empty(t, sink.ids(), "dead letters for their age")
						require.True(t, err != nil || failure(out) == "1", "they are reported as failed")
					}
				})
			}
		}
	}
}

// The same for MaxAge: it is about the time on the stream too.
func TestMaxAgeIsTheAgeOnTheStream(t *testing.T) {
	for kind := range timeless {
		bothAnswers(t, kind, func(t *testing.T, answers func(*relay.Options)) {
			<-time.After(toDays)
			begin := time.Now()
			bus := &scriptedBus{}
			bus.answer = refuse(unlucky, eventID(3)) // for a second, and then no longer
			sink := &recordingSink{}
			h := newHandler(t, bus, sink, answers, func(o *relay.Options) { o.MaxAge = 12 * time.Hour })
			payload := batch(oldAndTimeless(kind, 5)...)
			out, err := h.Invoke(t.Context(), payload)
			require.Emptyf(t, sink.ids(), "a dead letter after %v of trouble", time.Since(begin))
			if answers == nil {
				require.Equal(t, eventID(3), unpublishedIn(t, err).EventID)
			} else {
				require.Equal(t, "3", failure(out))
			}
			bus.answer = nil
			require.Empty(t, invoke(t, h, payload))
			require.Contains(t, bus.accepted, eventID(3))
		})
	}
}

// An event that was committed long ago and has just come to the stream is young,
// and one that was committed just now and has been there for long is old.
func TestTheTimeOnTheStreamCounts(t *testing.T) {
	for _, tt := range []struct {
		name          string
		stream, event time.Duration // ago
		dead          bool
	}{
		{"committed long ago, on the stream just now", time.Minute, 30 * time.Hour, false},
		{"committed just now, on the stream for long", 20 * time.Hour, time.Minute, true},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			<-time.After(toDays)
			at := time.Now().Add(-tt.stream).Unix()
			r := testRecord{sequence: 1, age: tt.event}.with(`DateTime":$s`, fmt.Sprint(`DateTime":`, at))
			sink := &recordingSink{}
			h := newHandler(t, &scriptedBus{answer: refuseAll(invalid)}, sink)
			_, err := h.Invoke(t.Context(), batch(r))
			require.Equal(t, tt.dead, err == nil)
			require.Equal(t, tt.dead, len(sink.dead) == 1)
		})
	}
}

// Metrics.Oldest and Newest are ages on the stream. What has none does not make
// an alarm ring.
func TestWhatIsNotFromTheStreamHasNoAge(t *testing.T) {
	for kind := range timeless {
		bubble(t, kind, func(t *testing.T) {
			<-time.After(toDays)
			var m relay.Metrics
			h := newHandler(t, &scriptedBus{}, relay.Block, keep(&m))
			invoke(t, h, batch(oldAndTimeless(kind, 3)...))
			require.Equal(t, 3, m.Published)
			require.Zero(t, m.Oldest)
			require.Zero(t, m.Newest)

			one := testRecord{sequence: 9, age: time.Minute}
			invoke(t, h, batch(append(oldAndTimeless(kind, 3), one)...))
			require.Equal(t, [2]time.Duration{time.Minute, time.Minute}, [2]time.Duration{m.Oldest, m.Newest})
		})
	}
}

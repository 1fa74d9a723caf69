package lambdapoller

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func records(sequenceNumbers ...string) []Record {
	rs := make([]Record, len(sequenceNumbers))
	for i, n := range sequenceNumbers {
		rs[i] = Record{SequenceNumber: n, EventName: "INSERT", JSON: []byte(`{"n":"` + n + `"}`)}
	}
	return rs
}

func TestDone(t *testing.T) {
	short := records("8", "9", "10", "11")
	padded := records("000000000000000000008", "000000000000000000009", "000000000000000000010")
	long := records("111111111111111111111111111111111111111", "999999999999999999999999999999999999999", "1000000000000000000000000000000000000000")
	fault := errors.New("fault")
	failed := func(ids string) string { return `{"batchItemFailures":[` + ids + `]}` }
	for _, tt := range []struct {
		name     string
		batch    []Record
		response string
		err      error
		report   bool
		want     int
	}{
		{"no answer is success", short, ``, nil, true, 4},
		{"null is success", short, `null`, nil, true, 4},
		{"empty object is success", short, `{}`, nil, true, 4},
		{"other members are success", short, `{"ok":true}`, nil, true, 4},
		{"empty list is success", short, failed(``), nil, true, 4},
		{"null list is success", short, `{"batchItemFailures":null}`, nil, true, 4},

		{"an error is a failure of all", short, ``, fault, true, 0},
		{"an error beats an answer of success", short, `{}`, fault, true, 0},
		{"an error is a failure of all without report", short, ``, fault, false, 0},

		{"the only one listed is the checkpoint", short, failed(`{"itemIdentifier":"10"}`), nil, true, 2},
		{"the first of the batch", short, failed(`{"itemIdentifier":"8"}`), nil, true, 0},
		{"the last of the batch", short, failed(`{"itemIdentifier":"11"}`), nil, true, 3},
		{"the lowest counts, not the first listed", short, failed(`{"itemIdentifier":"11"},{"itemIdentifier":"9"},{"itemIdentifier":"10"}`), nil, true, 1},
		{"9 is lower than 10, as numbers are compared", short, failed(`{"itemIdentifier":"10"},{"itemIdentifier":"9"}`), nil, true, 1},
		{"padded numbers", padded, failed(`{"itemIdentifier":"000000000000000000010"},{"itemIdentifier":"000000000000000000009"}`), nil, true, 1},
		{"padding does not matter", padded, failed(`{"itemIdentifier":"9"}`), nil, true, 1},
		{"40 digits", long, failed(`{"itemIdentifier":"1000000000000000000000000000000000000000"},{"itemIdentifier":"999999999999999999999999999999999999999"}`), nil, true, 1},

		{"empty identifier fails all", short, failed(`{"itemIdentifier":""}`), nil, true, 0},
		{"null identifier fails all", short, failed(`{"itemIdentifier":null}`), nil, true, 0},
		{"absent identifier fails all", short, failed(`{}`), nil, true, 0},
		{"misnamed identifier fails all", short, failed(`{"itemIdentifer":"10"}`), nil, true, 0},
		{"identifier in another case fails all", short, failed(`{"ItemIdentifier":"10"}`), nil, true, 0},
		{"a bad one beside a good one fails all", short, failed(`{"itemIdentifier":"10"},{"itemIdentifier":""}`), nil, true, 0},
		{"a number as identifier fails all", short, failed(`{"itemIdentifier":10}`), nil, true, 0},
		{"an identifier that is no number fails all", short, failed(`{"itemIdentifier":"shard-1"}`), nil, true, 0},
		{"a number that is not in the batch fails all", short, failed(`{"itemIdentifier":"12"}`), nil, true, 0},
		{"what is not a list fails all", short, `{"batchItemFailures":"10"}`, nil, true, 0},
		{"an answer that is no object fails all", short, `"ok"`, nil, true, 0},
		{"an answer that is no JSON fails all", short, `{"batchItemFailures":[`, nil, true, 0},

		{"without report the list is ignored", short, failed(`{"itemIdentifier":"8"}`), nil, false, 4},
		{"without report any answer is success", short, `nonsense`, nil, false, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.want, done(tt.batch, []byte(tt.response), tt.err, tt.report))
		})
	}
}

func TestNext(t *testing.T) {
	all := records("1", "2", "3", "4", "5")
	for _, tt := range []struct {
		name      string
		retries   int
		done      int
		opts      Options
		want      []batch
		exhausted bool
	}{
		{"all done", 0, 5, Options{}, nil, false},
		{"none done: the same again", 3, 0, Options{}, []batch{{all, 4}}, false},
		{"checkpoint: the rest again", 0, 2, Options{}, []batch{{all[2:], 1}}, false},
		{"retries left", 1, 0, Options{MaxRetries: 2}, []batch{{all, 2}}, false},
		{"retries used up", 2, 0, Options{MaxRetries: 2}, nil, true},
		{"no retries", 0, 0, Options{MaxRetries: NoRetry}, nil, true},
		{"bisect: two halves, no retry used", 1, 0, Options{Bisect: true, MaxRetries: 1}, []batch{{all[:3], 1}, {all[3:], 1}}, false},
		{"bisect with a checkpoint: split there", 1, 4, Options{Bisect: true, MaxRetries: 1}, []batch{{all[4:], 1}}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rest, exhausted := next(batch{all, tt.retries}, tt.done, tt.opts)
			require.Equal(t, tt.want, rest)
			require.Equal(t, tt.exhausted, exhausted)
		})
	}
	t.Run("bisect down to one: a retry", func(t *testing.T) {
		rest, exhausted := next(batch{all[:1], 0}, 0, Options{Bisect: true, MaxRetries: 1})
		require.Equal(t, []batch{{all[:1], 1}}, rest)
		require.False(t, exhausted)
		_, exhausted = next(batch{all[:1], 1}, 0, Options{Bisect: true, MaxRetries: 1})
		require.True(t, exhausted)
	})
}

func TestCut(t *testing.T) {
	big := Record{SequenceNumber: "1", JSON: make([]byte, maxPayload/3)}
	huge := Record{SequenceNumber: "1", JSON: make([]byte, maxPayload+1)}
	for _, tt := range []struct {
		name string
		in   []Record
		size int
		want []int
	}{
		{"nothing", nil, 10, nil},
		{"by count", records("1", "2", "3", "4", "5"), 2, []int{2, 2, 1}},
		{"by the size of an invocation", []Record{big, big, big, big}, 10, []int{2, 2}},
		{"one that is too large goes alone", []Record{huge, huge}, 10, []int{1, 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []int
			for _, b := range cut(tt.in, tt.size) {
				got = append(got, len(b.records))
			}
			require.Equal(t, tt.want, got)
		})
	}
}

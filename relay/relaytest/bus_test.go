package relaytest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// requestEntry is a sound entry but for what the functions change.
func requestEntry(fns ...func(*types.PutEventsRequestEntry)) types.PutEventsRequestEntry {
	e := types.PutEventsRequestEntry{
		Source: aws.String("orders"), DetailType: aws.String("Order.Placed"), Detail: aws.String(`{"headers":{"eventId":"event-1"}}`),
	}
	for _, fn := range fns {
		fn(&e)
	}
	return e
}

func detail(text string) func(*types.PutEventsRequestEntry) {
	return func(e *types.PutEventsRequestEntry) { e.Detail = &text }
}

func put(t *testing.T, bus *relaytest.Bus, entries ...types.PutEventsRequestEntry) (*eventbridge.PutEventsOutput, error) {
	t.Helper()
	return bus.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: entries})
}

// The rules for an entry. Each one stands between two that are sound: those are
// accepted, and the answer is at its index.
func TestRulesForAnEntry(t *testing.T) {
	type entry = types.PutEventsRequestEntry
	for _, tt := range []struct {
		name, code string
		change     func(*entry)
	}{
		{"sound", "", func(*entry) {}},
		{"no source", "InvalidArgument", func(e *entry) { e.Source = nil }},
		{"an empty source", "InvalidArgument", func(e *entry) { e.Source = aws.String("") }},
		{"no detail-type", "InvalidArgument", func(e *entry) { e.DetailType = nil }},
		{"no detail", "InvalidArgument", func(e *entry) { e.Detail = nil }},
		{"a source of AWS", "NotAuthorizedForSourceException", func(e *entry) { e.Source = aws.String("aws.orders") }},
		{"a source that begins like AWS", "", func(e *entry) { e.Source = aws.String("awsome") }},
		{"a detail-type of 128 characters", "", func(e *entry) { e.DetailType = aws.String(strings.Repeat("é", 128)) }},
		{"a detail-type of 129 characters", "InvalidArgument", func(e *entry) { e.DetailType = aws.String(strings.Repeat("x", 129)) }},
		{"a detail that is an array", "MalformedDetail", detail(`[]`)},
		{"a detail that is a string", "MalformedDetail", detail(`"{}"`)},
		{"a detail of space", "MalformedDetail", detail(` `)},
		{"a detail that is no JSON", "MalformedDetail", detail(`{"a":}`)},
		{"a detail that is not UTF-8", "MalformedDetail", detail("{\"a\":\"\xff\"}")},
		{"a detail with space around", "", detail(" {} ")},
		{"an integer of 64 bits", "", detail(`{"a":[9223372036854775807,-9223372036854775808]}`)},
		{"an integer of more", "MalformedDetail", detail(`{"a":[9223372036854775808]}`)},
		{"a large number that is no integer", "", detail(`{"a":1e300,"b":0.12345678901234567890}`)},
		{"1000 levels", "", detail(`{"a":` + strings.Repeat("[", 999) + strings.Repeat("]", 999) + `}`)},
		{"1001 levels", "MalformedDetail", detail(`{"a":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`)},
		{"1001 objects side by side", "", detail(`{"a":[` + strings.Repeat("{},", 1000) + `{}]}`)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var bus relaytest.Bus
			out, err := put(t, &bus, requestEntry(detail(`{"n":1}`)), requestEntry(tt.change), requestEntry(detail(`{"n":3}`)))
			require.NoError(t, err)
			require.Len(t, out.Entries, 3)
			for _, i := range []int{0, 2} {
				require.NotEmpty(t, aws.ToString(out.Entries[i].EventId))
				require.Nil(t, out.Entries[i].ErrorCode)
			}
			require.Equal(t, tt.code, aws.ToString(out.Entries[1].ErrorCode))
			require.Equal(t, tt.code == "", out.Entries[1].EventId != nil)
			failed := 0
			if tt.code != "" {
				failed = 1
			}
			require.Len(t, bus.Entries(), 3-failed)
			require.EqualValues(t, failed, out.FailedEntryCount)
			require.Len(t, bus.Calls()[0], 3)
		})
	}
}

// The rules for a call as a whole: nothing of it is accepted.
func TestRulesForACall(t *testing.T) {
	type entry = types.PutEventsRequestEntry
	sized := func(bytes int) entry { // without a time
		return requestEntry(detail(`{"` + strings.Repeat("x", bytes-len("orders")-len("Order.Placed")-len(`{"":1}`)) + `":1}`))
	}
	timed := func(e entry) entry { e.Time = aws.Time(time.Now()); return e }
	with := func(e entry, resources ...string) entry { e.Resources = resources; return e }
	for _, tt := range []struct {
		name    string
		entries []entry
		refused bool
	}{
		{"no entry", nil, true},
		{"10 entries", repeat(requestEntry(), 10), false},
		{"11 entries", repeat(requestEntry(), 11), true},
		{"1,000,000 bytes", []entry{sized(1_000_000)}, false},
		{"1,000,001 bytes", []entry{sized(1_000_001)}, true},
		{"1,000,000 bytes in two entries", []entry{sized(500_000), sized(500_000)}, false},
		{"1,000,001 bytes in two entries", []entry{sized(500_000), sized(500_001)}, true},
		{"the time counts 14 bytes", []entry{timed(sized(999_986))}, false},
		{"the time counts no less", []entry{timed(sized(999_987))}, true},
		{"resources count", []entry{with(sized(999_990), "arn:1", "arn:2")}, false},
		{"each of them", []entry{with(sized(999_990), "arn:1", "arn:22")}, true},
		{"no entry has all three", []entry{requestEntry(func(e *entry) { e.Source = nil }), requestEntry(func(e *entry) { e.Detail = nil })}, true},
		{"one has", []entry{requestEntry(func(e *entry) { e.Source = nil }), requestEntry()}, false},
		{"a trace header of 501", []entry{requestEntry(func(e *entry) { e.TraceHeader = aws.String(strings.Repeat("x", 501)) })}, true},
		{"a bus name of 1601", []entry{requestEntry(func(e *entry) { e.EventBusName = aws.String(strings.Repeat("x", 1601)) })}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var bus relaytest.Bus
			_, err := put(t, &bus, tt.entries...)
			if !tt.refused {
				require.NoError(t, err)
				return
			}
			var api smithy.APIError
			require.ErrorAs(t, err, &api)
			require.Equal(t, "ValidationException", api.ErrorCode())
			require.Empty(t, bus.Entries())
			require.Len(t, bus.Calls(), 1)
		})
	}
}

func repeat[E any](e E, n int) []E {
	out := make([]E, n)
	for i := range out {
		out[i] = e
	}
	return out
}

func TestAnAbsentBus(t *testing.T) {
	on := func(bus string) types.PutEventsRequestEntry {
		return requestEntry(func(e *types.PutEventsRequestEntry) { e.EventBusName = &bus })
	}
	var gone *types.ResourceNotFoundException
	bus := relaytest.Bus{Buses: []string{"orders"}}
	for name, there := range map[string]bool{"orders": true, "arn:aws:events:eu-west-1:1:event-bus/orders": true, "Orders": false, "default": false, "ders": false} {
		_, err := put(t, &bus, on(name))
		_, asked := bus.DescribeEventBus(t.Context(), &eventbridge.DescribeEventBusInput{Name: &name})
		if there {
			require.NoError(t, err, name)
			require.NoError(t, asked, name)
		} else {
			require.ErrorAs(t, err, &gone, name)
			require.ErrorAs(t, asked, &gone, name)
		}
	}
	_, err := put(t, &bus, requestEntry())
	require.ErrorAs(t, err, &gone, "no name is the default bus, which is none of them")
	require.Len(t, bus.Entries(), 2)

	silent := relaytest.Bus{Buses: []string{"orders"}, AbsentSucceeds: true}
	out, err := put(t, &silent, on("misspelt"), on("orders"))
	require.NoError(t, err)
	require.NotNil(t, out.Entries[0].EventId)
	require.Len(t, silent.Entries(), 1, "success, and the event is gone")
	require.Equal(t, "orders", silent.Entries()[0].Bus)
}

// A script decides about entries, calls and answers.
func TestScripts(t *testing.T) {
	broken := errors.New("broken")
	three := repeat(requestEntry(), 3)
	for _, tt := range []struct {
		name     string
		answer   relaytest.Answer
		accepted int
		check    func(t *testing.T, out *eventbridge.PutEventsOutput, err error)
	}{
		{"as it should be", relaytest.Answer{}, 3, func(t *testing.T, out *eventbridge.PutEventsOutput, err error) {
			require.NoError(t, err)
			require.Len(t, out.Entries, 3)
		}},
		{"a code", relaytest.Answer{Codes: map[int]string{2: "InternalFailure"}}, 2, func(t *testing.T, out *eventbridge.PutEventsOutput, err error) {
			require.NoError(t, err)
			require.Equal(t, "InternalFailure", aws.ToString(out.Entries[2].ErrorCode))
			require.EqualValues(t, 1, out.FailedEntryCount)
		}},
		{"a failed call", relaytest.Answer{Err: broken}, 0, func(t *testing.T, _ *eventbridge.PutEventsOutput, err error) { require.ErrorIs(t, err, broken) }},
		{"a lost answer", relaytest.Answer{Lost: true}, 3, func(t *testing.T, _ *eventbridge.PutEventsOutput, err error) {
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		}},
		{"a short answer", relaytest.Answer{Short: 2}, 3, func(t *testing.T, out *eventbridge.PutEventsOutput, err error) {
			require.NoError(t, err)
			require.Len(t, out.Entries, 1)
		}},
		{"an empty answer", relaytest.Answer{Short: 99}, 3, func(t *testing.T, out *eventbridge.PutEventsOutput, err error) {
			require.NoError(t, err)
			require.Empty(t, out.Entries)
		}},
		{"slow", relaytest.Answer{Delay: 59 * time.Second}, 3, func(t *testing.T, _ *eventbridge.PutEventsOutput, err error) { require.NoError(t, err) }},
		{"too slow", relaytest.Answer{Delay: 61 * time.Second}, 3, func(t *testing.T, _ *eventbridge.PutEventsOutput, err error) {
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bus := relaytest.Bus{Script: relaytest.Answers(tt.answer)}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				out, err := bus.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: three})
				tt.check(t, out, err)
				require.Len(t, bus.Entries(), tt.accepted)
				_, err = put(t, &bus, three...)
				require.NoError(t, err, "after the script everything is as it should be")
				require.Len(t, bus.Entries(), tt.accepted+3)
			})
		})
	}
	t.Run("a panic", func(t *testing.T) {
		bus := relaytest.Bus{Script: relaytest.Answers(relaytest.Answer{Panic: "no"})}
		require.PanicsWithValue(t, "no", func() { _, _ = put(t, &bus, three...) })
		require.Len(t, bus.Entries(), 3, "the bus has done its part")
	})
	t.Run("a context that has ended", func(t *testing.T) {
		var bus relaytest.Bus
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := bus.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: three})
		require.ErrorIs(t, err, context.Canceled)
		_, err = bus.DescribeEventBus(ctx, &eventbridge.DescribeEventBusInput{})
		require.ErrorIs(t, err, context.Canceled)
		require.Empty(t, bus.Calls())
	})
}

func TestScriptsOfShares(t *testing.T) {
	refusedBy := func(script func(int, []relaytest.Entry) relaytest.Answer) (codes []string) {
		bus := relaytest.Bus{Script: script}
		for range 100 {
			out, err := put(t, &bus, repeat(requestEntry(), 10)...)
			require.NoError(t, err)
			for _, e := range out.Entries {
				codes = append(codes, aws.ToString(e.ErrorCode))
			}
		}
		return codes
	}
	codes := refusedBy(relaytest.RefuseShare(7, 0.2, "ThrottlingException"))
	require.InDelta(t, 200, strings.Count(strings.Join(codes, ","), "ThrottlingException"), 50)
	require.Equal(t, codes, refusedBy(relaytest.RefuseShare(7, 0.2, "ThrottlingException")), "by the seed")

	bus := relaytest.Bus{Script: relaytest.RefuseEvents("MalformedDetail", "event-2")}
	out, err := put(t, &bus, requestEntry(), requestEntry(detail(`{"headers":{"eventId":"event-2"}}`)), requestEntry(detail(`{}`)))
	require.NoError(t, err)
	require.Equal(t, "MalformedDetail", aws.ToString(out.Entries[1].ErrorCode))
	require.Equal(t, []string{"event-1", ""}, eventIDs(bus.Entries()))
}

// What a consumer is given.
func TestWhatAConsumerGets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus relaytest.Bus
		ev := newEvent(t, `{"total":42,"text":"<&>"}`, func(h *envelope.Headers) { h.Source = "orders" })
		text, err := json.Marshal(ev)
		require.NoError(t, err)
		at := time.Now().Add(123456 * time.Microsecond)
		_, err = put(t, &bus, requestEntry(detail(string(text)), func(e *types.PutEventsRequestEntry) {
			e.Time, e.Resources = &at, []string{"arn:aws:s3:::orders"}
		}), requestEntry(detail(string(text))))
		require.NoError(t, err)
		first, second := bus.Entries()[0], bus.Entries()[1]
		require.NotEqual(t, first.ID, second.ID, "each publish has an id of its own")
		require.JSONEq(t, fmt.Sprintf(`{"version":"0","id":%q,"detail-type":"Order.Placed","source":"orders","account":"123456789012",
			"time":"2000-01-01T00:00:00Z","region":"eu-west-1","resources":["arn:aws:s3:::orders"],"detail":%s}`, first.ID, text),
			string(relaytest.LambdaEvent(first)))
		got, err := envelope.FromEventBridge(relaytest.LambdaEvent(second))
		require.NoError(t, err)
		require.Equal(t, ev.Headers, got.Headers)
		require.Equal(t, second.ID, got.Bus.ID)
		require.Empty(t, got.Bus.Resources)

		var batch struct {
			Records []struct {
				MessageID, ReceiptHandle, Body, EventSource, EventSourceARN, AWSRegion string
				Attributes                                                             map[string]string
			}
		}
		require.NoError(t, json.Unmarshal(relaytest.SQSEvent(bus.Entries()...), &batch))
		require.Len(t, batch.Records, 2)
		m := batch.Records[0]
		require.Equal(t, "aws:sqs", m.EventSource)
		require.Equal(t, "arn:aws:sqs:eu-west-1:123456789012:consumer", m.EventSourceARN)
		require.Equal(t, "eu-west-1", m.AWSRegion)
		require.Equal(t, "946684800000", m.Attributes["SentTimestamp"])
		require.NotEqual(t, m.MessageID, batch.Records[1].MessageID)
		require.JSONEq(t, string(relaytest.LambdaEvent(first)), m.Body)
		got, err = envelope.FromSQS([]byte(m.Body))
		require.NoError(t, err)
		require.JSONEq(t, `{"total":42,"text":"<&>"}`, string(got.Payload))
		require.Equal(t, relaytest.SQSEvent(first), relaytest.SQSEvent(first), "a message keeps its id")
	})
	require.JSONEq(t, `{"Records":[]}`, string(relaytest.SQSEvent()))
}

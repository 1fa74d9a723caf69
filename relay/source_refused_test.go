package relay_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// How EventBridge says that a source is not the sender's: of the entry, or of
// the call as a whole.
var refusesSources = map[string]func(c *refusingClient, refuses func(source string) bool){
	"the entry is refused": func(c *refusingClient, refuses func(string) bool) {
		c.entry = func(e types.PutEventsRequestEntry) string {
			if refuses(aws.ToString(e.Source)) {
				return "NotAuthorizedForSourceException"
			}
			return ""
		}
	},
	"the call is refused": func(c *refusingClient, refuses func(string) bool) {
		c.call = func(entries []types.PutEventsRequestEntry) error {
			for _, e := range entries {
				if refuses(aws.ToString(e.Source)) {
					return awsError("NotAuthorizedForSourceException")
				}
			}
			return nil
		}
	},
}

func isReserved(source string) bool { return strings.HasPrefix(source, "aws.") }

// No deploy and no permission lets an event of a source like "aws.users"
// through: its own data explain why it is refused, and it goes to the dead
// letters. Its neighbours are published, each once, though each process is a new
// one. A batch of nothing else is no different.
func TestASourceOfAWSItselfIsADeadLetter(t *testing.T) {
	for name, script := range refusesSources {
		for _, tt := range []struct {
			n   int
			bad []int
		}{
			{1, []int{1}}, {2, []int{1}}, {2, []int{2}}, {10, []int{1}}, {10, []int{6}}, {10, []int{10}}, {25, []int{1}}, {25, []int{13}},
			{25, []int{25}}, {3, []int{1, 2, 3}}, {12, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}},
		} {
			for _, source := range []string{"aws.", "aws.users", "aws.events"} {
				bothAnswers(t, fmt.Sprintf("%s, %s, %v of %d", name, source, tt.bad, tt.n), func(t *testing.T, answers func(*relay.Options)) {
					client, sink := &refusingClient{}, &recordingSink{}
					script(client, isReserved)
					rs := records(1, tt.n)
					for _, bad := range tt.bad {
						rs[bad-1].source = source
					}
					s := shardOf(rs...)
					for range 3 { // each in a cold start
						_, _ = s.deliver(t, newHandler(t, relay.NewEventBridge(client, "orders"), sink, answers))
					}
					require.Zero(t, len(s.open), "records that hold the shard")
					requireDead(t, sink, "NotAuthorizedForSourceException", idsOf(tt.bad...)...)
					require.ElementsMatch(t, goodOnes(tt.n, tt.bad...), client.accepted)
				})
			}
		}
	}
}

// A source that is refused by a permission is a matter of the configuration,
// whatever it looks like, and so is every other permission.
func TestAPermissionIsNoFaultOfAnEvent(t *testing.T) {
	for name, script := range refusesSources {
		for _, source := range []string{"userService", "awsome", "AWS.users", "my.aws.users", "aws"} {
			for _, n := range []int{1, 2, 12} {
				t.Run(fmt.Sprintf("%s, %s, %d events", name, source, n), func(t *testing.T) {
					client, sink := &refusingClient{}, &recordingSink{}
					script(client, func(s string) bool { return s == source })
					rs := records(1, n)
					for i := range rs {
						rs[i].source = source
					}
					h := newHandler(t, relay.NewEventBridge(client, "orders"), sink)
					for i := range 6 {
						if i == 3 { // from now on the process has seen that its way of sending works
							invoke(t, h, batch(testRecord{sequence: 100, source: "another"}))
						}
						_, err := h.Invoke(t.Context(), batch(rs...))
						require.Equal(t, relay.ConfigFault, unpublishedIn(t, err).Class)
						require.Empty(t, sink.ids())
					}
				})
			}
		}
	}
	for name, script := range refusesSources {
		t.Run(name+", beside a source of AWS itself", func(t *testing.T) {
			client, sink := &refusingClient{}, &recordingSink{}
			script(client, func(s string) bool { return s == "userService" || isReserved(s) })
			h := newHandler(t, relay.NewEventBridge(client, "orders"), sink)
			invoke(t, h, batch(testRecord{sequence: 100, source: "another"}))
			for range 3 {
				_, err := h.Invoke(t.Context(), batch(testRecord{sequence: 1, source: "aws.users"}, testRecord{sequence: 2}, testRecord{sequence: 3}))
				require.Equal(t, relay.ConfigFault, unpublishedIn(t, err).Class)
				require.NotContains(t, sink.ids(), eventID(2))
				require.NotContains(t, sink.ids(), eventID(3))
			}
			require.Equal(t, idsOf(1), sink.ids())
		})
	}
	for _, code := range []string{"AccessDeniedException", "NotAuthorizedForDetailTypeException", "InvalidAccountIdException"} {
		t.Run(code, func(t *testing.T) {
			client, sink := &refusingClient{}, &recordingSink{}
			client.entry = func(types.PutEventsRequestEntry) string { return code }
			h := newHandler(t, relay.NewEventBridge(client, "orders"), sink)
			_, err := h.Invoke(t.Context(), batch(testRecord{sequence: 1, source: "aws.users"}))
			require.Equal(t, relay.ConfigFault, unpublishedIn(t, err).Class)
			require.Empty(t, sink.ids())
		})
	}
}

// An event is no dead letter for a source that it had, when it was sent with
// another: the route has mended it, and what is refused is the route's.
func TestWhatTheRouteHasMendedExplainsNothing(t *testing.T) {
	mend := func(o *relay.Options) {
		o.Route = func(e *relay.Entry) error {
			e.Source, e.DetailType = "users", "User.Created"
			return nil
		}
	}
	committed := []testRecord{
		{sequence: 1, source: "aws.users"},
		{sequence: 2, name: strings.Repeat("x", 141)},
	}
	t.Run("it is published", func(t *testing.T) {
		bus, sink := &relaytest.Bus{}, &recordingSink{}
		invoke(t, newHandler(t, relay.NewEventBridge(bus, "orders"), sink, mend), batch(committed...))
		require.ElementsMatch(t, idsOf(1, 2), idsIn(bus.Entries()))
		require.Empty(t, sink.ids())
	})
	for name, says := range map[string]string{
		"the new source is not permitted": "NotAuthorizedForSourceException",
		"the bus calls it invalid":        "InvalidArgument",
	} {
		for i := range committed {
			t.Run(fmt.Sprintf("%s, %d", name, i+1), func(t *testing.T) {
				client, sink := &refusingClient{entry: func(types.PutEventsRequestEntry) string { return says }}, &recordingSink{}
				h := newHandler(t, relay.NewEventBridge(client, "orders"), sink, mend)
				for range 3 {
					_, err := h.Invoke(t.Context(), batch(committed[i]))
					require.Empty(t, sink.ids(), "a deploy that does not work drains nothing")
					require.Equal(t, relay.ConfigFault, unpublishedIn(t, err).Class)
				}
			})
		}
	}
}

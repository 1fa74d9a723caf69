package custombus_test

import (
	"testing"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventsv2"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

func TestContract(t *testing.T) {
	relaytest.TestPublisher(t, func(c relaytest.Condition) (relay.Publisher, func() [][]byte) {
		bus := newBus()
		bus.Script = func(int, eventsv2.Request) eventsv2.Fault {
			switch c {
			case relaytest.Refusing:
				return eventsv2.Fault{Codes: map[int]string{1: "InvalidInputException"}}
			case relaytest.Failing:
				return eventsv2.Fault{Answer: eventsv2.Error(500, "InternalException")}
			case relaytest.Hanging:
				return eventsv2.Fault{Hang: true}
			default:
				return eventsv2.Fault{}
			}
		}
		return newPublisher(bus), func() [][]byte {
			var details [][]byte
			for _, e := range bus.Taken() {
				details = append(details, []byte(e.Detail))
			}
			return details
		}
	})
}

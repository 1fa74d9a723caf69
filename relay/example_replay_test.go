package relay_test

import (
	"context"
	"fmt"
	"os"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// A record that is at hand is published again, with a mark. Package relay/recovery
// has the sources that read an event store or a stream.
func ExampleReplay() {
	h, err := relay.NewHandler(printBus{}, relay.Block)
	if err != nil {
		fmt.Println(err)
		return
	}
	source := relay.Records("one event", relay.Again{Record: []byte(`{"eventName":"INSERT","dynamodb":{"NewImage":{
		"pk": {"S": "01JDF3Q2V8"}, "sk": {"N": "1795521600000"},
		"event": {"M": {"headers": {"M": {
			"eventId": {"S": "01JDF3Q2V8"}, "eventName": {"S": "User.Created"}, "source": {"S": "userService"},
			"timestamp": {"N": "1795521600000"}
		}}, "payload": {"M": {"userId": {"S": "u1"}}}}}
	}}}`)})
	report, err := relay.Replay(context.Background(), source, h, func(o *relay.ReplayOptions) {
		o.To, o.Mark = relay.ToBus("recovery"), "outage of 2026-11-24"
	})
	fmt.Println(report.Published, report.Failed, err)
	// Output:
	// userService User.Created {"headers":{"replay":"outage of 2026-11-24","eventId":"01JDF3Q2V8","eventName":"User.Created","source":"userService","timestamp":1795521600000},"payload":{"userId":"u1"}}
	// 1 0 <nil>
}

// A replay that can be stopped at any time, and goes on where it was: the cursor is
// stored after each page.
func ExampleReplay_cursor() {
	resumable := func(ctx context.Context, source relay.Source, h *relay.Handler, file string) error {
		cursor, err := os.ReadFile(file)
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		report, err := relay.Replay(ctx, source, h, func(o *relay.ReplayOptions) {
			o.To, o.Rate, o.Cursor = relay.ToSameBus(), 200, cursor
			o.Progress = func(p relay.ReplayProgress) error {
				if err := os.WriteFile(file+".new", p.Cursor, 0o600); err != nil {
					return err
				}
				return os.Rename(file+".new", file)
			}
		})
		if err == nil && report.Failed > 0 {
			err = fmt.Errorf("%d events were not published, the first is %s: %s", report.Failed, report.Failures[0].EventID, report.Failures[0].Code)
		}
		return err
	}
	_ = resumable
}

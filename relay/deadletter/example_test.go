package deadletter_test

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/deadletter"
)

// Dead letters go back to the bus, in a program that is run once what kept
// them is mended: first as a dry run, then from where it was cut off, if it was.
func ExampleTable_Redrive() {
	redrive := func(ctx context.Context, db *dynamodb.Client, bus *eventbridge.Client, dryRun bool) error {
		dead := deadletter.New(db, "dead-letters")
		h, err := relay.NewHandler(relay.NewEventBridge(bus, "orders"), dead)
		if err != nil {
			return err
		}
		report, err := dead.Redrive(ctx, db, h, func(o *deadletter.RedriveOptions) {
			o.DryRun = dryRun
			o.Start = os.Getenv("REDRIVE_FROM")
			o.Progress = func(page []deadletter.Letter, _ deadletter.Report) {
				for _, l := range page {
					fmt.Println(l.EventID, l.Published, l.Code)
				}
			}
		})
		fmt.Printf("%d of %d published; go on from %q\n", report.Published, report.Read, report.Next)
		return err
	}
	_ = redrive
}

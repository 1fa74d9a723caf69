// Command outbox is for whoever operates an outbox on AWS: it looks at a
// deployment, says what became of an event, finds the events that were never
// published, and publishes events again.
//
//	go run github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox@latest -h
//
// Nothing that it does changes or publishes anything without --execute. Its names
// come from flags, or from a small file that a team commits once. README.md beside
// it has an example for each alarm of the templates.
//
// It ends with 0 if all was done, 1 if some of it failed, 2 if it was called or
// configured wrongly, 3 if it was interrupted and can be resumed.
//
// The flags are read by kong, for two reasons: the groups of names are structs that
// each verb embeds, so that a flag cannot have another name or another meaning
// in another verb; and a value can come from the file without a second list of names.
package main

import (
	"context"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"golang.org/x/term"
)

func main() {
	signals, stop := watchSignals()
	code := run(context.Background(), os.Args[1:], environment{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, terminal: term.IsTerminal(int(os.Stderr.Fd())), signals: signals, load: loadAWS,
	})
	stop()
	os.Exit(code)
}

// loadAWS takes region and credentials from where the AWS SDK takes them; a region
// that is not empty comes first.
func loadAWS(ctx context.Context, region string) (aws.Config, error) {
	var optFns []func(*config.LoadOptions) error
	if region != "" {
		optFns = append(optFns, config.WithRegion(region))
	}
	return config.LoadDefaultConfig(ctx, optFns...)
}

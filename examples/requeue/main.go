// Command requeue moves events from a rule's dead-letter queue to the queue that
// the rule could not deliver them to. SQS does not do that itself: its own redrive
// takes only the dead-letter queue of another SQS queue
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html).
//
//	go -C examples run ./requeue -from outbox-rule-dlq -to outbox-messaging             looks, and changes nothing
//	go -C examples run ./requeue -from outbox-rule-dlq -to outbox-messaging -execute    moves
//
// A message is deleted only when the other queue has taken it, so an end at any
// moment leaves a duplicate at most. Messages for another target of a rule, and
// those that are not an event of a bus, stay where they are; the command says why.
//
// It needs the permissions sqs:GetQueueUrl and sqs:GetQueueAttributes on both
// queues, sqs:ReceiveMessage, sqs:ChangeMessageVisibility and sqs:DeleteMessage on
// the first, and sqs:SendMessage on the second. Region and credentials come from where the AWS
// SDK takes them. It ends with 0 if every message was moved, 1 if one was not, 2
// if it was called wrongly.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

const (
	exitAll   = 0
	exitSome  = 1
	exitUsage = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], func(ctx context.Context) (APIClient, error) {
		cfg, err := config.LoadDefaultConfig(ctx)
		return sqs.NewFromConfig(cfg), err
	}, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the command; load gives it the client.
func run(ctx context.Context, args []string, load func(context.Context) (APIClient, error), out, errOut io.Writer) int {
	flags := flag.NewFlagSet("requeue", flag.ContinueOnError)
	flags.SetOutput(errOut)
	from := flags.String("from", "", "name of the dead-letter queue")
	to := flags.String("to", "", "name of the queue that its messages are for")
	execute := flags.Bool("execute", false, "move them; without it, the command only looks")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitAll
	case err != nil:
		return exitUsage
	}
	wrong := ""
	switch {
	case *from == "" || *to == "":
		wrong = "-from and -to are needed: the names of two queues"
	case *from == *to:
		wrong = "-from and -to are the same queue"
	case strings.HasSuffix(*to, ".fifo"):
		wrong = "-to is a FIFO queue: it needs a message group, which a dead letter does not have"
	case flags.NArg() > 0:
		wrong = fmt.Sprintf("unexpected argument %q", flags.Arg(0))
	}
	if wrong != "" {
		fmt.Fprintf(errOut, "requeue: %s\n", wrong)
		return exitUsage
	}
	client, err := load(ctx)
	if err != nil {
		fmt.Fprintf(errOut, "requeue: %v\n", err)
		return exitUsage
	}
	m, err := newMove(ctx, client, *from, *to, out)
	if err == nil && !*execute {
		err = m.look(ctx)
	} else if err == nil {
		err = m.all(ctx)
		fmt.Fprintf(out, "%d moved, %d left\n", m.moved, len(m.left))
	}
	if err != nil {
		fmt.Fprintf(errOut, "requeue: %v\n", err)
		return exitSome
	}
	if len(m.left) > 0 {
		return exitSome
	}
	return exitAll
}

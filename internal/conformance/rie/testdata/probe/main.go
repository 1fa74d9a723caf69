// Command probe is a Lambda function that does what its event says.
package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	out := os.Stdout
	lambda.StartWithOptions(func(ctx context.Context, do string) (any, error) {
		switch do {
		case "fail":
			return nil, errors.New("asked to fail")
		case "exit":
			os.Exit(3)
		case "hang":
			_, _ = out.WriteString("hanging\n")
			select {}
		}
		deadline, _ := ctx.Deadline()
		return map[string]any{"pid": os.Getpid(), "left": time.Until(deadline), "said": os.Getenv("SAY"), "home": os.Getenv("HOME")}, nil
	}, lambda.WithEnableSIGTERM(func() { _, _ = out.WriteString("SIGTERM\n") }))
}

// Command lint checks the deployment templates with cfn-lint and terraform.
//
//	go -C internal/conformance run ./cmd/lint           check both templates
//	go -C internal/conformance run ./cmd/lint install   install cfn-lint by its pinned version; what is there stays
//
// It ends with 0 if all is well, 1 if a template fails, 2 if a tool is missing, 3
// if it was called wrongly.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lint"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], ".", os.Stdout)
	stop()
	os.Exit(code)
}

// run checks the templates below the folder examples.
func run(ctx context.Context, args []string, examples string, out io.Writer) int {
	switch {
	case len(args) == 0:
		return report(out, map[string]error{
			"deploy/sam":       lint.CheckCloudFormation(ctx, filepath.Join(examples, "deploy/sam/template.yaml")),
			"deploy/terraform": checkTerraform(ctx, filepath.Join(examples, "deploy/terraform")),
		})
	case len(args) == 1 && args[0] == "install":
		dir, installed, err := lint.InstallCFNLint(ctx, func(format string, a ...any) { fmt.Fprintf(out, format+"\n", a...) })
		if err != nil {
			fmt.Fprintln(out, err)
			return 1
		}
		state := "is there"
		if installed {
			state = "installed"
		}
		fmt.Fprintf(out, "cfn-lint %s %s: %s\n", lint.CFNLintVersion, state, dir)
		return 0
	}
	fmt.Fprintln(out, "lint: say nothing or install")
	return 3
}

func checkTerraform(ctx context.Context, dir string) error {
	tf, err := lint.FindTerraform()
	if err != nil {
		return err
	}
	return tf.Check(ctx, dir)
}

func report(out io.Writer, results map[string]error) int {
	code, failed := 0, false
	for _, name := range []string{"deploy/sam", "deploy/terraform"} {
		err := results[name]
		missing := new(lint.MissingError)
		switch {
		case err == nil:
			fmt.Fprintf(out, "%s: ok\n", name)
		case errors.As(err, &missing):
			fmt.Fprintf(out, "%s: NOT CHECKED: %v\n", name, err)
			code = 2
		default:
			fmt.Fprintf(out, "%s: %v\n", name, err)
			failed = true
		}
	}
	if failed {
		return 1
	}
	return code
}

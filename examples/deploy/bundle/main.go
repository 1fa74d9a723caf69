// Command bundle builds the three Lambda functions for the templates: static
// programs for provided.al2023, each alone in a zip file as bootstrap.
//
//	go -C examples run ./deploy/bundle
//
// The files go to deploy/dist. The same sources give the same bytes, so that a
// deployment of unchanged code changes nothing.
package main

import (
	"archive/zip"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// functions are the packages of the Lambda functions, by the names that their
// zip files have in the templates.
var functions = []struct{ name, pkg string }{
	{"userservice", "./userservice/lambda"},
	{"relay", "./relay/lambda"},
	{"messaging", "./messaging/lambda"},
}

func main() {
	arch := flag.String("arch", "arm64", "the functions' architecture: arm64, as in the templates, or amd64")
	dist := flag.String("dist", filepath.Join("deploy", "dist"), "where the zip files go")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := bundle(ctx, ".", *dist, *arch, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// bundle builds the functions of the module in the folder examples into dist.
func bundle(ctx context.Context, examples, dist, arch string, out io.Writer) error {
	if err := os.MkdirAll(dist, 0o755); err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	temp, err := os.MkdirTemp("", "bundle-")
	if err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	defer os.RemoveAll(temp)
	for _, f := range functions {
		program := filepath.Join(temp, "bootstrap")
		if err := build(ctx, examples, f.pkg, program, arch); err != nil {
			return err
		}
		file := filepath.Join(dist, f.name+".zip")
		if err := pack(program, file); err != nil {
			return fmt.Errorf("bundle: %s: %w", f.name, err)
		}
		info, err := os.Stat(file)
		if err != nil {
			return fmt.Errorf("bundle: %w", err)
		}
		fmt.Fprintf(out, "%-12s %s, %.1f MB\n", f.name, file, float64(info.Size())/1e6)
	}
	return nil
}

// build builds one static program. The tag leaves out net/rpc, which the
// runtimes that end in .al2 and .al2023 do not use
// (https://github.com/aws/aws-lambda-go#building-your-function).
func build(ctx context.Context, examples, pkg, program, arch string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", program, pkg)
	cmd.Dir = examples
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("bundle: build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// pack writes a zip file with the program in it, executable and without its
// time.
func pack(program, file string) error {
	text, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	z := zip.NewWriter(f)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	header.SetMode(0o755)
	w, err := z.CreateHeader(header)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = z.Close()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// Package terraform finds terraform and its AWS provider, and runs them on the
// deployment templates. They are in no registry of packages, so they are only
// looked for.
package terraform

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	// ProgramEnv names the variable that points at the terraform program
	// when it is not on PATH.
	ProgramEnv = "OUTBOX_TERRAFORM"
	// PluginsEnv names the variable that points at the folder that holds
	// registry.terraform.io, which is searched for otherwise.
	PluginsEnv = "OUTBOX_TERRAFORM_PLUGINS"
)

// Program is a terraform program and a local folder with its AWS provider.
type Program struct {
	// Path is the path of terraform.
	Path string
	// Plugins is the folder for -plugin-dir.
	Plugins string
}

// Find looks for terraform and the AWS provider, and returns a
// *MissingError if one of them is not on this machine.
func Find() (*Program, error) {
	program := os.Getenv(ProgramEnv)
	if program == "" {
		path, err := exec.LookPath("terraform")
		if err != nil {
			return nil, &MissingError{
				Tool: "terraform", Reason: "it is not on PATH and " + ProgramEnv + " is not set",
				Remedy: "it is in no package registry: get it from https://developer.hashicorp.com/terraform/install",
			}
		}
		program = path
	}
	plugins, err := findPlugins(os.Getenv(PluginsEnv), searchRoots())
	if err != nil {
		return nil, err
	}
	return &Program{Path: program, Plugins: plugins}, nil
}

// Check checks the configuration in dir: the format of its files, and that it
// is valid for the provider. It needs no network and writes nothing into dir.
// The error of a configuration that fails carries what terraform says.
func (tf *Program) Check(ctx context.Context, dir string) error {
	if out, err := tf.command(ctx, dir, "fmt", "-check", "-diff", "-recursive").CombinedOutput(); err != nil {
		return fmt.Errorf("terraform: fmt would change a file: %w\n%s", err, out)
	}
	work, err := os.MkdirTemp("", "terraform-")
	if err != nil {
		return fmt.Errorf("terraform: %w", err)
	}
	defer os.RemoveAll(work)
	if err := tf.Copy(ctx, dir, work); err != nil {
		return err
	}
	if out, err := tf.command(ctx, work, "validate", "-no-color").CombinedOutput(); err != nil {
		return fmt.Errorf("terraform: validate: %w\n%s", err, out)
	}
	return nil
}

// Copy copies the configuration in dir into the folder work, and initialises it
// there.
func (tf *Program) Copy(ctx context.Context, dir, work string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.tf"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("terraform: no *.tf in %s", dir)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("terraform: %w", err)
		}
		if err := os.WriteFile(filepath.Join(work, filepath.Base(file)), text, 0o644); err != nil {
			return fmt.Errorf("terraform: %w", err)
		}
	}
	if out, err := tf.command(ctx, work, "init", "-input=false", "-no-color", "-backend=false", "-plugin-dir="+tf.Plugins).CombinedOutput(); err != nil {
		return fmt.Errorf("terraform: init: %w\n%s", err, out)
	}
	return nil
}

// Run runs one terraform command in a folder filled by Copy, with more variables
// in its environment, and returns what it prints.
func (tf *Program) Run(ctx context.Context, work string, env []string, args ...string) (string, error) {
	cmd := tf.command(ctx, work, args...)
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("terraform: %s: %w\n%s", args[0], err, out)
	}
	return string(out), nil
}

// command runs terraform without what the user's own settings would add.
func (tf *Program) command(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, tf.Path, args...)
	cmd.Dir = dir
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TF_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "TF_CLI_CONFIG_FILE="+os.DevNull, "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
	return cmd
}

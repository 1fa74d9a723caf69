package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// The emulator is published inside the wheel of aws-sam-cli, which is only
// unpacked here, never installed: https://pypi.org/project/aws-sam-cli/
const samCLIVersion = "1.170.0"

// rieArch is this machine's architecture in the emulator's file name.
func rieArch() string {
	if runtime.GOARCH == "amd64" {
		return "x86_64"
	}
	return runtime.GOARCH
}

func installLambdaRIE(ctx context.Context, dir string, say Say) error {
	err := run(ctx, say, dir, "python3", "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
		"--no-deps", "--only-binary=:all:", "--dest", dir, "aws-sam-cli=="+samCLIVersion)
	if err != nil {
		return err
	}
	wheels, err := filepath.Glob(filepath.Join(dir, "*.whl"))
	if err != nil || len(wheels) != 1 {
		return fmt.Errorf("pip download left %d wheels, want 1", len(wheels))
	}
	if err := run(ctx, say, dir, "python3", "-m", "zipfile", "-e", wheels[0], "wheel"); err != nil {
		return err
	}
	program := filepath.Join(dir, "aws-lambda-rie")
	return errors.Join(
		os.Rename(filepath.Join(dir, "wheel/samcli/local/rapid/aws-lambda-rie-"+rieArch()), program),
		os.Chmod(program, 0o755), os.RemoveAll(filepath.Join(dir, "wheel")), os.Remove(wheels[0]))
}

// LambdaRIEPath returns the path of the installed Lambda runtime interface
// emulator. It runs on Linux only.
func LambdaRIEPath() (string, error) {
	if runtime.GOOS != "linux" {
		return "", &MissingError{Name: LambdaRIE, Reason: "it is a Linux program and this is " + runtime.GOOS}
	}
	dir, err := Installed(LambdaRIE)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "aws-lambda-rie"), nil
}

package lint

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
)

// CFNLintVersion is the pinned version: https://pypi.org/project/cfn-lint/
const CFNLintVersion = "1.58.0"

// cfnLintDir is the folder of the installation; it carries the version, so that
// another version is another folder.
func cfnLintDir() (string, error) {
	cache, err := engine.Cache()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "cfn-lint-"+CFNLintVersion), nil
}

func pythonIn(dir string) string { return filepath.Join(dir, "venv", "bin", "python") }

// CFNLint returns the command that runs cfn-lint, a *MissingError if it is not
// installed.
func CFNLint() ([]string, error) {
	dir, err := cfnLintDir()
	if err != nil {
		return nil, err
	}
	// The folder gets its name only when it is complete, so a look is enough.
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, &MissingError{Tool: "cfn-lint " + CFNLintVersion, Reason: "no folder " + dir, Remedy: "install it: " + InstallCommand}
	}
	// Not the script bin/cfn-lint: its first line names the folder in which the
	// installation was made.
	return []string{pythonIn(dir), "-c", "import sys; from cfnlint.runner import main; sys.exit(main())"}, nil
}

// InstallCFNLint installs the pinned version into the cache and returns its
// folder; installed reports whether it was put there now. When several
// processes install at once, each does the work and one of them keeps it.
func InstallCFNLint(ctx context.Context, say engine.Say) (dir string, installed bool, err error) {
	dir, err = cfnLintDir()
	if err != nil {
		return "", false, err
	}
	if _, err := CFNLint(); err == nil {
		return dir, false, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", false, fmt.Errorf("lint: %w", err)
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".part-")
	if err != nil {
		return "", false, fmt.Errorf("lint: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	for _, argv := range [][]string{
		{"python3", "-m", "venv", filepath.Join(temp, "venv")},
		{pythonIn(temp), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "cfn-lint==" + CFNLintVersion},
	} {
		say("  %s %s", filepath.Base(argv[0]), strings.Join(argv[1:], " "))
		if out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput(); err != nil {
			return "", false, fmt.Errorf("lint: install cfn-lint %s: %s: %w\n%s", CFNLintVersion, filepath.Base(argv[0]), err, out)
		}
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return "", false, fmt.Errorf("lint: %w", err)
	}
	if err := os.Rename(temp, dir); err != nil {
		if info, statErr := os.Stat(dir); statErr == nil && info.IsDir() {
			return dir, false, nil // another process was quicker
		}
		return "", false, fmt.Errorf("lint: %w", err)
	}
	return dir, true, nil
}

// CheckCloudFormation runs cfn-lint over a SAM or CloudFormation template. Its
// warnings are failures. The error of a template that fails carries what
// cfn-lint says.
func CheckCloudFormation(ctx context.Context, template string) error {
	argv, err := CFNLint()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, argv[0], append(argv[1:], "--non-zero-exit-code", "warning", "--", template)...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return fmt.Errorf("lint: cfn-lint %s\n%s", filepath.Base(template), out)
	case errors.Is(err, fs.ErrNotExist):
		return &MissingError{Tool: "the Python of cfn-lint", Reason: err.Error(), Remedy: "remove its folder and install it: " + InstallCommand}
	case err != nil:
		return fmt.Errorf("lint: cfn-lint: %w", err)
	}
	return nil
}

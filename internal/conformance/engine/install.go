package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// CacheEnv names the variable that overrides the cache folder.
const CacheEnv = "OUTBOX_ENGINE_CACHE"

// Say is told, a line at a time, what an installation does.
type Say func(format string, args ...any)

// Cache is the folder that holds installed engines: OUTBOX_ENGINE_CACHE, or
// dynamodb-outbox/engines in the user's cache folder.
func Cache() (string, error) {
	if dir := os.Getenv(CacheEnv); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("engine: no cache folder (set %s): %w", CacheEnv, err)
	}
	return filepath.Join(dir, "dynamodb-outbox", "engines"), nil
}

// Installed returns the folder of an installed engine, a *MissingError if it is
// not installed.
func Installed(name Name) (string, error) {
	s, ok := specs[name]
	if !ok {
		return "", fmt.Errorf("engine: no engine is called %q", name)
	}
	if s.install == nil {
		return "", &MissingError{Name: name, Reason: "it is used, but never installed"}
	}
	cache, err := Cache()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, s.folder())
	// The folder gets its name only when it is complete, so a look is enough.
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return "", &MissingError{Name: name, Reason: "no folder " + dir}
	}
	return dir, nil
}

// Install puts the engine's pinned version into the cache and returns its
// folder; installed reports whether it was put there now. An engine that is
// there already costs nothing. Several processes may install at once: one does
// the work, the others wait for it.
func Install(ctx context.Context, name Name, say Say) (dir string, installed bool, err error) {
	missing := new(MissingError)
	if dir, err := Installed(name); err == nil || !errors.As(err, &missing) {
		return dir, false, err
	}
	s := specs[name]
	if s.install == nil {
		return "", false, missing
	}
	cache, err := Cache()
	if err != nil {
		return "", false, err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", false, fmt.Errorf("engine: %w", err)
	}
	unlock, err := lockFile(ctx, filepath.Join(cache, s.folder()+".lock"))
	if err != nil {
		return "", false, err
	}
	defer unlock()
	if dir, err := Installed(name); err == nil {
		return dir, false, nil // another process was quicker
	}

	temp, err := os.MkdirTemp(cache, s.folder()+".part-")
	if err != nil {
		return "", false, fmt.Errorf("engine: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	dir = filepath.Join(cache, s.folder())
	if err := s.install(ctx, temp, say); err != nil {
		return "", false, fmt.Errorf("engine: install %s %s: %w", name, s.version, err)
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return "", false, fmt.Errorf("engine: %w", err)
	}
	if err := os.Rename(temp, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", false, fmt.Errorf("engine: %w", err)
	}
	return dir, true, nil
}

// run executes a command of an installation in dir and says what it runs. A
// failure carries the end of the command's output.
func run(ctx context.Context, say Say, dir, name string, args ...string) error {
	path, err := exec.LookPath(name)
	if err != nil {
		return fmt.Errorf("%s is needed to install it and is not on PATH", name)
	}
	say("  %s %s", filepath.Base(name), strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(name), err, tail(string(out), 4000))
	}
	return nil
}

// tail returns the last n bytes of s, from the start of a line if it can.
func tail(s string, n int) string {
	if len(s) <= n {
		return s
	}
	s = s[len(s)-n:]
	if i := strings.IndexByte(s, '\n'); i >= 0 && i < len(s)-1 {
		s = s[i+1:]
	}
	return "…\n" + s
}

// Find is Installed, and also asks for the system that the engine needs: Linux
// for the runtime interface emulator. It returns the engine's folder or a
// *MissingError.
func Find(name Name) (dir string, err error) {
	if name == LambdaRIE {
		path, err := LambdaRIEPath()
		return filepath.Dir(path), err
	}
	return Installed(name)
}

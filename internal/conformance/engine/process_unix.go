//go:build linux || darwin

package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// process is a started engine.
type process struct {
	*Child
	logFile string
	release func() // gives the port's reservation up
}

// attempts is how often launch tries another port when the engine ends before
// it answers, as it does when somebody took its port meanwhile.
const attempts = 3

// launch starts the engine in dir on a free port and waits until it answers.
func launch(ctx context.Context, name Name, dir string) (*Engine, error) {
	var err error
	for range attempts {
		var e *Engine
		if e, err = launchOnce(ctx, name, dir); err == nil {
			return e, nil
		}
		if !errors.Is(err, errGone) {
			break
		}
	}
	return nil, err
}

func launchOnce(ctx context.Context, name Name, dir string) (*Engine, error) {
	s := specs[name]
	port, release, err := freePort()
	if err != nil {
		return nil, err
	}
	p, err := startProcess(name, s.command(dir, port))
	if err != nil {
		release()
		return nil, fmt.Errorf("engine: start %s: %w", name, err)
	}
	p.release = release
	e := &Engine{Name: name, URL: "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), process: p}
	if err := poll(ctx, func(ctx context.Context) error { return s.answers(ctx, e.URL) }, p.Gone); err != nil {
		e.Stop()
		text, _ := e.Log(0)
		return nil, fmt.Errorf("engine: %s %s does not answer on %s: %w\n%s", name, s.version, e.URL, err, tail(text, 4000))
	}
	return e, nil
}

func startProcess(name Name, argv []string) (*process, error) {
	logFile, err := newLogFile(name)
	if err != nil {
		return nil, err
	}
	defer logFile.Close()
	child, err := StartChild(argv, func(cmd *exec.Cmd) {
		cmd.Stdout, cmd.Stderr, cmd.Dir = logFile, logFile, os.TempDir()
	})
	return &process{Child: child, logFile: logFile.Name()}, err
}

func (p *process) stop() {
	p.Stop()
	if p.release != nil {
		p.release()
	}
}

func (p *process) readLog(offset int64) (text string, end int64) {
	all, err := os.ReadFile(p.logFile)
	if err != nil {
		return "", offset
	}
	offset = min(max(offset, 0), int64(len(all)))
	return string(all[offset:]), int64(len(all))
}

// logKept is how long the logs of earlier runs are kept.
const logKept = 24 * time.Hour

// newLogFile makes a log file in the cache and removes those of long ago.
func newLogFile(name Name) (*os.File, error) {
	dir, err := cacheFolder("logs")
	if err != nil {
		return nil, err
	}
	old, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		return nil, err
	}
	for _, path := range old {
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > logKept {
			_ = os.Remove(path) // another process may have been quicker
		}
	}
	return os.CreateTemp(dir, string(name)+"-*.log")
}

// cacheFolder returns a folder of the cache, which it makes if need be.
func cacheFolder(name string) (string, error) {
	cache, err := Cache()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, name)
	return dir, os.MkdirAll(dir, 0o755)
}

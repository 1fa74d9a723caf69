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
	"sync"
	"syscall"
	"time"
)

// watchdog runs the engine in the process group it leads, beside a shell that
// reads file descriptor 3: the end of a pipe whose other end only we hold. When
// we end, however we end, the shell reads the end of the pipe and kills the
// group. The engine replaces the outer shell, so its exit status is the
// child's.
const watchdog = `( read -r _ <&3; kill -s KILL 0 ) >/dev/null 2>&1 & exec "$@" 3<&-`

// stopGrace is how long an engine may take to end when asked.
const stopGrace = 5 * time.Second

// process is a started engine.
type process struct {
	cmd     *exec.Cmd
	leash   *os.File // our end of the watchdog's pipe
	logFile string
	release func()        // gives the port's reservation up
	gone    chan struct{} // closed when the engine has ended
	once    sync.Once
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
	if err := poll(ctx, func(ctx context.Context) error { return s.answers(ctx, e.URL) }, p.gone); err != nil {
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
	watch, leash, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer watch.Close()
	cmd := exec.Command("/bin/sh", append([]string{"-c", watchdog, "engine"}, argv...)...)
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.ExtraFiles = []*os.File{watch} // file descriptor 3
	cmd.Dir = os.TempDir()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		leash.Close()
		return nil, err
	}
	p := &process{cmd: cmd, leash: leash, logFile: logFile.Name(), gone: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // the status of a killed server tells nothing
		close(p.gone)
	}()
	return p, nil
}

func (p *process) stop() {
	p.once.Do(func() {
		select {
		case <-p.gone:
		default:
			_ = p.cmd.Process.Signal(syscall.SIGTERM)
			timer := time.NewTimer(stopGrace)
			defer timer.Stop()
			select {
			case <-p.gone:
			case <-timer.C:
			}
		}
		// The watchdog kills what is left of the group, itself included.
		p.leash.Close()
		<-p.gone
		if p.release != nil {
			p.release()
		}
	})
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

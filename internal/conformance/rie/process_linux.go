package rie

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// watchdog runs the emulator in the process group it leads, beside a shell that
// reads file descriptor 3: the end of a pipe whose other end only we hold. When
// we end, however we end, the shell kills the group, and the function ends
// because it has lost the emulator.
const watchdog = `( read -r _ <&3; kill -s KILL 0 ) >/dev/null 2>&1 & exec "$@" 3<&-`

// stopGrace is how long the emulator may take to end when asked.
const stopGrace = 3 * time.Second

// process is a started emulator.
type process struct {
	cmd    *exec.Cmd
	binary string   // the function's program
	leash  *os.File // our end of the watchdog's pipe
	gone   chan struct{}
	once   sync.Once
}

func startProcess(argv []string, binary string, env []string, log io.Writer) (*process, error) {
	binary, err := filepath.EvalSymlinks(binary)
	if err != nil {
		return nil, err
	}
	watch, leash, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer watch.Close()
	cmd := exec.Command("/bin/sh", append([]string{"-c", watchdog, "rie"}, argv...)...)
	cmd.Env = env
	cmd.Stdout, cmd.Stderr = log, log
	cmd.WaitDelay = stopGrace // for a function that keeps our pipe open
	cmd.ExtraFiles = []*os.File{watch}
	cmd.Dir = filepath.Dir(binary)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		leash.Close()
		return nil, err
	}
	p := &process{cmd: cmd, binary: binary, leash: leash, gone: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // the status of a killed emulator tells nothing
		close(p.gone)
	}()
	return p, nil
}

func (p *process) stop() {
	p.once.Do(func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		timer := time.NewTimer(stopGrace)
		defer timer.Stop()
		select {
		case <-p.gone:
		case <-timer.C:
		}
		p.crash()
		// The watchdog kills what is left of the group, itself included.
		p.leash.Close()
		<-p.gone
	})
}

// crash kills the children of the emulator that run the function's program, and
// reports whether there was one.
func (p *process) crash() bool {
	pid := strconv.Itoa(p.cmd.Process.Pid)
	lists, err := filepath.Glob(filepath.Join("/proc", pid, "task", "*", "children"))
	if err != nil {
		return false
	}
	killed := false
	for _, list := range lists {
		children, err := os.ReadFile(list)
		if err != nil {
			continue // a thread that has ended
		}
		for child := range strings.FieldsSeq(string(children)) {
			program, err := os.Readlink(filepath.Join("/proc", child, "exe"))
			if err != nil || program != p.binary {
				continue
			}
			if id, err := strconv.Atoi(child); err == nil && syscall.Kill(id, syscall.SIGKILL) == nil {
				killed = true
			}
		}
	}
	return killed
}

//go:build linux || darwin

package engine

import (
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// watchdog runs the program in the process group it leads, beside a shell that
// reads file descriptor 3: the end of a pipe whose other end only we hold. When
// we end, however we end, the shell reads the end of the pipe and kills the
// group. The program replaces the outer shell, so its exit status is the
// child's.
const watchdog = `( read -r _ <&3; kill -s KILL 0 ) >/dev/null 2>&1 & exec "$@" 3<&-`

// stopGrace is how long a program may take to end when asked.
const stopGrace = 5 * time.Second

// Child is a program that ends with the process that started it, however that
// process ends.
type Child struct {
	Gone chan struct{} // closed when the program has ended

	cmd   *exec.Cmd
	leash *os.File // our end of the watchdog's pipe
	once  sync.Once
}

// StartChild starts a program. set may set the environment, the folder and the
// output of its command.
func StartChild(argv []string, set func(*exec.Cmd)) (*Child, error) {
	watch, leash, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer watch.Close()
	cmd := exec.Command("/bin/sh", append([]string{"-c", watchdog, "child"}, argv...)...)
	cmd.ExtraFiles = []*os.File{watch} // file descriptor 3
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	set(cmd)
	if err := cmd.Start(); err != nil {
		leash.Close()
		return nil, err
	}
	c := &Child{cmd: cmd, leash: leash, Gone: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // the status of a killed program tells nothing
		close(c.Gone)
	}()
	return c, nil
}

// PID is the process id of the program, which leads a group of its own.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// Stop asks the program to end, and kills what is left of its group. It may be
// called more than once.
func (c *Child) Stop() {
	c.once.Do(func() {
		_ = c.cmd.Process.Signal(syscall.SIGTERM) // it may be gone
		timer := time.NewTimer(stopGrace)
		defer timer.Stop()
		select {
		case <-c.Gone:
		case <-timer.C:
		}
		// The watchdog kills what is left of the group, itself included.
		c.leash.Close()
		<-c.Gone
	})
}

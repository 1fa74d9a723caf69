//go:build !linux && !darwin

package engine

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
)

// errPlatform says that this package starts engines on Linux and macOS only.
var errPlatform = errors.New("engine: engines are installed and started on Linux and macOS only, and this is " + runtime.GOOS +
	"; start them with docker compose and set the variables that compose.yaml names")

// Child is a started program, of which there is none on this platform.
type Child struct{ Gone chan struct{} }

// StartChild fails.
func StartChild([]string, func(*exec.Cmd)) (*Child, error) { return nil, errPlatform }

// PID is of no process.
func (c *Child) PID() int { return 0 }

// Stop has nothing to stop.
func (c *Child) Stop() {}

// process is a started engine, of which there is none either.
type process struct{ logFile string }

func launch(context.Context, Name, string) (*Engine, error) { return nil, errPlatform }

func (p *process) stop() {}

func (p *process) readLog(int64) (text string, end int64) { return "", 0 }

func lockFile(context.Context, string) (unlock func(), err error) { return nil, errPlatform }

//go:build !linux && !darwin

package engine

import (
	"context"
	"errors"
	"runtime"
)

// errPlatform says that this package starts engines on Linux and macOS only.
var errPlatform = errors.New("engine: engines are installed and started on Linux and macOS only, and this is " + runtime.GOOS +
	"; start them with docker compose and set the variables that compose.yaml names")

// process is a started engine, of which there is none on this platform.
type process struct{ logFile string }

func launch(context.Context, Name, string) (*Engine, error) { return nil, errPlatform }

func (p *process) stop() {}

func (p *process) readLog(int64) (text string, end int64) { return "", 0 }

func lockFile(context.Context, string) (unlock func(), err error) { return nil, errPlatform }

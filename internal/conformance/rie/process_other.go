//go:build !linux

package rie

import (
	"errors"
	"io"
)

// process is never started: engine.LambdaRIEPath has said before that the
// emulator is for Linux.
type process struct{ gone chan struct{} }

func startProcess([]string, string, []string, io.Writer) (*process, error) {
	return nil, errors.New("the emulator runs on Linux only")
}

func (p *process) stop() {}

func (p *process) crash() bool { return false }

//go:build linux || darwin

package engine

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
)

// portLocks is the number of lock files that ports share; it bounds the litter
// in the cache.
const portLocks = 512

// freePort returns a loopback port on which nobody listens. The port is
// reserved against other processes that use this function until release is
// called: without that, two of them that draw the same port would share one
// engine and lose it with its owner.
func freePort() (port int, release func(), err error) {
	dir, err := cacheFolder("ports")
	if err != nil {
		return 0, nil, fmt.Errorf("engine: %w", err)
	}
	for range 10 * portLocks {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, nil, fmt.Errorf("engine: no free port: %w", err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		release, ok, err := tryLockFile(filepath.Join(dir, strconv.Itoa(port%portLocks)))
		if err != nil {
			return 0, nil, err
		}
		if ok {
			return port, release, nil
		}
	}
	return 0, nil, errors.New("engine: no free port: every one is reserved")
}

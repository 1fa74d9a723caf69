// Package movedclock lets go test run with the wall clock ahead, so that a test
// which holds a fixed date against the clock is found before that date comes.
//
// A Go program asks the kernel itself, so a libc with another clock changes
// nothing. What does: -overlay gives the compiler a copy of the standard
// library's time/time.go, made from the installed Go's own file, in which Now
// adds as many seconds as the environment says. One overlay serves every
// distance, and what is compiled with it is compiled once.
//
// Timers, time.Since and deadlines go by the monotonic clock, which is as it was.
// The clock of a testing/synctest bubble starts in the year 2000 on every day,
// and the times of files are the true ones.
package movedclock

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// secondsEnv names the variable that says by how many seconds the clock of a
// program that was compiled with the overlay is ahead.
const secondsEnv = "OUTBOX_CLOCK_AHEAD_SECONDS"

// Overlay writes the overlay for the Go in goroot into dir, and returns the file
// for go's flag -overlay.
func Overlay(goroot, dir string) (file string, err error) {
	original := filepath.Join(goroot, "src", "time", "time.go")
	source, err := os.ReadFile(original)
	if err != nil {
		return "", fmt.Errorf("movedclock: %w", err)
	}
	if source, err = moved(source); err != nil {
		return "", fmt.Errorf("movedclock: %s: %w", original, err)
	}
	overlay := struct{ Replace map[string]string }{map[string]string{
		original: filepath.Join(dir, "time.go"),
		filepath.Join(filepath.Dir(original), "movedclock.go"): filepath.Join(dir, "movedclock.go"),
	}}
	text, err := json.Marshal(overlay)
	if err != nil {
		return "", fmt.Errorf("movedclock: %w", err)
	}
	file = filepath.Join(dir, "overlay.json")
	for path, content := range map[string][]byte{
		overlay.Replace[original]:           source,
		filepath.Join(dir, "movedclock.go"): []byte(added),
		file:                                text,
	} {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return "", fmt.Errorf("movedclock: %w", err)
		}
	}
	return file, nil
}

// Environment is what the go command needs in its environment so that a program
// compiled with Overlay's file is ahead. The programs that a test builds and
// starts are so, too, unless it gives them an environment of its own.
func Environment(overlay string, ahead time.Duration) []string {
	flags := os.Getenv("GOFLAGS")
	if flags != "" {
		flags += " "
	}
	return []string{
		"GOFLAGS=" + flags + "-overlay=" + overlay,
		fmt.Sprintf("%s=%d", secondsEnv, int64(ahead/time.Second)),
	}
}

// added is a file that package time gets. It can't use much of the standard
// library, nearly all of which imports time.
const added = `package time

import "syscall"

// movedClock is by how many seconds Now is ahead.
var movedClock = func() (seconds int64) {
	text, _ := syscall.Getenv("` + secondsEnv + `")
	for _, digit := range []byte(text) {
		if digit < '0' || digit > '9' {
			panic("` + secondsEnv + ` is not a number of seconds")
		}
		seconds = seconds*10 + int64(digit-'0')
	}
	return seconds
}()
`

// ahead is what Now does besides.
const ahead = "\tif !runtimeIsBubbled() {\n\t\tsec += movedClock\n\t}\n"

var (
	now  = []byte("func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n")
	asks = regexp.MustCompile(`[^c] (?:runtimeNow|now)\(\)`) // where the runtime is asked, not where it is declared
)

// moved returns the text of time/time.go with a Now that is ahead. It fails if
// the clock is read in another place than where Now reads it today.
func moved(source []byte) ([]byte, error) {
	if bytes.Count(source, now) != 1 || len(asks.FindAll(source, -1)) != 1 {
		return nil, fmt.Errorf("the clock is not read as in Go 1.26: look where it is read now, and move that")
	}
	return bytes.Replace(source, now, append(bytes.Clone(now), ahead...), 1), nil
}

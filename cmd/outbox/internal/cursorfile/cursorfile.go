// Package cursorfile keeps how far a replay has come, so that another process can
// go on: the cursor of package relay, and the times that the question was about,
// for "36 hours ago" is another time an hour later.
package cursorfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const version = 1

// State is what a file holds.
type State struct {
	Version int `json:"version"`

	// From and To are the times of the question, zero if it has none.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`

	// Cursor is empty at the beginning.
	Cursor json.RawMessage `json:"cursor,omitempty"`
}

// Read returns what the file holds. An absent file is an error that wraps
// fs.ErrNotExist.
func Read(path string) (State, error) {
	var s State
	text, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	switch err := json.Unmarshal(text, &s); {
	case err != nil:
		return s, fmt.Errorf("%s is no cursor file, or a damaged one: %w", path, err)
	case s.Version != version:
		return s, fmt.Errorf("%s is a cursor file of version %d, and this command writes version %d", path, s.Version, version)
	}
	return s, nil
}

// Exists reports whether there is such a file.
func Exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// Write replaces the file. Whatever ends the process meanwhile, the file is the
// old one or the new one.
func Write(path string, s State) error {
	s.Version = version
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write the cursor: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the error below is the one to tell
		return fmt.Errorf("write the cursor: %w", err)
	}
	return nil
}

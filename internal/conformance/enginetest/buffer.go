package enginetest

import (
	"bytes"
	"sync"
)

// Buffer keeps what several goroutines write.
type Buffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

// Write keeps p.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String returns what was written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

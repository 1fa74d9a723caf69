package relay_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// logRecorder keeps what is logged, at every level, as JSON lines.
type logRecorder struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logRecorder) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logRecorder) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logRecorder) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (l *logRecorder) count(level string) int {
	return strings.Count(l.String(), fmt.Sprintf(`"level":%q`, level))
}

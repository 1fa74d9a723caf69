package progress_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/progress"
)

func lines(b *strings.Builder) []string { return strings.Split(strings.TrimSpace(b.String()), "\n") }

func TestLinesWhereThereIsNoTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		m := progress.New(&b, false, "event")
		m.Set(10, 0.01, "")
		require.Empty(t, b.String(), "not a line for each page")
		<-time.After(5 * time.Second)
		m.Set(100, 0.1, "3 failed")
		<-time.After(time.Second)
		m.Set(110, 0.11, "3 failed")
		<-time.After(4 * time.Second)
		m.Set(1000, 1, "3 failed")
		m.Close()
		require.Equal(t, []string{
			"100 events, 20/s, 10 %, about 45 s left, 3 failed",
			"1000 events, 100/s, 100 %, about 1 s left, 3 failed",
		}, lines(&b))
	})
}

func TestWhereNobodyKnowsTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		m := progress.New(&b, false, "event")
		<-time.After(10 * time.Second)
		m.Set(1, 0, "")
		require.Equal(t, []string{"1 event, 0.1/s"}, lines(&b))
	})
}

// In a bubble a goroutine that outlives the meter is a failure.
func TestBarOnATerminal(t *testing.T) {
	for name, fraction := range map[string]float64{"bar": 0.5, "spinner": 0} {
		synctest.Test(t, func(t *testing.T) {
			var b strings.Builder
			m := progress.New(&b, true, "event")
			m.Set(500, fraction, "3 failed")
			require.Contains(t, b.String(), "500 events")
			require.Contains(t, b.String(), "3 failed")
			require.NotContains(t, b.String(), "\n")
			m.Set(1500, 2*fraction, "")
			m.Close()
			require.True(t, strings.HasSuffix(strings.TrimRight(b.String(), " "), "\r") || strings.HasSuffix(b.String(), "\r"), "%s: %q", name, b.String())
		})
	}
}

func TestDurations(t *testing.T) {
	for d, text := range map[time.Duration]string{
		0: "1 s", 59 * time.Second: "59 s", 61 * time.Second: "1 min 1 s", 90 * time.Minute: "1 h 30 min", 72 * time.Hour: "3 days",
	} {
		require.Equal(t, text, progress.Duration(d))
	}
}

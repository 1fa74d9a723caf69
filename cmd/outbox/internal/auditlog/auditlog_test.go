package auditlog_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/auditlog"
)

func TestTwoLinesForEachRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	for _, reason := range []string{"outage of the bus", "again"} {
		l, err := auditlog.Open(path, nil, auditlog.Entry{Command: "replay", Caller: "arn:aws:sts::1:assumed-role/ops/ada", Reason: reason, Args: []string{"replay", "--execute"}})
		require.NoError(t, err)
		require.NoError(t, l.Begin())
		require.NoError(t, l.End(map[string]int{"published": 2}, errors.New("one failed")))
	}
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	require.Len(t, lines, 4, "appended")
	var begin, end auditlog.Entry
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &begin))
	require.NoError(t, json.Unmarshal([]byte(lines[1]), &end))
	require.Equal(t, "begin", begin.Phase)
	require.Equal(t, "outage of the bus", begin.Reason)
	require.Equal(t, "arn:aws:sts::1:assumed-role/ops/ada", begin.Caller)
	require.False(t, begin.Time.IsZero())
	require.Nil(t, begin.Result)
	require.Equal(t, "end", end.Phase)
	require.Equal(t, map[string]any{"published": 2.0}, end.Result)
	require.Equal(t, "one failed", end.Error)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestNoLogNoChange(t *testing.T) {
	_, err := auditlog.Open(filepath.Join(t.TempDir(), "no-such-folder", "audit.log"), nil, auditlog.Entry{})
	require.ErrorContains(t, err, "--audit-log")
}

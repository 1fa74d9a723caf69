package cursorfile_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/cursorfile"
)

func TestWriteAndRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "cursor.json")
	_, err := cursorfile.Read(path)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.False(t, cursorfile.Exists(path))
	for _, at := range []string{`1`, `{"page":2}`} {
		want := cursorfile.State{From: time.UnixMilli(1795534252057).UTC(), Cursor: json.RawMessage(at)}
		require.NoError(t, cursorfile.Write(path, want))
		got, err := cursorfile.Read(path)
		require.NoError(t, err)
		want.Version = got.Version
		require.Equal(t, want, got)
	}
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 1, "nothing is left of the writing")
}

func TestDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cursor.json")
	for text, says := range map[string]string{"": "damaged", `{"version":1,"cur`: "damaged", `{"version":7}`: "version 7", `[]`: "damaged"} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := cursorfile.Read(path)
		require.ErrorContains(t, err, says)
		require.ErrorContains(t, err, path)
	}
}

func TestNoFolder(t *testing.T) {
	require.ErrorContains(t, cursorfile.Write(filepath.Join(t.TempDir(), "no", "cursor.json"), cursorfile.State{}), "write the cursor")
}

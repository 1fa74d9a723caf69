package main

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBundle builds the functions as the templates want them, twice.
func TestBundle(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	var out strings.Builder
	require.NoError(t, bundle(t.Context(), "../..", first, "arm64", &out))
	require.NoError(t, bundle(t.Context(), "../..", second, "arm64", io.Discard))
	for _, f := range functions {
		require.Contains(t, out.String(), f.name)
		a, err := os.ReadFile(filepath.Join(first, f.name+".zip"))
		require.NoError(t, err)
		b, err := os.ReadFile(filepath.Join(second, f.name+".zip"))
		require.NoError(t, err)
		require.True(t, bytes.Equal(a, b), "%s: the same sources give the same bytes", f.name)

		z, err := zip.NewReader(bytes.NewReader(a), int64(len(a)))
		require.NoError(t, err)
		require.Len(t, z.File, 1)
		require.Equal(t, "bootstrap", z.File[0].Name)
		require.Equal(t, os.FileMode(0o755), z.File[0].Mode())
		r, err := z.File[0].Open()
		require.NoError(t, err)
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		program, err := elf.NewFile(bytes.NewReader(text))
		require.NoError(t, err)
		require.Equal(t, elf.EM_AARCH64, program.Machine)
		libraries, err := program.ImportedLibraries()
		require.NoError(t, err)
		require.Empty(t, libraries, "static")
		require.NotContains(t, string(text), "net/rpc.(*Server)", "built with lambda.norpc")
	}
}

func TestBundleSaysWhatDoesNotBuild(t *testing.T) {
	err := build(t.Context(), "../..", "./nothing/here", filepath.Join(t.TempDir(), "x"), "arm64")
	require.ErrorContains(t, err, "build ./nothing/here")
}

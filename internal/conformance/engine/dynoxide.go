package engine

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
)

// https://www.npmjs.com/package/@dynoxide/linux-x64
const dynoxideVersion = "1.2.1"

// npmPlatform is this machine in the words of npm, such as linux-x64.
func npmPlatform() string {
	goos, arch := runtime.GOOS, runtime.GOARCH
	if goos == "windows" {
		goos = "win32"
	}
	if arch == "amd64" {
		arch = "x64"
	}
	return goos + "-" + arch
}

func installDynoxide(ctx context.Context, dir string, say Say) error {
	pkg := "@dynoxide/" + npmPlatform() + "@" + dynoxideVersion
	if err := run(ctx, say, dir, "npm", "pack", "--silent", pkg); err != nil {
		return err
	}
	archives, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(archives) != 1 {
		return fmt.Errorf("npm pack left %d archives, want 1", len(archives))
	}
	if err := extractTarGz(archives[0], "package/dynoxide", filepath.Join(dir, "dynoxide")); err != nil {
		return err
	}
	return os.Remove(archives[0])
}

// extractTarGz copies one file out of a .tgz archive and makes it executable.
func extractTarGz(archive, name, to string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	tr := tar.NewReader(zr)
	for {
		header, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("no %s in %s", name, filepath.Base(archive))
		}
		if err != nil {
			return err
		}
		if header.Name == name {
			return writeProgram(to, tr)
		}
	}
}

// writeProgram writes an executable file.
func writeProgram(path string, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

func dynoxideCommand(dir string, port int) []string {
	return []string{filepath.Join(dir, "dynoxide"), "--host", "127.0.0.1", "--port", strconv.Itoa(port)}
}

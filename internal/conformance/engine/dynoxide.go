package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
)

// https://www.npmjs.com/package/@dynoxide/linux-x64
const dynoxideVersion = "1.2.1"

// npmPlatform is this machine in the words of npm, such as linux-x64.
func npmPlatform() string {
	arch := runtime.GOARCH
	if arch == "amd64" {
		arch = "x64"
	}
	return runtime.GOOS + "-" + arch
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
	if err := run(ctx, say, dir, "tar", "-xzf", archives[0], "--strip-components=1", "package/dynoxide"); err != nil {
		return err
	}
	return os.Remove(archives[0])
}

func dynoxideCommand(dir string, port int) []string {
	return []string{filepath.Join(dir, "dynoxide"), "--host", "127.0.0.1", "--port", strconv.Itoa(port)}
}

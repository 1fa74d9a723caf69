// Package release makes what a release would publish out of the tree: a module
// proxy in a folder, with the root module and the command at one version. The
// command's replace of the root, which go run module@version refuses, is dropped
// in it, and the root of that version is required.
package release

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"
)

// The modules that are released.
const (
	Root    = "github.com/dynamodb-outbox/dynamodb-outbox"
	Command = Root + "/cmd/outbox"
)

// Proxy writes the modules of the tree below root into dir, which can then be
// a GOPROXY (file://dir): https://go.dev/ref/mod#serving-from-proxy.
func Proxy(ctx context.Context, root, version, dir string) error {
	if err := add(dir, module.Version{Path: Root, Version: version}, root); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "outbox-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := os.CopyFS(work, os.DirFS(filepath.Join(root, "cmd", "outbox"))); err != nil {
		return err
	}
	edit := exec.CommandContext(ctx, "go", "mod", "edit", "-dropreplace="+Root, "-require="+Root+"@"+version)
	edit.Dir = work
	if out, err := edit.CombinedOutput(); err != nil {
		return fmt.Errorf("release: go mod edit: %w: %s", err, out)
	}
	return add(dir, module.Version{Path: Command, Version: version}, work)
}

// add writes one version of a module: its go.mod, its zip, and the list of
// versions.
func add(dir string, m module.Version, source string) error {
	path, err := module.EscapePath(m.Path)
	if err != nil {
		return err
	}
	at := filepath.Join(dir, filepath.FromSlash(path), "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		return err
	}
	mod, err := os.ReadFile(filepath.Join(source, "go.mod"))
	if err != nil {
		return err
	}
	info, err := json.Marshal(map[string]any{"Version": m.Version, "Time": time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{"list": []byte(m.Version + "\n"), m.Version + ".info": info, m.Version + ".mod": mod} {
		if err := os.WriteFile(filepath.Join(at, name), text, 0o644); err != nil {
			return err
		}
	}
	zip, err := os.Create(filepath.Join(at, m.Version+".zip"))
	if err != nil {
		return err
	}
	defer zip.Close()
	if err := modzip.CreateFromDir(zip, m, source); err != nil {
		return fmt.Errorf("release: %s: %w", m, err)
	}
	return zip.Close()
}

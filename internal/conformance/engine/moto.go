package engine

import (
	"context"
	"path/filepath"
	"strconv"
)

// https://pypi.org/project/moto/
const motoVersion = "5.2.5"

func installMoto(ctx context.Context, dir string, say Say) error {
	return installPython(ctx, dir, say, "moto[server]=="+motoVersion)
}

func motoCommand(dir string, port int) []string {
	return []string{venvPython(dir), "-m", "moto.server", "-H", "127.0.0.1", "-p", strconv.Itoa(port)}
}

// installPython installs packages of PyPI into a virtual environment in dir.
func installPython(ctx context.Context, dir string, say Say, packages ...string) error {
	if err := run(ctx, say, dir, "python3", "-m", "venv", "venv"); err != nil {
		return err
	}
	install := append([]string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check"}, packages...)
	return run(ctx, say, dir, venvPython(dir), install...)
}

// venvPython is how a server in dir is started: python -m, for the first line of
// a script in bin names the folder in which the installation was made.
func venvPython(dir string) string { return filepath.Join(dir, "venv", "bin", "python") }

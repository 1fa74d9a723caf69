package engine

import (
	"context"
	"path/filepath"
	"strconv"
)

// https://pypi.org/project/moto/
const motoVersion = "5.2.5"

func installMoto(ctx context.Context, dir string, say Say) error {
	if err := run(ctx, say, dir, "python3", "-m", "venv", "venv"); err != nil {
		return err
	}
	return run(ctx, say, dir, motoPython(dir), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
		"moto[server]=="+motoVersion)
}

func motoPython(dir string) string { return filepath.Join(dir, "venv", "bin", "python") }

func motoCommand(dir string, port int) ([]string, error) {
	// Not the script bin/moto_server: its first line names the folder in which
	// the installation was made.
	return []string{motoPython(dir), "-m", "moto.server", "-H", "127.0.0.1", "-p", strconv.Itoa(port)}, nil
}

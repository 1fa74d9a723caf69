package terraform

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	registryFolder = "registry.terraform.io"
	providerFolder = "hashicorp/aws"
	// searchDepth is how far below a root registry.terraform.io is looked for.
	searchDepth = 5
)

// searchRoots are the folders in which terraform itself looks for plugins
// (https://developer.hashicorp.com/terraform/cli/config/config-file#implied-local-mirror-directories),
// and those in which people install things.
func searchRoots() []string {
	roots := []string{os.Getenv("TF_PLUGIN_CACHE_DIR")}
	if home, err := os.UserHomeDir(); err == nil {
		roots = append(roots,
			filepath.Join(home, ".terraform.d"),
			filepath.Join(home, ".local/share/terraform"),
			filepath.Join(home, "Library/Application Support/io.terraform"))
	}
	return append(roots, "/usr/local/share/terraform", "/usr/share/terraform", "/opt", "/usr/local", "/usr/lib", "/var/lib", "/srv")
}

// findPlugins returns the folder that holds registry.terraform.io with the AWS
// provider: the given one, else the first found below the roots.
func findPlugins(given string, roots []string) (string, error) {
	if given != "" {
		if holdsProvider(given) {
			return filepath.Abs(given)
		}
		return "", &MissingError{
			Tool: "the AWS provider of terraform", Reason: "no " + registryFolder + "/" + providerFolder + " in " + PluginsEnv + "=" + given,
			Remedy: "point " + PluginsEnv + " at the folder that holds it",
		}
	}
	for _, root := range roots {
		if dir := searchPlugins(root); root != "" && dir != "" {
			return dir, nil
		}
	}
	return "", &MissingError{
		Tool: "the AWS provider of terraform", Reason: "no folder " + registryFolder + "/" + providerFolder + " below " + strings.Join(slices.DeleteFunc(slices.Clone(roots), isEmpty), ", "),
		Remedy: "run 'terraform providers mirror FOLDER' where there is network, and point " + PluginsEnv + " at FOLDER",
	}
}

func isEmpty(s string) bool { return s == "" }

func holdsProvider(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, registryFolder, providerFolder))
	return err == nil && info.IsDir()
}

// searchPlugins returns the first folder below root that holds the provider,
// "" if there is none. What cannot be read is passed over.
func searchPlugins(root string) string {
	found := ""
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if d != nil && d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if !d.IsDir() {
			return nil
		}
		if holdsProvider(path) {
			found = path
			return filepath.SkipAll
		}
		rel, err := filepath.Rel(root, path)
		if err != nil || strings.Count(rel, string(filepath.Separator)) >= searchDepth-1 || d.Name() == "node_modules" {
			return filepath.SkipDir
		}
		return nil
	})
	return found
}

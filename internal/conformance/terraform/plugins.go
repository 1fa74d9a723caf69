package terraform

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// provider is the path of the AWS provider below a folder of plugins.
const provider = "registry.terraform.io/hashicorp/aws"

// MissingError says that a tool is not on this machine, where it was looked for and
// how to get it.
type MissingError struct{ Tool, Reason, Remedy string }

func (e *MissingError) Error() string {
	return fmt.Sprintf("terraform: %s is missing (%s); %s", e.Tool, e.Reason, e.Remedy)
}

// searchRoots are the folders in which terraform itself looks for plugins
// (https://developer.hashicorp.com/terraform/cli/config/config-file#implied-local-mirror-directories),
// and those in which people install things.
func searchRoots() []string {
	roots := []string{"/usr/local/share/terraform", "/usr/share/terraform", "/opt", "/usr/local", "/usr/lib", "/var/lib", "/srv"}
	if home, err := os.UserHomeDir(); err == nil {
		roots = append([]string{home + "/.terraform.d", home + "/.local/share/terraform", home + "/Library/Application Support/io.terraform"}, roots...)
	}
	if cache := os.Getenv("TF_PLUGIN_CACHE_DIR"); cache != "" {
		roots = append([]string{cache}, roots...)
	}
	return roots
}

// findPlugins returns the folder that holds the AWS provider: the given one, else
// the first found up to three folders below a root.
func findPlugins(given string, roots []string) (string, error) {
	below := []string{"", "*", "*/*", "*/*/*"}
	if given != "" {
		roots, below = []string{given}, below[:1]
	}
	for _, root := range roots {
		for _, between := range below {
			// What cannot be read is passed over.
			found, err := filepath.Glob(filepath.Join(root, between, provider))
			if err != nil {
				return "", fmt.Errorf("terraform: %w", err)
			}
			if len(found) > 0 {
				return filepath.Abs(strings.TrimSuffix(found[0], provider))
			}
		}
	}
	return "", &MissingError{
		Tool: "the AWS provider of terraform", Reason: "no folder " + provider + " in or below " + strings.Join(roots, ", "),
		Remedy: "run 'terraform providers mirror FOLDER' where there is network, and point " + PluginsEnv + " at FOLDER",
	}
}

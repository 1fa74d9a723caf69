package engine

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// TestComposeFile holds compose.yaml to the versions that are installed, and its
// instructions to the ports that it publishes.
func TestComposeFile(t *testing.T) {
	text, err := os.ReadFile("../../../compose.yaml")
	require.NoError(t, err)
	var file struct {
		Name     string
		Services map[Name]struct {
			Image   string
			Command []string
			Ports   []string
		}
	}
	dec := yaml.NewDecoder(strings.NewReader(string(text)))
	dec.KnownFields(true)
	require.NoError(t, dec.Decode(&file))

	servers := 0
	for _, name := range Names() {
		if name.Env() == "" {
			continue
		}
		servers++
		service, ok := file.Services[name]
		require.True(t, ok, "compose.yaml has no service %s", name)
		require.True(t, strings.HasSuffix(service.Image, ":"+name.Version()), "%s is pinned to %s, compose.yaml has %s", name, name.Version(), service.Image)
		require.Len(t, service.Ports, 1)
		published := service.Ports[0][:strings.LastIndexByte(service.Ports[0], ':')]
		require.True(t, strings.HasPrefix(published, "127.0.0.1:"), "%s is published to the world: %s", name, published)
		require.Contains(t, string(text), "#   export "+name.Env()+"=http://"+published+"\n")
	}
	require.Len(t, file.Services, servers)
}

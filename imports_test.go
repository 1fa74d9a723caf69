package dynamodboutbox_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/dynamodb-outbox/dynamodb-outbox"

const (
	sdk   = "github.com/aws/aws-sdk-go-v2"
	ulid  = "github.com/oklog/ulid/v2"
	smith = "github.com/aws/smithy-go"
)

// allowed are the imports of each package beside the standard library, test
// files left out. It is the arrows of the design, one line a package.
var allowed = map[string][]string{
	"":                     {},
	"/envelope":            {module + "/internal/decimal", module + "/internal/header", module + "/internal/jsonlex", ulid},
	"/internal/backoff":    {},
	"/internal/buslimits":  {module + "/envelope"},
	"/internal/checkpoint": {module + "/internal/sequence"},
	"/internal/decimal":    {module + "/internal/jsonlex"},
	"/internal/eventitem": {module + "/envelope", module + "/internal/buslimits", module + "/internal/decimal", module + "/internal/header", module + "/internal/itemsize",
		module + "/internal/jsonlex", sdk + "/service/dynamodb/types"},
	"/internal/buslook":      {},
	"/internal/delivery":     {},
	"/internal/eventsv2":     {sdk + "/aws", sdk + "/aws/signer/v4", smith + "/encoding/cbor"},
	"/internal/eventpattern": {},
	"/internal/faketable":    {module + "/internal/itemsize", module + "/outbox/outboxtest", sdk + "/aws", sdk + "/service/dynamodb", sdk + "/service/dynamodb/types", smith},
	"/internal/header":       {},
	"/internal/isnil":        {},
	"/internal/jsonlex":      {},
	"/internal/itemsize":     {module + "/internal/decimal", module + "/internal/jsonlex", sdk + "/service/dynamodb/types"},
	"/internal/mutations":    {},
	"/internal/noanswer":     {sdk + "/aws", smith, smith + "/transport/http"},
	"/internal/operation":    {sdk + "/service/dynamodb/types"},
	"/internal/owntable":     {module + "/internal/isnil", module + "/internal/tablename", sdk + "/service/dynamodb", sdk + "/service/dynamodb/types"},
	"/internal/sequence":     {},
	"/internal/streamgen":    {},
	"/internal/tablename":    {},
	"/internal/streamrecord": {module + "/envelope", module + "/internal/decimal", module + "/internal/header", module + "/internal/jsonlex"},
	"/outbox": {module + "/envelope", module + "/internal/backoff", module + "/internal/buslimits", module + "/internal/decimal", module + "/internal/eventitem", module + "/internal/itemsize",
		module + "/internal/jsonlex", module + "/internal/noanswer", module + "/internal/operation", sdk + "/aws", sdk + "/aws/ratelimit", sdk + "/aws/retry",
		sdk + "/service/dynamodb", sdk + "/service/dynamodb/types", smith, smith + "/transport/http"},
	"/outbox/outboxtest": {module + "/envelope", module + "/internal/decimal", module + "/internal/operation", module + "/internal/streamrecord", module + "/internal/tablename", module + "/outbox", sdk + "/aws",
		sdk + "/feature/dynamodb/attributevalue", sdk + "/service/dynamodb", sdk + "/service/dynamodb/types", smith},
	"/relay": {module + "/envelope", module + "/internal/backoff", module + "/internal/buslimits", module + "/internal/buslook", module + "/internal/delivery",
		module + "/internal/isnil", module + "/internal/jsonlex", module + "/internal/noanswer", module + "/internal/sequence", module + "/internal/streamrecord",
		sdk + "/aws", sdk + "/aws/retry", sdk + "/service/eventbridge", sdk + "/service/eventbridge/types",
		smith + "/middleware", smith + "/transport/http"},
	"/relay/custombus": {module + "/internal/buslimits", module + "/internal/buslook", module + "/internal/isnil", module + "/internal/noanswer", module + "/relay",
		sdk + "/aws", sdk + "/aws/middleware", sdk + "/aws/retry", sdk + "/aws/signer/v4", sdk + "/aws/transport/http",
		smith, smith + "/encoding/cbor", smith + "/middleware", smith + "/transport/http"},
	"/relay/deadletter": {module + "/internal/isnil", module + "/internal/noanswer", module + "/internal/owntable", module + "/internal/sequence", module + "/internal/tablename", module + "/relay",
		sdk + "/aws", sdk + "/feature/dynamodb/attributevalue", sdk + "/service/dynamodb", sdk + "/service/dynamodb/types"},
	"/relay/journal": {module + "/internal/owntable", module + "/relay", sdk + "/aws", sdk + "/service/dynamodb", sdk + "/service/dynamodb/types", ulid},
	"/relay/recovery": {module + "/envelope", module + "/internal/isnil", module + "/internal/jsonlex", module + "/internal/sequence", module + "/internal/tablename", module + "/relay",
		sdk + "/aws", sdk + "/feature/dynamodb/attributevalue", sdk + "/service/dynamodb", sdk + "/service/dynamodb/types",
		sdk + "/service/dynamodbstreams", sdk + "/service/dynamodbstreams/types", smith, smith + "/middleware", smith + "/transport/http"},
	"/relay/relaytest": {module + "/envelope", module + "/internal/backoff", module + "/internal/buslimits", module + "/internal/checkpoint", module + "/internal/decimal",
		module + "/internal/sequence", module + "/relay", sdk + "/aws", sdk + "/service/eventbridge", sdk + "/service/eventbridge/types", smith},
}

func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	require.NoError(t, err)
	seen := map[string]bool{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		require.NoError(t, dec.Decode(&pkg))
		name := strings.TrimPrefix(pkg.ImportPath, module)
		want, known := allowed[name]
		require.True(t, known, "package %s is not in the list of what may import what", pkg.ImportPath)
		seen[name] = true
		for _, path := range pkg.Imports {
			if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") && !slices.Contains(want, path) {
				t.Errorf("%s imports %s, which it may not", pkg.ImportPath, path)
			}
		}
	}
	for name := range allowed {
		require.True(t, seen[name], "package %s%s is listed and does not exist", module, name)
	}
}

// TestRequirements pins the direct requirements of the module.
func TestRequirements(t *testing.T) {
	out, err := exec.Command("go", "mod", "edit", "-json").Output()
	require.NoError(t, err)
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	require.NoError(t, json.Unmarshal(out, &mod))
	var direct []string
	for _, r := range mod.Require {
		if !r.Indirect {
			direct = append(direct, r.Path)
		}
	}
	slices.Sort(direct)
	require.Equal(t, []string{
		sdk, sdk + "/feature/dynamodb/attributevalue", sdk + "/service/dynamodb", sdk + "/service/dynamodbstreams", sdk + "/service/eventbridge",
		smith, ulid, "github.com/stretchr/testify",
	}, direct)
}

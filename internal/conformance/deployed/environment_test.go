package deployed

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// mains are the programs of the functions.
var mains = map[string]string{
	"outbox-user-service": "userservice/lambda/main.go",
	"outbox-relay":        "relay/lambda/main.go",
	"outbox-messaging":    "messaging/lambda/main.go",
}

// notSet are the variables that a program reads and the templates leave out.
var notSet = map[string]string{
	"OUTBOX_REGION":          "for global tables",
	"PARTIAL_BATCH_RESPONSE": "for mappings that ignore the answer",
	"SMTP_ADDR":              "for the mailer smtp, which is for local use",
	"SES_CONFIGURATION_SET":  "for who watches bounces",
}

// environmentIsRead: a variable that is set and not read is a misspelling, and
// so is one that is read and not set.
func environmentIsRead(t *testing.T, d description) {
	t.Helper()
	for function, file := range mains {
		set, read := d.Functions[function].Environment, variables(t, file)
		require.NotEmpty(t, read, file)
		for name := range set {
			require.Contains(t, read, name, "%s is set for %s, and %s does not read it", name, function, file)
		}
		for _, name := range read {
			if notSet[name] == "" {
				require.Contains(t, set, name, "%s reads %s, and it is not set for %s", file, name, function)
			}
		}
	}
}

// variables lists the variables that a program reads by a name in its text.
func variables(t *testing.T, file string) []string {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), filepath.Join(examples, file), nil, 0)
	require.NoError(t, err)
	var names []string
	ast.Inspect(tree, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 1 {
			return true
		}
		fun, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || fun.Sel.Name != "Getenv" && fun.Sel.Name != "LookupEnv" {
			return true
		}
		if text, ok := call.Args[0].(*ast.BasicLit); ok {
			name, err := strconv.Unquote(text.Value)
			require.NoError(t, err)
			names = append(names, name)
		}
		return true
	})
	return names
}

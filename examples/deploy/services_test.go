package deploy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/examples/internal/template"
	"github.com/dynamodb-outbox/dynamodb-outbox/examples/messaging"
	"github.com/dynamodb-outbox/dynamodb-outbox/examples/userservice"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/deadletter"
)

// mains are the programs of the functions.
var mains = map[string]string{
	"outbox-user-service": "../userservice/lambda/main.go",
	"outbox-relay":        "../relay/lambda/main.go",
	"outbox-messaging":    "../messaging/lambda/main.go",
}

// notSet are the variables that a program reads and the templates leave out.
var notSet = map[string]string{
	"OUTBOX_REGION":          "for global tables",
	"PARTIAL_BATCH_RESPONSE": "for mappings that ignore the answer",
	"SMTP_ADDR":              "for the mailer smtp, which is for local use",
	"SES_CONFIGURATION_SET":  "for who watches bounces",
}

// TestEnvironmentIsWhatTheProgramsRead: a variable that is set and not read is
// a misspelling, and so is one that is read and not set.
func TestEnvironmentIsWhatTheProgramsRead(t *testing.T) {
	each(t, func(t *testing.T, d *template.Deployment) {
		for function, file := range mains {
			f := d.Function(function)
			require.NotNil(t, f, function)
			read := environment(t, file)
			require.NotEmpty(t, read, file)
			for name := range f.Environment {
				require.Contains(t, read, name, "%s is set for %s, and %s does not read it", name, function, file)
			}
			for _, name := range read {
				if notSet[name] == "" {
					require.Contains(t, f.Environment, name, "%s reads %s, and it is not set for %s", file, name, function)
				}
			}
		}
	})
}

// environment lists the variables that a program reads by a name in its text.
func environment(t *testing.T, file string) []string {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
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

// permission is what IAM asks for, for each operation that a service calls. A
// transaction needs the permissions of the actions in it, and those of the
// services are all Puts.
var permission = map[string]string{
	"GetItem": "dynamodb:GetItem", "PutItem": "dynamodb:PutItem", "TransactWriteItems": "dynamodb:PutItem",
}

// TestPermissionsAreWhatTheServicesCall compares the interfaces by which the
// services know DynamoDB with what the templates grant on tables.
func TestPermissionsAreWhatTheServicesCall(t *testing.T) {
	clients := map[string]reflect.Type{
		"outbox-user-service": reflect.TypeFor[userservice.DynamoDBAPIClient](),
		"outbox-relay":        reflect.TypeFor[deadletter.PutItemAPIClient](),
		"outbox-messaging":    reflect.TypeFor[messaging.DynamoDBAPIClient](),
	}
	each(t, func(t *testing.T, d *template.Deployment) {
		for function, client := range clients {
			var needed []string
			for i := range client.NumMethod() {
				action := permission[client.Method(i).Name]
				require.NotEmpty(t, action, "%s calls %s", function, client.Method(i).Name)
				if !slices.Contains(needed, action) {
					needed = append(needed, action)
				}
			}
			var got []string
			for _, g := range granted(t, d, *d.Function(function)) {
				action, on, _ := strings.Cut(g, " ")
				if strings.HasPrefix(on, "table ") && !slices.Contains(got, action) {
					got = append(got, action)
				}
			}
			require.ElementsMatch(t, needed, got, function)
		}
	})
}

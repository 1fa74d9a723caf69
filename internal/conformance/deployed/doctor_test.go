package deployed

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/command"
)

// finding is what the doctor says of one thing.
type finding struct {
	Severity, Check, Subject, Found string
}

// look returns what the doctor finds that is not as it should be, and its exit
// code.
func (d *deployment) look(t *testing.T) (found []finding, code int) {
	t.Helper()
	result := command.Run(t, command.Environment(d.engine, nil), "doctor", "--name", stack, "--json")
	var report struct{ Findings []finding }
	require.NoError(t, json.Unmarshal([]byte(result.Stdout), &report), "%v", result)
	for _, f := range report.Findings {
		if f.Severity != "ok" {
			found = append(found, f)
		}
	}
	return found, result.Code
}

// healthy asks that nothing is found, but for the checks that are expected.
func (d *deployment) healthy(t *testing.T, expected ...string) {
	t.Helper()
	found, code := d.look(t)
	var checks []string
	for _, f := range found {
		checks = append(checks, f.Check)
	}
	require.ElementsMatch(t, expected, checks, "%v", found)
	require.Zero(t, code)
}

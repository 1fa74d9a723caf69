package deployed

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// finding is what the doctor says of one thing.
type finding struct {
	Severity, Check, Subject, Found string
}

// doctor is the command that looks at a deployment.
type doctor struct {
	d       *deployment
	program string
}

func newDoctor(t *testing.T, d *deployment) doctor {
	t.Helper()
	return doctor{d: d, program: program(t, "./doctor")}
}

// look returns what it finds that is not as it should be, and its exit code.
func (dr doctor) look(t *testing.T) (found []finding, code int) {
	t.Helper()
	out, code := run(t.Context(), t, examples, environment(dr.d.engine), dr.program, "-name", stack, "-json")
	var report struct{ Findings []finding }
	require.NoError(t, json.Unmarshal([]byte(out), &report), out)
	for _, f := range report.Findings {
		if f.Severity != "ok" {
			found = append(found, f)
		}
	}
	return found, code
}

// healthy asks that nothing is found, but for the checks that are expected.
func (dr doctor) healthy(t *testing.T, expected ...string) {
	t.Helper()
	found, code := dr.look(t)
	var checks []string
	for _, f := range found {
		checks = append(checks, f.Check)
	}
	require.ElementsMatch(t, expected, checks, "%v", found)
	require.Zero(t, code)
}

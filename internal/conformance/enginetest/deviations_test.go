package enginetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
)

// A new version of an engine is looked at before its list is.
func TestDeviationsAreOfThePinnedVersions(t *testing.T) {
	for _, name := range []engine.Name{engine.Dynoxide, engine.MiniStack, engine.DynamoDBLocal} {
		require.NotEmpty(t, deviations[name].tests, name)
		require.Equal(t, name.Version(), deviations[name].version, "%s: do its deviations hold in this version?", name)
	}
}

func TestDeviation(t *testing.T) {
	e := &engine.Engine{Name: "fake"}
	deviations["fake"] = list{tests: map[string]string{
		"TestDeviation/row*":            "takes it",
		"TestDeviation/nested/*":        "refuses it",
		"TestDeviation/no_such_row":     "is not there",
		"TestOfAnotherPackage/anything": "is not there",
	}}
	t.Cleanup(func() {
		delete(deviations, "fake")
		delete(asked.tests, "fake")
		delete(asked.patterns, "fake")
	})
	t.Run("fake", func(t *testing.T) {
		for name, want := range map[string]string{"row 1": "takes it", "row 2": "takes it", "another row": ""} {
			t.Run(name, func(t *testing.T) { require.Equal(t, want, Deviation(t, e)) })
		}
		t.Run("nested", func(t *testing.T) {
			t.Run("row", func(t *testing.T) { require.Equal(t, "refuses it", Deviation(t, e)) })
		})
	})
	require.Equal(t, []string{"fake: TestDeviation/no_such_row"}, unasked())
}

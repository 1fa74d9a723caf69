package deployed

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// stalledMath is what is in the one alarm with metric math, which is the only one
// that sees a relay that does not run. MiniStack keeps nothing of it, so it is
// compared in what the tools say of the templates.
type stalledMath struct {
	Expression string
	Metrics    map[string]stalledMetric
}

type stalledMetric struct {
	Namespace, Name, Stat string
	Period                float64
}

func (s *stalledMath) add(id, namespace, name, stat string, period float64) {
	if s.Metrics == nil {
		s.Metrics = map[string]stalledMetric{}
	}
	s.Metrics[id] = stalledMetric{namespace, name, stat, period}
}

func (s *stalledMath) check(t *testing.T) {
	t.Helper()
	require.Equal(t, stalledMath{
		Expression: "IF(FILL(written,0) > 0 AND FILL(invocations,0) == 0, 1, 0)",
		Metrics: map[string]stalledMetric{
			"written":     {"AWS/DynamoDB", "ConsumedWriteCapacityUnits", "Sum", 300},
			"invocations": {"AWS/Lambda", "Invocations", "Sum", 300},
		},
	}, *s)
	require.Len(t, s.Metrics, stalledMetrics)
}

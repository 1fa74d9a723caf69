package template

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSameDeployment(t *testing.T) {
	sam, err := LoadSAM("../../deploy/sam/template.yaml", ExampleValues())
	require.NoError(t, err)
	tf, err := LoadTerraform("../../deploy/terraform", ExampleValues())
	require.NoError(t, err)
	a, err := sam.Deployment()
	require.NoError(t, err)
	b, err := tf.Deployment()
	require.NoError(t, err)
	require.Equal(t, a, b)
}

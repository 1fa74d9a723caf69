package deployed

import (
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/stretchr/testify/require"
)

// role is the name of a function's role.
func (d *deployment) role(t *testing.T, function string) *string {
	t.Helper()
	f, err := d.functions.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: &function})
	require.NoError(t, err)
	return aws.String(path.Base(*f.Role))
}

// changePolicy changes a word in the one policy of a function's role, and returns
// what puts it back.
func (d *deployment) changePolicy(t *testing.T, function, before, after string) (restore func()) {
	t.Helper()
	role := d.role(t, function)
	list, err := d.roles.ListRolePolicies(t.Context(), &iam.ListRolePoliciesInput{RoleName: role})
	require.NoError(t, err)
	require.Len(t, list.PolicyNames, 1)
	policy, err := d.roles.GetRolePolicy(t.Context(), &iam.GetRolePolicyInput{RoleName: role, PolicyName: &list.PolicyNames[0]})
	require.NoError(t, err)
	document, err := url.PathUnescape(*policy.PolicyDocument)
	require.NoError(t, err)
	require.Contains(t, document, before)
	put := func(document string) {
		t.Helper()
		_, err := d.roles.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: role, PolicyName: &list.PolicyNames[0], PolicyDocument: &document})
		require.NoError(t, err)
	}
	put(strings.Replace(document, before, after, 1))
	return func() { t.Helper(); put(document) }
}

// allowMail lets the messaging service send e-mail as anybody. MiniStack asks for
// that, for it takes the resource of SendEmail to be *.
func (d *deployment) allowMail(t *testing.T) {
	t.Helper()
	_, err := d.roles.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{
		RoleName: d.role(t, messagingFunction), PolicyName: aws.String("mail"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ses:SendEmail","Resource":"*"}]}`),
	})
	require.NoError(t, err)
}

package deployed

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// setEnvironment changes variables of a function, and returns what puts them
// back.
func (d *deployment) setEnvironment(t *testing.T, function string, changed map[string]string) (restore func()) {
	t.Helper()
	f, err := d.functions.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: &function})
	require.NoError(t, err)
	before := f.Environment.Variables
	set := func(variables map[string]string) {
		t.Helper()
		_, err := d.functions.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
			FunctionName: &function, Environment: &types.Environment{Variables: variables},
		})
		require.NoError(t, err)
		d.updated(t, function)
	}
	after := maps.Clone(before)
	maps.Copy(after, changed)
	set(after)
	return func() { t.Helper(); set(before) }
}

// updated waits until an update of a function is in force.
func (d *deployment) updated(t *testing.T, function string) {
	t.Helper()
	until(t, "update of "+function, func() string {
		f, err := d.functions.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: &function})
		if err != nil {
			return err.Error()
		}
		if f.LastUpdateStatus != types.LastUpdateStatusSuccessful {
			return string(f.LastUpdateStatus)
		}
		return ""
	})
}

// updateCode gives the relay the same program in another zip file, as a
// deployment does.
func (d *deployment) updateCode(t *testing.T) {
	code := repacked(t, filepath.Join(d.dist, "relay.zip"))
	before, err := d.functions.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(relayFunction)})
	if !assert.NoError(t, err) {
		return
	}
	after, err := d.functions.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String(relayFunction), ZipFile: code})
	if assert.NoError(t, err) {
		assert.NotEqual(t, before.CodeSha256, after.CodeSha256)
	}
}

// repacked returns a zip file with the same files and a comment.
func repacked(t *testing.T, file string) []byte {
	from, err := zip.OpenReader(file)
	if !assert.NoError(t, err) {
		return nil
	}
	defer from.Close()
	var b bytes.Buffer
	to := zip.NewWriter(&b)
	assert.NoError(t, to.SetComment("the next version"))
	for _, f := range from.File {
		assert.NoError(t, to.Copy(f))
	}
	assert.NoError(t, to.Close())
	return b.Bytes()
}

// setMapping changes the event source mapping of a function.
func (d *deployment) setMapping(t *testing.T, function string, change func(*lambda.UpdateEventSourceMappingInput)) {
	t.Helper()
	in := &lambda.UpdateEventSourceMappingInput{UUID: d.mapping(t, function)}
	change(in)
	_, err := d.functions.UpdateEventSourceMapping(t.Context(), in)
	require.NoError(t, err)
}

// logged returns the lines that a function has written since then.
func (d *deployment) logged(t *testing.T, function string, since time.Time) []string {
	t.Helper()
	var lines []string
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(d.logs, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: aws.String("/aws/lambda/" + function), StartTime: aws.Int64(since.UnixMilli()),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, e := range page.Events {
			lines = append(lines, aws.ToString(e.Message))
		}
	}
	return lines
}

// metric is the sum of a metric that the relay has emitted since then, in the
// embedded metric format and the namespace that the alarms look at.
func (d *deployment) metric(t *testing.T, name string, since time.Time) float64 {
	t.Helper()
	sum := 0.0
	for _, line := range d.logged(t, relayFunction, since) {
		if !strings.Contains(line, `"Namespace":"`+stack+`/Relay"`) {
			continue
		}
		var values map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &values))
		value, ok := values[name].(float64)
		require.True(t, ok, "no %s in %s", name, line)
		sum += value
	}
	return sum
}

package engine

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRepairEmptyMaps(t *testing.T) {
	const record = `{"eventID":"1","dynamodb":{"ApproximateCreationDateTime":1795533240.000,"Keys":{"pk":{"S":"a"}},`
	for _, tt := range []struct{ name, in, want string }{
		{"no records", `{"Records":[],"NextShardIterator":"x"}`, `{"Records":[],"NextShardIterator":"x"}`},
		{"attribute", `"NewImage":{"m":{}}`, `"NewImage":{"m":{"M":{}}}`},
		{"old image", `"OldImage":{"m":{}}`, `"OldImage":{"m":{"M":{}}}`},
		{"in a map", `"NewImage":{"m":{"M":{"q":{}}}}`, `"NewImage":{"m":{"M":{"q":{"M":{}}}}}`},
		{"in a list", `"NewImage":{"l":{"L":[{"N":"38"},{},{"L":[{}]}]}}`, `"NewImage":{"l":{"L":[{"N":"38"},{"M":{}},{"L":[{"M":{}}]}]}}`},
		{"an empty map written in full", `"NewImage":{"m":{"M":{}}}`, `"NewImage":{"m":{"M":{}}}`},
		{"other types", `"NewImage":{"s":{"S":""},"l":{"L":[]},"b":{"BOOL":false}}`, `"NewImage":{"s":{"S":""},"l":{"L":[]},"b":{"BOOL":false}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in, want := tt.in, tt.want
			if in[0] == '"' {
				in, want = `{"Records":[`+record+in+`}}]}`, `{"Records":[`+record+want+`}}]}`
			}
			got, err := repairEmptyMaps([]byte(in))
			require.NoError(t, err)
			require.JSONEq(t, want, string(got))
		})
	}
	_, err := repairEmptyMaps([]byte("<html>"))
	require.Error(t, err)
}

package transcode

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
)

// sdkDetail returns the JSON value that the event of an item is, by the SDK's own
// reading of attribute values. A payload that is a string is JSON text.
func sdkDetail(t *testing.T, item map[string]types.AttributeValue) map[string]any {
	t.Helper()
	var v struct {
		Event map[string]any `dynamodbav:"event"`
	}
	require.NoError(t, attributevalue.UnmarshalMapWithOptions(item, &v, func(o *attributevalue.DecoderOptions) { o.UseNumber = true }))
	if text, ok := v.Event["payload"].(string); ok {
		v.Event["payload"] = parsed(t, []byte(text))
	}
	return canonical(v.Event).(map[string]any)
}

// parsed returns the value of a JSON text.
func parsed(t *testing.T, text []byte) (v any) {
	t.Helper()
	require.True(t, json.Valid(text), "%s", text)
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	require.NoError(t, dec.Decode(&v), "%s", text)
	return canonical(v)
}

// canonical brings what encoding/json and attributevalue decode into one form.
// Numbers count by their value, for DynamoDB does not keep their digits.
func canonical(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, e := range v {
			m[k] = canonical(e)
		}
		return m
	case attributevalue.Number:
		return canonical(json.Number(v))
	case json.Number:
		x, ok := new(big.Rat).SetString(string(v))
		if !ok {
			panic("transcode: no number: " + string(v))
		}
		return json.Number(x.RatString())
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	case nil, string, bool:
		return v
	}
	r := reflect.ValueOf(v) // of a list or a set
	s := make([]any, r.Len())
	for i := range s {
		s[i] = canonical(r.Index(i).Interface())
	}
	return s
}

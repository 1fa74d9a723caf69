package transcode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"reflect"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
)

// Detail returns the JSON value that the event in image is, by the SDK's own
// reading of attribute values: maps, slices, strings, bools, nil and
// json.Number. A payload that is a string is JSON text.
func Detail(image map[string]events.DynamoDBAttributeValue) (map[string]any, error) {
	values, err := ToSDK(image)
	if err != nil {
		return nil, err
	}
	var item struct {
		Event map[string]any `dynamodbav:"event"`
	}
	if err := attributevalue.UnmarshalMapWithOptions(values, &item, func(o *attributevalue.DecoderOptions) { o.UseNumber = true }); err != nil {
		return nil, err
	}
	if text, ok := item.Event["payload"].(string); ok {
		payload, err := Parse([]byte(text))
		if err != nil {
			return nil, err
		}
		item.Event["payload"] = payload
	}
	detail, ok := generic(item.Event).(map[string]any)
	if !ok {
		return nil, errors.New("transcode: the event is not a map")
	}
	return detail, nil
}

// generic turns what attributevalue decodes into what encoding/json decodes.
func generic(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, e := range v {
			m[k] = generic(e)
		}
		return m
	case attributevalue.Number:
		return json.Number(v)
	case []byte:
		text, _ := json.Marshal(v)
		var s string
		_ = json.Unmarshal(text, &s)
		return s
	case nil, string, bool, json.Number:
		return v
	}
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Slice {
		panic(fmt.Sprintf("transcode: attributevalue decoded a %T", v))
	}
	s := make([]any, r.Len())
	for i := range s {
		s[i] = generic(r.Index(i).Interface())
	}
	return s
}

// Parse decodes JSON text, numbers as json.Number.
func Parse(text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("transcode: more than one JSON value")
	}
	return v, nil
}

// Equal reports whether got is want, and if not, where it differs. A number
// must be the same digit for digit if want is a JSON number; else, for
// DynamoDB takes forms that JSON does not, it must be the same number.
func Equal(want, got any, at string) error {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok || len(g) != len(w) {
			return fmt.Errorf("%s: %v, want %v", at, got, want)
		}
		for k := range w {
			if _, ok := g[k]; !ok {
				return fmt.Errorf("%s: no %q", at, k)
			}
			if err := Equal(w[k], g[k], at+"."+k); err != nil {
				return err
			}
		}
		return nil
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return fmt.Errorf("%s: %v, want %v", at, got, want)
		}
		for i := range w {
			if err := Equal(w[i], g[i], fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
		return nil
	case json.Number:
		g, ok := got.(json.Number)
		if ok && w != g && !json.Valid([]byte(w)) {
			x, okw := new(big.Rat).SetString(string(w))
			y, okg := new(big.Rat).SetString(string(g))
			if okw && okg && x.Cmp(y) == 0 {
				return nil
			}
		}
	}
	if want != got {
		return fmt.Errorf("%s: %#v, want %#v", at, got, want)
	}
	return nil
}

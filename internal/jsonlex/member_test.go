package jsonlex_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

func TestMembers(t *testing.T) {
	for text, want := range map[string][]string{
		`{}`:                                  nil,
		` {"a":1}`:                            nil, // does not begin at p
		`{"a":1}`:                             {"a=1"},
		`{ "a" : [1,{"b":2}] , "\u0061":"}"}`: {`a=[1,{"b":2}]`, `a="}"`},
		`{"a":1,`:                             {"a=1"},
		`{"a":1 2}`:                           {"a=1"},
		`{"a"1}`:                              nil,
		`{"a":`:                               nil,
		`{"a":{"b":1`:                         nil,
		`{"a`:                                 nil,
		`{a:1}`:                               nil,
		`{"a\q":1,"\ud800":2,"b":3}`:          {"=1", "=2", "b=3"}, // no text
		`[1]`:                                 nil,
		``:                                    nil,
	} {
		var got []string
		src := []byte(text)
		for m := range jsonlex.Members(src, 0) {
			got = append(got, m.Name(src)+"="+string(src[m.Value:m.End]))
		}
		require.Equal(t, want, got, text)
	}
}

func TestElements(t *testing.T) {
	for text, want := range map[string][]string{
		`[]`:               nil,
		`[1]`:              {"1"},
		`[ 1 , {"a":[]} ]`: {"1", `{"a":[]}`},
		`[1,`:              {"1"},
		`[1 2]`:            {"1"},
		`{}`:               nil,
		``:                 nil,
	} {
		var got []string
		for from, to := range jsonlex.Elements([]byte(text), 0) {
			got = append(got, text[from:to])
		}
		require.Equal(t, want, got, text)
	}
}

func TestFind(t *testing.T) {
	src := []byte(`{"a":{"x":1,"b":{"c":"d"}},"b":2}`)
	require.Equal(t, `"d"`, string(jsonlex.Find(src, 0, "a", "b", "c")))
	require.Equal(t, 3, cap(jsonlex.Find(src, 0, "a", "b", "c")), "an append must not write into the text")
	require.Equal(t, `2`, string(jsonlex.Find(src, 0, "b")))
	require.Nil(t, jsonlex.Find(src, 0, "b", "c"))
	require.Nil(t, jsonlex.Find(src, 0, "c"))
	require.Nil(t, jsonlex.Find(src, 0))
}

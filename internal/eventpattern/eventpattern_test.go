package eventpattern

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMatch(t *testing.T) {
	const event = `{"source":"userService","n":5,"yes":true,"nothing":null,"tags":["a","b"],"none":[],"detail":{"payload":{"name":"Ada"},"list":[{"x":1}]}}`
	for _, tt := range []struct {
		name, pattern string
		want          bool
	}{
		{"equal text", `{"source":["userService"]}`, true},
		{"other text", `{"source":["userservice"]}`, false},
		{"one of a list", `{"source":["x","userService"]}`, true},
		{"every field", `{"source":["userService"],"n":[6]}`, false},
		{"number", `{"n":[5]}`, true},
		{"text of a number", `{"n":["5"]}`, false},
		{"bool", `{"yes":[true]}`, true},
		{"null", `{"nothing":[null]}`, true},
		{"null of an absent member", `{"absent":[null]}`, false},
		{"an element of a list", `{"tags":["b"]}`, true},
		{"no element of a list", `{"tags":["c"]}`, false},
		{"nested", `{"detail":{"payload":{"name":["Ada"]}}}`, true},
		{"nested in what is no object", `{"source":{"x":["y"]}}`, false},
		{"nested absent, wanted absent", `{"gone":{"x":[{"exists":false}]}}`, true},
		{"exists", `{"source":[{"exists":true}]}`, true},
		{"exists, absent", `{"absent":[{"exists":true}]}`, false},
		{"exists of an object", `{"detail":[{"exists":true}]}`, false},
		{"exists not", `{"absent":[{"exists":false}]}`, true},
		{"exists not, there", `{"source":[{"exists":false}]}`, false},
		{"prefix", `{"source":[{"prefix":"user"}]}`, true},
		{"empty prefix", `{"source":[{"prefix":""}]}`, true},
		{"prefix of a number", `{"n":[{"prefix":""}]}`, false},
		{"suffix", `{"source":[{"suffix":"Service"}]}`, true},
		{"ignore case", `{"source":[{"equals-ignore-case":"USERSERVICE"}]}`, true},
		{"anything but", `{"source":[{"anything-but":["x"]}]}`, true},
		{"anything but this", `{"source":[{"anything-but":"userService"}]}`, false},
		{"exists of an empty list", `{"none":[{"exists":true}]}`, false},
		{"elements that are objects", `{"detail":{"list":["x"]}}`, false},
		{"anything but, absent", `{"absent":[{"anything-but":"x"}]}`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse(tt.pattern)
			require.NoError(t, err)
			got, err := p.Match([]byte(event))
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestPatternsThatAreNotGuessed(t *testing.T) {
	for _, tt := range []struct{ name, pattern, message string }{
		{"not JSON", `{`, "unexpected end"},
		{"empty", `{}`, "empty object"},
		{"empty below", `{"a":{}}`, "a: an empty object"},
		{"list in a list", `{"a":[["b"]]}`, "list in a list"},
		{"value outside a list", `{"source":"x"}`, "must stand in a list"},
		{"empty list", `{"source":[]}`, "empty list"},
		{"numeric", `{"n":[{"numeric":[">",1]}]}`, `"numeric" is not evaluated`},
		{"or", `{"$or":[{"a":["b"]}]}`, "$or is not evaluated"},
		{"two operators", `{"n":[{"prefix":"a","suffix":"b"}]}`, "one operator"},
		{"exists of a text", `{"n":[{"exists":"true"}]}`, "true or false"},
		{"anything but an operator", `{"n":[{"anything-but":{"prefix":"a"}}]}`, "is not evaluated"},
		{"deep", `{"a":{"b":{"c":[{"cidr":"10.0.0.0/8"}]}}}`, "a: b: c: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(tt.pattern)
			require.ErrorContains(t, err, tt.message)
		})
	}
	p, err := Parse(`{"a":["b"]}`)
	require.NoError(t, err)
	_, err = p.Match([]byte("no JSON"))
	require.Error(t, err)
}

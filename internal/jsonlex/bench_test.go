package jsonlex_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// BenchmarkValue reads the same document with this package and with json.Valid.
func BenchmarkValue(b *testing.B) {
	line := `{"sku":"sku-000123","qty":3,"price":12.5,"note":"fragile, this side up","gift":false,"tags":["a","bb","ccc"]},`
	text := `{"lines":[` + strings.Repeat(line, 20) + `null]}`
	data := []byte(text)
	b.Run("bytes", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if _, bad := jsonlex.Value(data, 0, maxDepth); bad != jsonlex.None {
				b.Fatal(bad)
			}
		}
	})
	b.Run("string", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if _, bad := jsonlex.Value(text, 0, maxDepth); bad != jsonlex.None {
				b.Fatal(bad)
			}
		}
	})
	b.Run("json.Valid", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if !json.Valid(data) {
				b.Fatal("not valid")
			}
		}
	})
}

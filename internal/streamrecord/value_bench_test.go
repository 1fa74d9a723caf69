package streamrecord

import (
	"encoding/json"
	"testing"
)

func BenchmarkValue(b *testing.B) {
	src := []byte(benchValue)
	dst := make([]byte, len(src)+16)
	var open nesting
	b.Run("ours", func(b *testing.B) {
		b.SetBytes(int64(len(src)))
		for b.Loop() {
			_, _, bad := open.copyValue(dst, src, 0, 0, 0)
			if bad != none {
				b.Fatal(bad)
			}
		}
	})
	b.Run("valid", func(b *testing.B) {
		b.SetBytes(int64(len(src)))
		for b.Loop() {
			if !json.Valid(src) {
				b.Fatal()
			}
		}
	})
	b.Run("skip", func(b *testing.B) {
		b.SetBytes(int64(len(src)))
		for b.Loop() {
			if skip(src, 0) != len(src) {
				b.Fatal()
			}
		}
	})
}

var benchValue = func() string {
	s := `{"M":{"customer":{"M":{"name":{"S":"John Smith"},"email":{"S":"john.smith@example.com"},"vip":{"BOOL":true},"note":{"NULL":true}}},"orderId":{"S":"01HZX3J5K7M9P1Q3R5T7V9W1X3"},"lines":{"L":[`
	for i := range 20 {
		if i > 0 {
			s += ","
		}
		s += `{"M":{"sku":{"S":"SKU-0012345"},"quantity":{"N":"3"},"price":{"N":"19.99"},"title":{"S":"A \"quoted\" title of a product in the catalogue"}}}`
	}
	return s + `]},"total":{"N":"1234567"}}}`
}()

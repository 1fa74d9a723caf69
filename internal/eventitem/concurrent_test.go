package eventitem_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
)

// Items made at the same time, some of them refused halfway, must not see
// anything of each other.
func TestEncodeConcurrently(t *testing.T) {
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			name := fmt.Sprintf("goroutine-%d", g)
			payload := `{"name":"` + name + `","e":"\u0041` + name + `","n":[1.50,` + strings.Repeat("1,", g) + `2]}`
			broken := `{"a":[{"b":"` + name + `"},{"c":1,"c":2}]}`
			for range 200 {
				_, err := eventitem.Encode(newEvent(broken), envelope.Layout{}, eventitem.Map, 0)
				if err == nil || err.Error() != "payload.a[1].c: the key occurs twice in its object" {
					t.Errorf("%s: %v", name, err)
				}
				it, err := eventitem.Encode(newEvent(payload), envelope.Layout{}, eventitem.Map, 0)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				if got := slowJSON(t, member(member(it.Attrs["event"], "payload"), "e")); got != `"A`+name+`"` {
					t.Errorf("%s: got %s", name, got)
				}
			}
		})
	}
	wg.Wait()
	require.False(t, t.Failed())
}

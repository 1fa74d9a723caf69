package deployed

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// story is what happens to a deployment. Each step ends when the ledger is even.
func story(t *testing.T, d *deployment) {
	l := newLedger(t, d)
	l.signUp(200, func(i int) string { return fmt.Sprintf("user-%d@example.com", i%180) })
	require.Len(t, l.signedUp, 180)
	require.Equal(t, 20, l.refused)
	l.settle("200 sign-ups, 20 of them refused")
}

// signUp posts n users to the HTTP API, eight at a time. One of those who give
// the same address gets it, and the others a 409.
func (l *ledger) signUp(n int, address func(i int) string) {
	l.t.Helper()
	var (
		mu   sync.Mutex // guards l and odd
		odd  []string
		wg   sync.WaitGroup
		next = make(chan int)
	)
	for range 8 {
		wg.Go(func() {
			for i := range next {
				status, event, body := l.d.post(l.t, address(i))
				mu.Lock()
				switch status {
				case http.StatusCreated:
					l.signedUp[event] = true
				case http.StatusConflict:
					l.refused++
				default:
					odd = append(odd, fmt.Sprintf("%d %s", status, body))
				}
				mu.Unlock()
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	require.Empty(l.t, odd)
}

package deployed

import (
	"fmt"
	"maps"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// story is what happens to a deployment. Each step ends when the ledger is even.
func story(t *testing.T, d *deployment) {
	l := newLedger(t, d)
	l.asInTheReadme()
	l.signUp(200, func(i int) string { return fmt.Sprintf("user-%d@example.com", i%180) })
	require.Len(t, l.signedUp, 1+180)
	require.Equal(t, 20, l.refused)
	l.settle("200 sign-ups, 20 of them refused")
	l.held("the relay without its bus", func() func() {
		return d.setEnvironment(t, relayFunction, map[string]string{"EVENT_BUS_NAME": stack + "-absent"})
	})
	l.held("the relay without its permission", func() func() {
		return d.changePolicy(t, relayFunction, `"events:PutEvents"`, `"events:ListRules"`)
	})
	l.ignoredAnswer()
	l.stranger()
	l.failingConsumer(program(t, "./requeue"))
	l.disabledMapping()
	l.updateInTheMiddle()
}

// signUpMore posts n users whose addresses nobody has, and returns their events.
func (l *ledger) signUpMore(n int) (events []string) {
	l.t.Helper()
	before := maps.Clone(l.signedUp)
	l.signUp(n, func(i int) string { return fmt.Sprintf("more-%d-%d@example.com", len(before), i) })
	for id := range l.signedUp {
		if !before[id] {
			events = append(events, id)
		}
	}
	require.Len(l.t, events, n)
	return events
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

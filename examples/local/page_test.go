package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
)

func TestMain(m *testing.M) {
	code := enginetest.Main(m)
	if dir, err := binaryFolder(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

var binaryFolder = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "outbox-local-test-") })

// built are the functions' binaries, built once for all tests.
var built = sync.OnceValues(func() (binaries, error) {
	dir, err := binaryFolder()
	if err != nil {
		return binaries{}, err
	}
	return buildBinaries(context.Background(), dir)
})

// needEngines skips the test loudly if an engine is missing, or fails it where
// engines are required.
func needEngines(t *testing.T, dynamo engine.Name) {
	t.Helper()
	for _, name := range []engine.Name{dynamo, engine.Moto} {
		if name.External() == "" {
			if _, err := engine.Find(name); err != nil {
				enginetest.Missing(t, err.Error())
			}
		}
	}
}

// play starts everything on an engine and returns the page's URL, too.
func play(t *testing.T, o options) (s *stage, url string) {
	t.Helper()
	if o.out == nil {
		o.out = t.Output()
	}
	s, err := openStage(t.Context(), o)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.perform(ctx, listener, flags{}) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
		s.close()
	})
	return s, "http://" + listener.Addr().String()
}

func readLedger(t *testing.T, url string) (l ledger) {
	t.Helper()
	resp, err := http.Get(url + "/local/ledger")
	require.NoError(t, err)
	defer resp.Body.Close()
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&l))
	return l
}

// atRest is how long the books may take until nothing is on its way any more: a
// message that fails needs five times the queue's visibility timeout.
const atRest = time.Minute

// balancedAt is true when the page's books balance with so many events committed
// and nothing is on its way any more.
func balancedAt(committed int) string {
	return fmt.Sprintf("document.body.dataset.books === 'balanced' && document.querySelector('[data-sum=committed]').textContent === '%d'", committed)
}

// TestPage presses every button, as a person does, and watches the books come
// back to balance each time.
func TestPage(t *testing.T) {
	for _, dynamo := range engine.DynamoDBNames() {
		t.Run(string(dynamo), func(t *testing.T) {
			t.Parallel()
			needEngines(t, dynamo)
			enginetest.LambdaRIE(t)
			b := startBrowser(t)
			functions, err := built()
			require.NoError(t, err)
			_, url := play(t, options{dynamoDB: dynamo, binaries: &functions})
			p := b.open(t, url)
			p.wait(t, atRest, `document.querySelector('#engines').textContent.includes('moto')`)
			require.Contains(t, p.eval(t, "document.querySelector('#parts').textContent"), "runtime interface emulator")
			require.Equal(t, "0", p.eval(t, "document.querySelector('[data-sum=committed]').textContent"))
			p.eval(t, `window.tokens = 0; new MutationObserver((all) => all.forEach((m) => m.addedNodes.forEach((n) => {
				if (n.classList?.contains('token')) window.tokens++;
			}))).observe(document.querySelector('#picture'), { subtree: true, childList: true })`)

			t.Log("sign up by keyboard, and follow the event")
			email := strings.ToLower("ada." + string(dynamo) + "@example.com")
			p.eval(t, "document.querySelector('[name=email]').focus()")
			p.typeText(t, "[name=email]", email)
			p.press(t, "Enter", "\r", 13)
			p.wait(t, atRest, `document.querySelector('#answer.good').textContent.startsWith('201')`)
			p.wait(t, atRest, `document.querySelectorAll('#steps .done').length === 1`)
			p.wait(t, atRest, fmt.Sprintf(`['#item', '#detail', '#message'].every((s) => document.querySelector(s).textContent.includes(%q))`, email))
			require.Contains(t, p.eval(t, "document.querySelector('#item').textContent"), `"pk": `)
			require.Contains(t, p.eval(t, "document.querySelector('#message').textContent"), `"detail-type": "User.Created"`)
			committed := 2 // User.Created, and Email.Sent that follows from it
			p.wait(t, atRest, balancedAt(committed))

			t.Log("the same address again")
			p.click(t, "#sign-up [type=submit]")
			p.wait(t, atRest, `document.querySelector('#answer.bad').textContent.startsWith('409')`)
			require.Equal(t, committed, readLedger(t, url).Committed, "no event of a refused sign-up")

			for _, f := range []struct {
				name    fault
				toggles bool   // else it happens once
				events  int    // beside those of the people who sign up
				seen    string // JavaScript that shows its effect
			}{
				{refuse, true, 0, `document.querySelector('#notes').textContent.includes('sends only these again')`},
				{killRelay, false, 0, `document.querySelector('#notes').textContent.includes('The relay was killed')`},
				{twice, true, 0, `document.querySelector('#notes').textContent.includes('Answers get lost') && document.querySelector('#notes').textContent.includes('will deliver them again')`},
				{crash, false, 0, `document.querySelector('#notes').textContent.includes('messaging service died')`},
				{poison, false, 2, `document.querySelector('[data-sum=deadLettered]').textContent === '1'`},
				{busDown, true, 0, `+document.querySelector('[data-sum=waiting]').textContent >= 12 && document.querySelector('[data-station=bus].broken')`},
			} {
				t.Logf("press %s", f.name)
				button := fmt.Sprintf("[data-fault=%s]", f.name)
				if f.name == refuse {
					p.eval(t, fmt.Sprintf("document.querySelector(%q).focus()", button))
					p.press(t, " ", " ", 32)
				} else {
					p.click(t, button)
				}
				pressed := func(is bool) string {
					return fmt.Sprintf("document.querySelector(%q).getAttribute('aria-pressed') === '%t'", button, is)
				}
				if f.toggles {
					p.wait(t, atRest, pressed(true))
				}
				p.wait(t, atRest, f.seen)
				if f.toggles {
					if f.name == busDown {
						p.pictures(t)
					}
					p.click(t, button)
					p.wait(t, atRest, pressed(false))
				}
				committed += 2*crowdOfFault + f.events
				p.wait(t, atRest, balancedAt(committed))
			}

			t.Log("the end")
			l := readLedger(t, url)
			require.True(t, l.sound() && l.settled(), "%+v", l)
			require.Equal(t, committed, l.Committed)
			require.Equal(t, l.Committed, l.Published+l.DeadLettered)
			require.NotZero(t, l.Duplicates)
			require.Equal(t, 1, l.DeadLettered, "the rubbish")
			require.Equal(t, 1, l.Parked, "what the consumer could not read")
			require.Equal(t, l.Delivered, l.Mails-l.MailTwice, "one e-mail for each receipt")
			require.Equal(t, 1, l.MailTwice, "the consumer died between e-mail and commit")
			require.NotZero(t, l.NaiveLost, "without an outbox")
			p.wait(t, atRest, fmt.Sprintf("document.querySelector('#spoken').textContent.includes('%d committed') && document.querySelector('#spoken').textContent.includes('It adds up')", l.Committed))
			require.NotEqual(t, "0", p.eval(t, "window.tokens"), "events move")
			require.Empty(t, p.nameless(t))

			t.Log("without motion, on a small screen")
			p.look(t, 390, 900, "light", true)
			p.eval(t, "window.tokens = 0")
			p.click(t, "#crowd")
			p.wait(t, atRest, balancedAt(committed+50))
			require.Equal(t, "0", p.eval(t, "window.tokens"), "nothing moves")
			require.Equal(t, "true", p.eval(t, "String(document.documentElement.scrollWidth <= innerWidth)"), "it fits")

			trouble, asked := b.complaints()
			for _, text := range trouble {
				require.Contains(t, text, "status of 409", "the page complains")
			}
			for _, from := range asked {
				require.True(t, strings.HasPrefix(from, url) || strings.HasPrefix(from, "about:"), "the page asks for %s", from)
			}
		})
	}
}

func TestHandlerRefuses(t *testing.T) {
	s := &stage{bell: newBell()}
	s.users = http.NotFoundHandler()
	h := s.handler(func(int) { t.Error("signed somebody up") })
	for _, tt := range []struct {
		name, method, path string
		header             map[string]string
		status             int
	}{
		{"an unknown fault", "POST", "/local/faults/earthquake?on=true", nil, 400},
		{"neither on nor off", "POST", "/local/faults/refuse?on=perhaps", nil, 400},
		{"nobody", "POST", "/local/sign-ups?n=0", nil, 400},
		{"everybody", "POST", "/local/sign-ups?n=1000000", nil, 400},
		{"another site's page", "POST", "/local/faults/refuse?on=true", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"no such file", "GET", "/nothing.js", nil, 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			req, err := http.NewRequestWithContext(t.Context(), tt.method, tt.path, nil)
			require.NoError(t, err)
			for k, v := range tt.header {
				req.Header.Set(k, v)
			}
			h.ServeHTTP(w, req)
			require.Equal(t, tt.status, w.Code)
		})
	}
}

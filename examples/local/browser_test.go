package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
)

// browser is a headless Chromium, driven by the DevTools protocol over a pipe
// (https://chromedevtools.github.io/devtools-protocol/): JSON messages that end
// with a zero byte.
type browser struct {
	to io.Writer

	mu      sync.Mutex // guards what follows, and to
	last    int
	waiting map[int]chan reply
	trouble []string // what the pages complained about
	asked   []string // the URLs that they asked for
}

type reply struct {
	Result json.RawMessage
	Error  *struct{ Message string }
}

// tab is a page in the browser.
type tab struct {
	*browser
	session string
}

// startBrowser starts Chromium; it ends with the test. Without Chromium the test
// is skipped, or fails where engines are required.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		enginetest.Missing(t, "chromium is missing; on Debian: apt-get install chromium")
	}
	theirIn, ourOut, err := os.Pipe()
	require.NoError(t, err)
	ourIn, theirOut, err := os.Pipe()
	require.NoError(t, err)
	cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-pipe", "about:blank")
	cmd.ExtraFiles = []*os.File{theirIn, theirOut} // file descriptors 3 and 4
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, cmd.Start())
	require.NoError(t, errors.Join(theirIn.Close(), theirOut.Close()))

	b := &browser{to: ourOut, waiting: map[int]chan reply{}}
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		b.listen(ourIn)
	}()
	t.Cleanup(func() {
		_ = ourOut.Close() // without its driver the browser ends
		stop := time.AfterFunc(5*time.Second, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		_ = cmd.Wait()
		stop.Stop()
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // children that are still about to go
		_ = ourIn.Close()
		<-listening
	})
	return b
}

// listen hands replies to those who wait for them, and remembers complaints.
func (b *browser) listen(from io.Reader) {
	r := bufio.NewReader(from)
	for {
		text, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m struct {
			ID     int
			Method string
			Params json.RawMessage
			reply
		}
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		switch {
		case m.ID != 0:
			b.waiting[m.ID] <- m.reply
			delete(b.waiting, m.ID)
		case m.Method == "Runtime.exceptionThrown", m.Method == "Log.entryAdded":
			b.trouble = append(b.trouble, string(m.Params))
		case m.Method == "Network.requestWillBeSent":
			var sent struct{ Request struct{ URL string } }
			_ = json.Unmarshal(m.Params, &sent) // an empty URL fails the test
			b.asked = append(b.asked, sent.Request.URL)
		}
		b.mu.Unlock()
	}
}

// patience is how long the browser may take to answer.
const patience = 20 * time.Second

// do calls a method of the protocol and reads its result into out, if that is
// not nil.
func (tb *tab) do(t *testing.T, method string, params, out any) {
	t.Helper()
	answer := make(chan reply, 1)
	tb.mu.Lock()
	tb.last++
	tb.waiting[tb.last] = answer
	text, err := json.Marshal(map[string]any{"id": tb.last, "method": method, "params": params, "sessionId": tb.session})
	if err == nil {
		_, err = tb.to.Write(append(text, 0))
	}
	tb.mu.Unlock()
	require.NoError(t, err)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case r := <-answer:
		require.Nil(t, r.Error, "%s: %+v", method, r.Error)
		if out != nil {
			require.NoError(t, json.Unmarshal(r.Result, out))
		}
	case <-timer.C:
		t.Fatalf("%s: no answer from the browser", method)
	}
}

// open opens a page.
func (b *browser) open(t *testing.T, url string) *tab {
	t.Helper()
	none := map[string]any{}
	tb := &tab{browser: b}
	var target struct{ TargetID string }
	root := struct {
		URL string `json:"url"`
	}{"about:blank"}
	tb.do(t, "Target.createTarget", root, &target)
	var attached struct{ SessionID string }
	tb.do(t, "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	tb.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		tb.do(t, domain+".enable", none, nil)
	}
	tb.look(t, 1440, 1000, "light", false)
	tb.do(t, "Page.navigate", map[string]any{"url": url}, nil)
	return tb
}

// look sets the size of the window and what the person prefers.
func (tb *tab) look(t *testing.T, width, height int, scheme string, reducedMotion bool) {
	t.Helper()
	motion := "no-preference"
	if reducedMotion {
		motion = "reduce"
	}
	tb.do(t, "Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
	tb.do(t, "Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{
		{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": motion},
	}}, nil)
}

// eval evaluates a JavaScript expression, awaits it, and returns its value as
// text: a string as it is, anything else as JSON.
func (tb *tab) eval(t *testing.T, expression string) string {
	t.Helper()
	var out struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	tb.do(t, "Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}, &out)
	require.Nil(t, out.ExceptionDetails, "%s: %s", expression, out.ExceptionDetails)
	var text string
	if json.Unmarshal(out.Result.Value, &text) == nil {
		return text
	}
	return string(out.Result.Value)
}

// wait waits until a JavaScript expression is true.
func (tb *tab) wait(t *testing.T, most time.Duration, expression string) {
	t.Helper()
	deadline := time.NewTimer(most)
	defer deadline.Stop()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	// What the expression asks for may not be there yet.
	expression = "(() => { try { return Boolean(" + expression + ") } catch { return false } })()"
	for tb.eval(t, expression) != "true" {
		select {
		case <-deadline.C:
			t.Fatalf("after %s it is not true that %s; the page says: %s", most, expression, tb.eval(t, "document.querySelector('#books').innerText"))
		case <-ticker.C:
		}
	}
}

// press presses and releases a key that makes a character.
func (tb *tab) press(t *testing.T, key, text string, code int) {
	t.Helper()
	event := map[string]any{"type": "keyDown", "key": key, "text": text, "windowsVirtualKeyCode": code}
	tb.do(t, "Input.dispatchKeyEvent", event, nil)
	event["type"] = "keyUp"
	delete(event, "text")
	tb.do(t, "Input.dispatchKeyEvent", event, nil)
}

// click clicks in the middle of an element, as a mouse does.
func (tb *tab) click(t *testing.T, selector string) {
	t.Helper()
	for range 20 {
		var at struct{ X, Y float64 }
		text := tb.eval(t, fmt.Sprintf(`(() => {
			const e = document.querySelector(%q);
			window.clicked = false;
			e.addEventListener('click', () => { window.clicked = true; }, { once: true });
			e.scrollIntoView({ block: 'center', behavior: 'instant' });
			const r = e.getBoundingClientRect();
			return JSON.stringify({ x: r.x + r.width / 2, y: r.y + r.height / 2 });
		})()`, selector))
		require.NoError(t, json.Unmarshal([]byte(text), &at), text)
		for _, kind := range []string{"mousePressed", "mouseReleased"} {
			tb.do(t, "Input.dispatchMouseEvent", map[string]any{"type": kind, "x": at.X, "y": at.Y, "button": "left", "clickCount": 1}, nil)
		}
		if tb.eval(t, "window.clicked") == "true" {
			return
		}
		// what came in meanwhile has moved it away: a person looks and clicks again
		tb.eval(t, "new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => drawn(true))))")
	}
	t.Fatalf("%s cannot be clicked", selector)
}

// complaints returns what pages complained about, exceptions, refused content,
// requests that failed, and which URLs they asked for.
func (b *browser) complaints() (trouble, asked []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.trouble), slices.Clone(b.asked)
}

// nameless returns the roles of what a screen reader could not name.
func (tb *tab) nameless(t *testing.T) []string {
	t.Helper()
	type value struct{ Value any }
	var tree struct {
		Nodes []struct {
			Ignored    bool
			Role, Name value
		}
	}
	tb.do(t, "Accessibility.getFullAXTree", map[string]any{}, &tree)
	var roles []string
	for _, n := range tree.Nodes {
		role, _ := n.Role.Value.(string)
		if !n.Ignored && n.Name.Value == "" && slices.Contains([]string{"button", "textbox", "link", "img", "image", "log", "heading", "DisclosureTriangle"}, role) {
			roles = append(roles, role)
		}
	}
	require.Greater(t, len(tree.Nodes), 50)
	return roles
}

// typeText types into what has the focus, in the place of what is there.
func (tb *tab) typeText(t *testing.T, selector, text string) {
	t.Helper()
	tb.eval(t, fmt.Sprintf("document.querySelector(%q).select()", selector))
	tb.do(t, "Input.insertText", map[string]any{"text": text}, nil)
}

// pictures takes the pictures of docs, light and dark: the upper part of the page,
// down to the buttons. With OUTBOX_PICTURES they are saved in that folder:
//
//	OUTBOX_PICTURES=$PWD/docs go -C examples test ./local -run TestPage/dynoxide
func (tb *tab) pictures(t *testing.T) {
	t.Helper()
	const width, most = 1280, 200 << 10
	for _, scheme := range []string{"dark", "light"} {
		tb.look(t, width, 1000, scheme, true)
		tb.eval(t, "scrollTo({ top: 0, behavior: 'instant' })")
		var height int
		require.NoError(t, json.Unmarshal([]byte(tb.eval(t, "Math.round(document.querySelector('[data-fault]').closest('section').getBoundingClientRect().bottom + 12)")), &height))
		var out struct{ Data []byte }
		tb.do(t, "Page.captureScreenshot", map[string]any{"format": "webp", "quality": 85, "captureBeyondViewport": true, "clip": map[string]int{"x": 0, "y": 0, "width": width, "height": height, "scale": 1}}, &out)
		require.NotEmpty(t, out.Data)
		require.Less(t, len(out.Data), most, "a picture of docs is too large")
		if dir := os.Getenv("OUTBOX_PICTURES"); dir != "" {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "local-"+scheme+".webp"), out.Data, 0o644))
		}
	}
	tb.look(t, 1440, 1000, "light", false)
}

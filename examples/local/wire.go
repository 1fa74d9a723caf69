package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/wirefault"
)

// wire is what a service speaks to an engine through. The service sees a proxy
// that breaks calls by a script; behind it, a tap sees what the engine was asked
// and what it answered. So the tap knows what is true even when the service
// never hears of it.
type wire struct {
	*wirefault.Proxy
	tap *httptest.Server
}

// exchange is a call that reached the engine, with the engine's answer.
type exchange struct {
	operation     string
	request, body []byte
	status        int
}

// openWire starts proxy and tap before the engine at target. The tap is called
// before the answer is passed on, by several goroutines at once.
func openWire(target string, script wirefault.Script, tap func(exchange)) (*wire, error) {
	to, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	w := &wire{tap: httptest.NewServer(newTap(to, tap))}
	if w.Proxy, err = wirefault.NewProxy(w.tap.URL, script); err != nil {
		w.tap.Close()
		return nil, err
	}
	return w, nil
}

func (w *wire) close() {
	w.Close()
	w.tap.Close()
}

func newTap(to *url.URL, tap func(exchange)) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		request, err := io.ReadAll(req.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		req.Body = io.NopCloser(bytes.NewReader(request))
		proxy := httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(to)
				r.Out.Host = r.In.Host // it is part of the signature
			},
			ModifyResponse: func(resp *http.Response) error {
				body, err := io.ReadAll(resp.Body)
				if err != nil {
					return err
				}
				resp.Body.Close()
				resp.Body = io.NopCloser(bytes.NewReader(body))
				target := req.Header.Get("X-Amz-Target")
				tap(exchange{target[strings.LastIndexByte(target, '.')+1:], request, body, resp.StatusCode})
				return nil
			},
			ErrorHandler: func(http.ResponseWriter, *http.Request, error) {
				panic(http.ErrAbortHandler) // the client loses its connection
			},
		}
		proxy.ServeHTTP(rw, req)
	})
}

package wirefault

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
)

// Proxy is a server on loopback that breaks calls by a script and hands the
// others to a real server.
type Proxy struct {
	// URL is the endpoint for an SDK client.
	URL string
	// Transport does the work; its ledger is the proxy's.
	*Transport

	server *httptest.Server
}

// NewProxy starts a proxy before the server at target, such as
// http://127.0.0.1:4010. A nil script breaks nothing. next is how the server is
// asked, such as by a Tap; nil is the plain way. Close it after use.
func NewProxy(target string, s Script, next http.RoundTripper) (*Proxy, error) {
	to, err := url.Parse(target)
	if err != nil || to.Host == "" {
		return nil, fmt.Errorf("wirefault: the proxy's target %q is no URL of a server", target)
	}
	p := &Proxy{Transport: NewTransport(next, s)}
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		p.serve(w, req, to)
	}))
	p.URL = p.server.URL
	return p, nil
}

// Close stops the proxy.
func (p *Proxy) Close() { p.server.Close() }

func (p *Proxy) serve(w http.ResponseWriter, req *http.Request, to *url.URL) {
	out := req.Clone(req.Context())
	out.URL.Scheme, out.URL.Host = to.Scheme, to.Host
	out.RequestURI = ""
	resp, err := p.RoundTrip(out)
	if err != nil {
		// Dropped by the script, or the server is away: either way the client
		// loses its connection without an answer.
		panic(http.ErrAbortHandler)
	}
	defer resp.Body.Close()
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	if _, err := io.Copy(w, resp.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
}

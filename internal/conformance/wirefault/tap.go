package wirefault

import (
	"bytes"
	"io"
	"net/http"
)

// Exchange is a call that reached the server, with the server's answer.
type Exchange struct {
	Operation       string
	Request, Answer []byte
	Status          int
}

// Tap is a transport that shows each exchange, before the answer is passed on: it
// knows what is true even where a script keeps the answer from the client. It calls
// see from several goroutines at once.
func Tap(see func(Exchange)) http.RoundTripper { return tap(see) }

type tap func(Exchange)

func (see tap) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := readBody(req)
	if err != nil {
		return nil, err
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	see(Exchange{operation(req), body, answer, resp.StatusCode})
	return resp, nil
}

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
)

// crowd signs people up over HTTP, several at a time, as clients do: a request
// without a clear answer is repeated under its Idempotency-Key.
type crowd struct {
	url    string // of the user service, without /users
	client *http.Client

	refused atomic.Int64 // sign-ups that never succeeded
	waiting sync.WaitGroup
}

func newCrowd(url string) *crowd {
	return &crowd{url: url, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: atOnce}}}
}

// start signs n people up in the background.
func (c *crowd) start(ctx context.Context, n int) {
	c.waiting.Go(func() { c.signUp(ctx, n) })
}

// wait waits for what was started.
func (c *crowd) wait() {
	c.waiting.Wait()
	c.client.CloseIdleConnections()
}

const (
	atOnce      = 8 // sign-ups in flight
	tries       = 5 // of one sign-up
	placeholder = "Ada Grace Alan Edsger Barbara Donald Radia Ken Frances Tony Margaret Leslie"
)

// signUp signs n people up and waits for it.
func (c *crowd) signUp(ctx context.Context, n int) {
	names := strings.Fields(placeholder)
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(atOnce, n) {
		wg.Go(func() {
			for i := range next {
				name := names[i%len(names)]
				email := strings.ToLower(name + "." + rand.Text()[:8] + "@example.com")
				if !c.one(ctx, name, email) {
					c.refused.Add(1)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

func (c *crowd) one(ctx context.Context, name, email string) bool {
	body, err := json.Marshal(map[string]string{"name": name, "email": email})
	if err != nil {
		return false
	}
	key := rand.Text()
	for range tries {
		if ctx.Err() != nil {
			return false
		}
		status, err := c.post(ctx, body, key)
		if err == nil && status != http.StatusServiceUnavailable {
			return status == http.StatusCreated
		}
	}
	return false
}

func (c *crowd) post(ctx context.Context, body []byte, key string) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/users", bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("local: sign up: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", key)
	resp, err := c.client.Do(req)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	return resp.StatusCode, nil
}

// Package smtptest is a mail server on loopback that keeps what it gets, and
// refuses what it is told to: a mailbox for tests and for the local run.
package smtptest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/mail"
	"slices"
	"sync"

	"github.com/emersion/go-smtp"
)

// Mail is an e-mail that the server has taken.
type Mail struct {
	From, To  string      // of the envelope
	Header    mail.Header // as it came; see mime.WordDecoder for encoded words
	Text      string      // the body, as it came
	MessageID string
}

// Reply refuses an e-mail. The zero Reply takes it.
type Reply struct {
	Code    int // 4xx or 5xx
	Message string
}

// Server is a running mail server. Its methods are safe for concurrent use.
type Server struct {
	// Addr is where it listens, host:port.
	Addr string

	server *smtp.Server
	done   chan struct{} // closed when the server has ended

	mu     sync.Mutex // guards what follows
	mails  []Mail
	refuse func(to string) Reply
	taken  func(Mail)
}

// Start starts a server on a free loopback port. Close it after use.
func Start() (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("smtptest: %w", err)
	}
	s := &Server{Addr: l.Addr().String(), done: make(chan struct{})}
	s.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{server: s}, nil }))
	s.server.Domain = "localhost"
	s.server.ErrorLog = log.New(io.Discard, "", 0) // clients that die in mid-session are the point here
	go func() {
		defer close(s.done)
		_ = s.server.Serve(l) // it ends by Close
	}()
	return s, nil
}

// Close stops the server.
func (s *Server) Close() {
	_ = s.server.Close()
	<-s.done
}

// Refuse sets what the server replies to a recipient. Nil takes everybody.
func (s *Server) Refuse(reply func(to string) Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = reply
}

// Taken sets what is called when an e-mail has been taken and before the client
// is told so. Nil calls nothing.
func (s *Server) Taken(call func(Mail)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = call
}

// Mails returns the e-mails so far, in the order in which they came.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// session is a client's connection.
type session struct {
	server   *Server
	from, to string
}

func (c *session) Mail(from string, _ *smtp.MailOptions) error {
	c.from = from
	return nil
}

func (c *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if c.to != "" {
		return &smtp.SMTPError{Code: 452, Message: "one recipient at a time"}
	}
	c.server.mu.Lock()
	refuse := c.server.refuse
	c.server.mu.Unlock()
	if refuse != nil {
		if r := refuse(to); r.Code != 0 {
			return &smtp.SMTPError{Code: r.Code, EnhancedCode: smtp.EnhancedCodeNotSet, Message: r.Message}
		}
	}
	c.to = to
	return nil
}

func (c *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	parsed, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return errors.Join(&smtp.SMTPError{Code: 554, Message: "not an e-mail"}, err)
	}
	text, err := io.ReadAll(parsed.Body)
	if err != nil {
		return err
	}
	m := Mail{From: c.from, To: c.to, Header: parsed.Header, Text: string(text), MessageID: parsed.Header.Get("Message-Id")}
	s := c.server
	s.mu.Lock()
	s.mails = append(s.mails, m)
	taken := s.taken
	s.mu.Unlock()
	if taken != nil {
		taken(m)
	}
	return nil
}

func (c *session) Reset() { c.from, c.to = "", "" }

func (c *session) Logout() error { return nil }

package messaging

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"strconv"
	"time"
)

// SMTP sends e-mail through a mail server on this machine or in this network: it
// speaks neither TLS nor AUTH.
type SMTP struct {
	Addr string // host:port
}

// Send sends an e-mail in a connection of its own. A reply of 5xx to the
// recipient or to the e-mail is a bounce; to anything else, the sender's address
// for one, it is not this recipient's fault.
func (s SMTP) Send(ctx context.Context, m Mail) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", s.Addr)
	if err != nil {
		return fmt.Errorf("messaging: smtp: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	err = deliver(conn, s.Addr, m)
	if err != nil && ctx.Err() != nil {
		err = errors.Join(ctx.Err(), err)
	}
	return err
}

func deliver(conn net.Conn, addr string, m Mail) error {
	host, _, _ := net.SplitHostPort(addr)
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return fmt.Errorf("messaging: smtp: %w", err)
	}
	if err := c.Mail(m.From); err != nil {
		return refusal("sender", err)
	}
	if err := c.Rcpt(m.To); err != nil {
		return bounceOr("recipient", err)
	}
	w, err := c.Data()
	if err != nil {
		return bounceOr("data", err)
	}
	if _, err := w.Write(m.message(time.Now())); err != nil {
		return fmt.Errorf("messaging: smtp: %w", err)
	}
	if err := w.Close(); err != nil {
		return bounceOr("e-mail", err)
	}
	_ = c.Quit() // the server has it
	return nil
}

// bounceOr makes a reply of 5xx a bounce.
func bounceOr(what string, err error) error {
	told := refusal(what, err)
	var reply *textproto.Error
	if errors.As(err, &reply) && reply.Code/100 == 5 {
		return &BounceError{Code: strconv.Itoa(reply.Code), Err: told}
	}
	return told
}

// refusal is the error without the words of the mail server's reply: they quote
// the address, which does not belong in a log.
func refusal(what string, err error) error {
	var reply *textproto.Error
	if errors.As(err, &reply) {
		return fmt.Errorf("messaging: smtp: %s: the server replied %d", what, reply.Code)
	}
	return fmt.Errorf("messaging: smtp: %s: %w", what, err)
}

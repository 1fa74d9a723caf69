package messaging

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"mime"
	"mime/quotedprintable"
	"slices"
	"time"
)

// Mail is an e-mail to one address, as plain text. Its fields hold no control
// characters, but for line ends in Text.
type Mail struct {
	From, To  string // plain addresses
	MessageID string // with its angle brackets
	Subject   string
	Text      string // lines end with \n
	Headers   map[string]string
}

// Mailer sends e-mail. Its error is a [*BounceError] if this address will never
// take this e-mail; any other error means that nothing was sent, as far as can be
// known, and trying again may help. Send must return when ctx ends.
type Mailer interface {
	Send(ctx context.Context, m Mail) error
}

// BounceError says that an e-mail was refused for good.
type BounceError struct {
	Code string // of the mail server, such as "550", or of SES
	Err  error
}

func (e *BounceError) Error() string { return fmt.Sprintf("messaging: bounced: %v", e.Err) }

// Unwrap returns the mail server's error.
func (e *BounceError) Unwrap() error { return e.Err }

// message is the e-mail as SMTP takes it: https://www.rfc-editor.org/rfc/rfc5322
func (m Mail) message(now time.Time) []byte {
	var b bytes.Buffer
	header := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	header("From", m.From)
	header("To", m.To)
	header("Subject", mime.QEncoding.Encode("utf-8", m.Subject))
	header("Date", now.Format(time.RFC1123Z))
	header("Message-ID", m.MessageID)
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		header(name, mime.QEncoding.Encode("utf-8", m.Headers[name]))
	}
	header("MIME-Version", "1.0")
	header("Content-Type", "text/plain; charset=utf-8")
	header("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	text := quotedprintable.NewWriter(&b)
	_, _ = text.Write([]byte(m.Text)) // a Buffer takes everything
	_ = text.Close()
	return b.Bytes()
}

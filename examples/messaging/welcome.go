package messaging

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"strings"
	"time"
	"unicode"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

// userCreated is what this service reads of a User.Created.
type userCreated struct {
	UserID string `json:"userId"`
	Email  string `json:"email"`
	Name   string `json:"name"`
}

// EmailSent and EmailBounced are the payloads of Email.Sent and Email.Bounced.
type (
	EmailSent struct {
		UserID string `json:"userId"`
	}
	EmailBounced struct {
		UserID string `json:"userId"`
		Reason string `json:"reason"` // the mail server's code, without its words
	}
)

// welcome sends the welcome e-mail of a new user: claim, send, commit.
func (s *Service) welcome(ctx context.Context, log *slog.Logger, ev envelope.CustomEvent) error {
	user, err := envelope.Payload[userCreated](ev)
	if err == nil {
		err = user.validate()
	}
	if err != nil {
		return err
	}
	attempt, err := s.begin(ctx, log, ev, user.UserID)
	if errors.Is(err, errDone) {
		log.InfoContext(ctx, "duplicate, done before")
		return nil
	}
	if err != nil {
		return err
	}

	var bounce *BounceError
	err = s.send(ctx, ev, user, attempt.until)
	switch {
	case errors.As(err, &bounce):
		log.WarnContext(ctx, "e-mail bounced", "code", bounce.Code)
		return s.finish(ctx, ev, attempt, bounced, "Email.Bounced", EmailBounced{user.UserID, bounce.Code})
	case err != nil:
		s.release(ctx, log, attempt)
		return err
	}
	if err := s.finish(ctx, ev, attempt, sent, "Email.Sent", EmailSent{user.UserID}); err != nil {
		log.WarnContext(ctx, "the e-mail is sent, and this could not be committed: it may be sent again")
		return err
	}
	log.InfoContext(ctx, "e-mail sent")
	return nil
}

// validate keeps out of the e-mail what would end one of its headers. The user
// service does so, too; this one does not rely on it.
func (u userCreated) validate() error {
	address, err := mail.ParseAddress(u.Email)
	switch {
	case u.UserID == "":
		return errors.New("messaging: payload.userId is missing")
	case err != nil || address.Address != u.Email || strings.ContainsFunc(u.Email, unicode.IsControl):
		return errors.New("messaging: payload.email is not an address")
	case strings.ContainsFunc(u.Name, unicode.IsControl):
		return errors.New("messaging: payload.name holds control characters")
	}
	return nil
}

// send sends the e-mail, in time for the commit before until.
func (s *Service) send(ctx context.Context, ev envelope.CustomEvent, user userCreated, until time.Time) (err error) {
	ctx, cancel := context.WithDeadline(ctx, until.Add(-reserve))
	defer cancel()
	ctx, span := s.tracer.Start(ctx, "send e-mail", trace.WithSpanKind(trace.SpanKindClient))
	defer func() {
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}()
	return s.mailer.Send(ctx, Mail{
		From: s.config.From, To: user.Email,
		MessageID: messageID(ev.Headers.EventID, s.config.From),
		Subject:   "Welcome, " + user.Name,
		Text:      fmt.Sprintf("Dear %s,\n\nwelcome. It is good to have you.\n", user.Name),
		Headers: map[string]string{
			"X-Event-Id":       ev.Headers.EventID,
			"X-Correlation-Id": ev.Headers.CorrelationID,
			"Traceparent":      envelope.TraceParent(stamped(ctx)),
		},
	})
}

// messageID is the same for every e-mail of one event.
func messageID(eventID, from string) string {
	local := eventID
	if len(local) > 64 || strings.ContainsFunc(local, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
	}) {
		sum := sha256.Sum256([]byte(eventID))
		local = hex.EncodeToString(sum[:])
	}
	return "<" + local + from[strings.LastIndexByte(from, '@'):] + ">"
}

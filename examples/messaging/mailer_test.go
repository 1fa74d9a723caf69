package messaging_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/examples/messaging"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/smtptest"
)

var welcome = messaging.Mail{
	From: "hello@example.com", To: "ann@example.com", MessageID: "<e1@example.com>", Subject: "Welcome, Zoë",
	Text: "Dear Zoë,\n.\n" + strings.Repeat("long ", 300) + "\n", Headers: map[string]string{"X-Event-Id": "e1"},
}

func TestSMTPReplies(t *testing.T) {
	server, err := smtptest.Start()
	require.NoError(t, err)
	t.Cleanup(server.Close)
	for name, tt := range map[string]struct {
		code   int
		bounce string
	}{
		"no such user":       {550, "550"},
		"address is no good": {553, "553"},
		"mailbox busy":       {450, ""},
		"too many":           {452, ""},
		"shutting down":      {421, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server.Refuse(func(string) smtptest.Reply { return smtptest.Reply{Code: tt.code, Message: "ann@example.com: no"} })
			err := messaging.SMTP{Addr: server.Addr}.Send(t.Context(), welcome)
			require.Error(t, err)
			require.NotContains(t, err.Error(), "ann@", "no personal data in an error")
			var bounce *messaging.BounceError
			require.Equal(t, tt.bounce != "", errors.As(err, &bounce))
			if bounce != nil {
				require.Equal(t, tt.bounce, bounce.Code)
			}
		})
	}
	server.Refuse(nil)
	require.NoError(t, messaging.SMTP{Addr: server.Addr}.Send(t.Context(), welcome))
	require.Len(t, server.Mails(), 1)
	for line := range strings.SplitSeq(server.Mails()[0].Text, "\r\n") {
		require.LessOrEqual(t, len(line), 76)
	}
}

// TestSMTPEndsWithItsContext: a server that accepts connections and says nothing.
func TestSMTPEndsWithItsContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err = messaging.SMTP{Addr: l.Addr().String()}.Send(ctx, welcome)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	var bounce *messaging.BounceError
	require.False(t, errors.As(err, &bounce))
}

// sesAnswer is SES with one answer.
type sesAnswer struct {
	err error
	in  *sesv2.SendEmailInput
}

func (s *sesAnswer) SendEmail(_ context.Context, in *sesv2.SendEmailInput, _ ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error) {
	s.in = in
	return &sesv2.SendEmailOutput{}, s.err
}

func TestSESAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		err    error
		bounce bool
	}{
		"rejected":               {&types.MessageRejected{Message: aws.String("Address is on the suppression list")}, true},
		"sandbox, our own fault": {&types.MessageRejected{Message: aws.String("Email address is not verified.")}, false},
		"throttled":              {&types.TooManyRequestsException{}, false},
		"quota":                  {&types.LimitExceededException{}, false},
		"paused":                 {&types.SendingPausedException{}, false},
		"suspended":              {&types.AccountSuspendedException{}, false},
		"bad request":            {&types.BadRequestException{}, false},
		"domain not verified":    {&types.MailFromDomainNotVerifiedException{}, false},
		"no answer":              {errors.New("connection reset"), false},
	} {
		t.Run(name, func(t *testing.T) {
			err := messaging.SES{Client: &sesAnswer{err: tt.err}}.Send(t.Context(), welcome)
			require.ErrorIs(t, err, tt.err)
			var bounce *messaging.BounceError
			require.Equal(t, tt.bounce, errors.As(err, &bounce))
		})
	}
	client := &sesAnswer{}
	require.NoError(t, messaging.SES{Client: client, ConfigurationSet: "welcome"}.Send(t.Context(), welcome))
	require.Equal(t, "welcome", aws.ToString(client.in.ConfigurationSetName))
	require.Equal(t, []string{"ann@example.com"}, client.in.Destination.ToAddresses)
	require.Equal(t, "Welcome, Zoë", aws.ToString(client.in.Content.Simple.Subject.Data))
	require.Equal(t, "X-Event-Id", aws.ToString(client.in.Content.Simple.Headers[0].Name))
}

// TestSESOnMoto sends by the real client: refused until the sender is verified.
func TestSESOnMoto(t *testing.T) {
	moto := enginetest.Moto(t)
	client := sesv2.NewFromConfig(moto.Config())
	m := welcome
	m.From = enginetest.Unique(t) + "@example.com"
	ses := messaging.SES{Client: client}
	err := ses.Send(t.Context(), m)
	var rejected *types.MessageRejected
	require.ErrorAs(t, err, &rejected)
	var bounce *messaging.BounceError
	require.False(t, errors.As(err, &bounce), "%v: our own configuration is no bounce", err)

	_, err = client.CreateEmailIdentity(t.Context(), &sesv2.CreateEmailIdentityInput{EmailIdentity: aws.String(m.From)})
	require.NoError(t, err)
	require.NoError(t, ses.Send(t.Context(), m))
}

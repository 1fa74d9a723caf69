package smtptest_test

import (
	"context"
	"errors"
	"net/smtp"
	"net/textproto"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/smtptest"
)

const hello = "Subject: Hello\r\nMessage-ID: <1@example.com>\r\n\r\nHello.\r\n.\r\nBye.\r\n"

func TestServerKeepsWhatItTakes(t *testing.T) {
	s, err := smtptest.Start()
	require.NoError(t, err)
	defer s.Close()
	var taken []string
	s.Taken(func(m smtptest.Mail) { taken = append(taken, m.To) })
	require.NoError(t, smtp.SendMail(s.Addr, nil, "hello@example.com", []string{"ann@example.com"}, []byte(hello)))
	require.NoError(t, smtp.SendMail(s.Addr, nil, "hello@example.com", []string{"bob@example.com"}, []byte(hello)))

	mails, err := s.Wait(t.Context(), 2)
	require.NoError(t, err)
	require.Equal(t, mails, s.Mails())
	require.Equal(t, "hello@example.com", mails[0].From)
	require.Equal(t, "ann@example.com", mails[0].To)
	require.Equal(t, "Hello", mails[0].Header.Get("Subject"))
	require.Equal(t, "<1@example.com>", mails[0].MessageID)
	require.Equal(t, "Hello.\r\n.\r\nBye.\r\n", mails[0].Text)
	require.Equal(t, []string{"ann@example.com", "bob@example.com"}, taken)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Wait(ctx, 3)
	require.ErrorIs(t, err, context.Canceled)
}

func TestServerRefuses(t *testing.T) {
	s, err := smtptest.Start()
	require.NoError(t, err)
	defer s.Close()
	s.Refuse(func(to string) smtptest.Reply {
		if strings.HasPrefix(to, "nobody@") {
			return smtptest.Reply{Code: 550, Message: "no such user"}
		}
		return smtptest.Reply{}
	})
	err = smtp.SendMail(s.Addr, nil, "hello@example.com", []string{"nobody@example.com"}, []byte(hello))
	var reply *textproto.Error
	require.True(t, errors.As(err, &reply))
	require.Equal(t, 550, reply.Code)
	require.Contains(t, reply.Msg, "no such user")
	require.Error(t, smtp.SendMail(s.Addr, nil, "hello@example.com", []string{"ann@example.com", "bob@example.com"}, []byte(hello)), "one recipient at a time")
	require.Error(t, smtp.SendMail(s.Addr, nil, "hello@example.com", []string{"ann@example.com"}, []byte("no header")))
	require.Empty(t, s.Mails())
}

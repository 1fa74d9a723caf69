package messaging

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
)

// SendEmailAPIClient is the operation that SES needs of a client.
type SendEmailAPIClient interface {
	SendEmail(context.Context, *sesv2.SendEmailInput, ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error)
}

var _ SendEmailAPIClient = (*sesv2.Client)(nil)

// SES sends e-mail by Amazon SES. Its answer says that SES has taken the e-mail;
// most bounces come later and are told by SES's own events
// (https://docs.aws.amazon.com/ses/latest/dg/monitor-using-event-publishing.html).
type SES struct {
	Client SendEmailAPIClient
	// ConfigurationSet is where those events are set up. It may be empty.
	ConfigurationSet string
}

// Send sends an e-mail. MessageRejected is a bounce: SES will not send this
// content to this address. Not so if it is because an address or a domain is not
// verified: that is our configuration, and it must not make every e-mail a
// bounce. The account suspended, sending paused and throttling are no bounces
// either (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html).
func (s SES) Send(ctx context.Context, m Mail) error {
	utf8 := func(text string) *types.Content {
		return &types.Content{Data: aws.String(text), Charset: aws.String("UTF-8")}
	}
	content := &types.Message{Subject: utf8(m.Subject), Body: &types.Body{Text: utf8(m.Text)}}
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		content.Headers = append(content.Headers, types.MessageHeader{Name: aws.String(name), Value: aws.String(m.Headers[name])})
	}
	in := &sesv2.SendEmailInput{
		FromEmailAddress: aws.String(m.From),
		Destination:      &types.Destination{ToAddresses: []string{m.To}},
		Content:          &types.EmailContent{Simple: content},
	}
	if s.ConfigurationSet != "" {
		in.ConfigurationSetName = aws.String(s.ConfigurationSet)
	}
	_, err := s.Client.SendEmail(ctx, in)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("messaging: ses: %w", err)
	var rejected *types.MessageRejected
	if errors.As(err, &rejected) && !strings.Contains(rejected.ErrorMessage(), "not verified") {
		return &BounceError{Code: rejected.ErrorCode(), Err: err}
	}
	return err
}

// Package messaging sends the welcome e-mail. It is the consuming service of the
// examples: an SQS queue behind a rule of the bus brings it User.Created, and it
// commits a receipt, a record of the e-mail and the event Email.Sent in one
// transaction: consumed, done and announced.
//
// Read it in this order: the batch ([Service]), one event (welcome.go), what is
// kept about an e-mail (record.go), the ways to send one ([SMTP], [SES]).
//
// # What is promised
//
// Each event is done once, as the receipt defines it: one receipt, one record,
// one Email.Sent or Email.Bounced, however often and however concurrently SQS
// delivers it.
//
// The e-mail itself is no part of a DynamoDB transaction. It goes out once, but
// for one case: the process dies after the mail server has taken the e-mail and
// before the commit, or the mail server's answer is lost. Nobody can know then
// whether it went out, and a welcome too many is better than none, so the next
// delivery sends it again. The example narrows this:
//
//   - A claim is committed before the e-mail is sent, so a second delivery at the
//     same time sends nothing and comes back later.
//   - Between the mail server's answer and the commit nothing else is done.
//   - Both copies have the same Message-ID, made of the eventId, by which mail
//     servers and mailboxes know a copy. SES replaces it by its own
//     (https://docs.aws.amazon.com/ses/latest/dg/header-fields.html); there
//     only the header X-Event-Id is the same.
//   - The doubtful case is logged as a warning, with the eventId.
//
// # What fails how
//
//   - A bounce, an address that will never take an e-mail: the event is done, and
//     Email.Bounced tells so. Sending again would only harm our reputation.
//   - Anything else, a throttle or a mail server that is down: the claim is given
//     back and the message is reported as failed. SQS delivers it again after the
//     visibility timeout.
//   - A message that cannot be understood is reported as failed, too. No retry
//     helps it, and after maxReceiveCount SQS moves it to the dead-letter queue,
//     where a person sees it and nothing is lost.
package messaging

package main

import "github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lambdapoller"

// streamPoller stands for the event source mapping between stream and relay,
// with the settings of the deploy templates.
func (s *stage) streamPoller(change func(*lambdapoller.Options)) (*lambdapoller.Poller, error) {
	relay := &patient{
		next: s.relay, switched: s.faults.switched,
		failed: func(error) {
			s.notes.tell("The relay could not publish all of its batch. The stream keeps the rest, and delivers it again.")
		},
		back: func() { s.notes.good("The relay is through: what had waited is published.") },
	}
	return lambdapoller.New(s.cloud.db.Streams(), s.cloud.streamARN, relay, func(o *lambdapoller.Options) {
		o.BatchSize, o.ReportBatchItemFailures, o.Bisect = 100, true, true
		o.StuckAfter = 1 << 40 // a person may leave the bus down for as long as they like
		if change != nil {
			change(o)
		}
	})
}

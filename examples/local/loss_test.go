package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lambdapoller"
)

// TestTheLedgerShowsALoss breaks what must not be broken: a mapping that ignores
// the relay's answer loses what the bus did not take, and somebody else's event
// on the bus was never committed. The books must say so.
func TestTheLedgerShowsALoss(t *testing.T) {
	needEngines(t, engine.Dynoxide)
	s, url := play(t, options{dynamoDB: engine.Dynoxide, mapping: func(o *lambdapoller.Options) { o.ReportBatchItemFailures = false }})
	resp, err := http.Post(url+"/local/faults/bus-down?on=true", "", nil)
	require.NoError(t, err)
	resp.Body.Close()
	require.Eventually(t, func() bool { return readLedger(t, url).Lost == crowdOfFault }, time.Minute, 50*time.Millisecond)
	l := readLedger(t, url)
	require.Equal(t, ledger{Committed: crowdOfFault, Lost: crowdOfFault}, ledger{Committed: l.Committed, Lost: l.Lost})
	require.ErrorContains(t, judge(l, 0), "12 lost, 0 invented")

	require.NoError(t, s.inflict(t.Context(), busDown, false))
	bus := s.cloud.moto.EventBridge(func(o *eventbridge.Options) { o.BaseEndpoint = &s.busWire.URL })
	_, err = bus.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{{
		EventBusName: &s.cloud.route.Bus, Source: aws.String("somebody"), DetailType: aws.String("User.Created"),
		Detail: aws.String(fmt.Sprintf(`{"headers":{"eventId":"ghost","eventName":"User.Created","timestamp":%d},"payload":{}}`, time.Now().UnixMilli())),
	}}})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return readLedger(t, url).Phantom == 1 }, time.Minute, 50*time.Millisecond)
}

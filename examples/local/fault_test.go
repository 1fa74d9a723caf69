package main

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/wirefault"
)

func testFaults() (*faults, *[]fault) {
	var killed []fault
	b := newBell()
	return newFaults(b, &notes{bell: b, out: io.Discard}, func(f fault) { killed = append(killed, f) }), &killed
}

func putEvents(n int) wirefault.Call {
	return wirefault.Call{Operation: wirefault.PutEvents, EventIDs: make([]string, n)}
}

func TestNoFault(t *testing.T) {
	f, killed := testFaults()
	for _, script := range []wirefault.Script{f.busWire, f.queueWire, f.consumerWire} {
		for _, op := range []string{wirefault.PutEvents, wirefault.TransactWriteItems, "DeleteMessageBatch", "DescribeEventBus"} {
			require.Equal(t, wirefault.None(), script(wirefault.Call{Operation: op, EventIDs: []string{"e"}}))
		}
	}
	require.Empty(t, *killed)
}

func TestRefuseEveryFifth(t *testing.T) {
	f, _ := testFaults()
	f.set(refuse, true)
	refused := 0
	for range 10 {
		refused += len(f.busWire(putEvents(10)).Entries)
	}
	require.Equal(t, 20, refused, "of 100")
	require.Len(t, f.busWire(putEvents(4)).Entries, 0)
	require.Contains(t, f.busWire(putEvents(1)).Entries, 0, "the fifth, alone in its call")
}

func TestBusDown(t *testing.T) {
	f, _ := testFaults()
	f.set(busDown, true)
	f.set(refuse, true)
	require.Equal(t, http.StatusInternalServerError, f.busWire(putEvents(10)).Status)
	require.Equal(t, wirefault.None(), f.busWire(wirefault.Call{Operation: "DescribeEventBus"}))
	f.set(busDown, false)
	require.Zero(t, f.busWire(putEvents(1)).Status)
}

func TestTwice(t *testing.T) {
	f, _ := testFaults()
	f.set(twice, true)
	require.Equal(t, wirefault.LostAnswer(), f.busWire(putEvents(3)))
	require.Equal(t, wirefault.None(), f.busWire(putEvents(3)), "the second try gets through")
	require.Equal(t, http.StatusBadRequest, f.queueWire(wirefault.Call{Operation: "DeleteMessageBatch"}).Status)
	require.Equal(t, wirefault.None(), f.queueWire(wirefault.Call{Operation: "DeleteMessageBatch"}))
	require.Equal(t, wirefault.None(), f.queueWire(wirefault.Call{Operation: "ReceiveMessage"}))
}

func TestStrikeOnce(t *testing.T) {
	f, killed := testFaults()
	f.set(crash, true)
	rung := f.switched.listen()
	require.Equal(t, wirefault.None(), f.consumerWire(wirefault.Call{Operation: "PutItem"}), "its claim is committed first")
	require.Equal(t, wirefault.LostRequest(), f.consumerWire(wirefault.Call{Operation: wirefault.TransactWriteItems}))
	require.Equal(t, wirefault.None(), f.consumerWire(wirefault.Call{Operation: wirefault.TransactWriteItems}))
	require.Equal(t, []fault{crash}, *killed)
	require.False(t, f.is(crash))
	<-rung
}

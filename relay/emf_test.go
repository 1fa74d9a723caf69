package relay_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

type emfDoc struct {
	AWS struct {
		Timestamp         int64
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct{ Name, Unit string }
		}
	} `json:"_aws"`
}

// emfLine is the line of an invocation.
func emfLine(t *testing.T, m relay.Metrics, optFns ...func(*relay.EMFOptions)) string {
	t.Helper()
	var out bytes.Buffer
	relay.EMF(&out, optFns...)(t.Context(), m)
	require.Equal(t, 1, strings.Count(out.String(), "\n"))
	require.True(t, strings.HasSuffix(out.String(), "}\n"))
	return out.String()
}

func TestEMFGolden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // its clock is that of the line
		line := emfLine(t, relay.Metrics{
			Records: 12, Published: 5, Deduplicated: 1, Suppressed: 1, DeadLettered: 1, Failed: 2, SkippedModify: 1, SkippedRemove: 1,
			SkippedService: 1, Retried: 3, Calls: 2, FailedCalls: 1, Bytes: 1234, ConfigFaults: 1, JournalFailed: 4,
			Oldest: 2 * time.Second, Newest: 1500 * time.Microsecond, Duration: 250 * time.Millisecond, Remaining: time.Second, Error: true,
		}, func(o *relay.EMFOptions) { o.Namespace, o.Dimensions = "NS", map[string]string{"Service": "relay"} })
		require.JSONEq(t, `{"_aws":{"Timestamp":946684800000,"CloudWatchMetrics":[{"Namespace":"NS","Dimensions":[["Service"]],"Metrics":[
		{"Name":"Records","Unit":"Count"},{"Name":"Published","Unit":"Count"},{"Name":"Deduplicated","Unit":"Count"},{"Name":"Suppressed","Unit":"Count"},
		{"Name":"DeadLettered","Unit":"Count"},{"Name":"Failed","Unit":"Count"},{"Name":"SkippedModify","Unit":"Count"},{"Name":"SkippedRemove","Unit":"Count"},
		{"Name":"SkippedService","Unit":"Count"},{"Name":"SkippedNotEvent","Unit":"Count"},{"Name":"SkippedRegion","Unit":"Count"},{"Name":"OutOfOrder","Unit":"Count"},{"Name":"Retried","Unit":"Count"},
		{"Name":"Calls","Unit":"Count"},{"Name":"FailedCalls","Unit":"Count"},{"Name":"Bytes","Unit":"Bytes"},{"Name":"ConfigFaults","Unit":"Count"},{"Name":"JournalFailed","Unit":"Count"},{"Name":"Errors","Unit":"Count"},
		{"Name":"OldestAge","Unit":"Milliseconds"},{"Name":"NewestAge","Unit":"Milliseconds"},{"Name":"Duration","Unit":"Milliseconds"},{"Name":"Remaining","Unit":"Milliseconds"}]}]},
		"Service":"relay","Records":12,"Published":5,"Deduplicated":1,"Suppressed":1,"DeadLettered":1,"Failed":2,"SkippedModify":1,"SkippedRemove":1,"SkippedService":1,
		"SkippedNotEvent":0,"SkippedRegion":0,"OutOfOrder":0,"Retried":3,"Calls":2,"FailedCalls":1,"Bytes":1234,"ConfigFaults":1,"JournalFailed":4,"Errors":1,
		"OldestAge":2000,"NewestAge":1.5,"Duration":250,"Remaining":1000}`, line)
	})
}

// Every field of Metrics is in the line.
func TestEMFIsComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		zero := emfLine(t, relay.Metrics{})
		for i := range reflect.TypeFor[relay.Metrics]().NumField() {
			var with relay.Metrics
			switch f := reflect.ValueOf(&with).Elem().Field(i); f.Kind() {
			case reflect.Bool:
				f.SetBool(true)
			default:
				f.SetInt(7_000_000)
			}
			require.NotEqual(t, zero, emfLine(t, with), reflect.TypeFor[relay.Metrics]().Field(i).Name)
		}
	})
}

// The rules of the format: every metric and every dimension that is declared is
// a member, at most 100 metrics and 30 dimensions.
func TestEMFRules(t *testing.T) {
	dims := map[string]string{}
	for i := range 40 {
		dims[fmt.Sprintf("d%02d", i)] = "v"
	}
	for _, d := range []map[string]string{nil, {"Service": "relay", "Stage": "prod"}, dims} {
		line := []byte(emfLine(t, relay.Metrics{Records: 1, Oldest: 1}, func(o *relay.EMFOptions) { o.Dimensions = d }))
		var doc emfDoc
		require.NoError(t, json.Unmarshal(line, &doc))
		var members map[string]any
		require.NoError(t, json.Unmarshal(line, &members))
		require.WithinDuration(t, time.Now(), time.UnixMilli(doc.AWS.Timestamp), time.Minute)
		require.Len(t, doc.AWS.CloudWatchMetrics, 1)
		m := doc.AWS.CloudWatchMetrics[0]
		require.Equal(t, relay.DefaultNamespace, m.Namespace)
		require.LessOrEqual(t, len(m.Metrics), 100)
		require.Len(t, m.Dimensions, 1)
		require.Len(t, m.Dimensions[0], min(len(d), 30))
		for _, name := range m.Dimensions[0] {
			require.IsType(t, "", members[name])
		}
		for _, metric := range m.Metrics {
			require.IsType(t, 0., members[metric.Name])
			require.Contains(t, []string{"Count", "Bytes", "Milliseconds"}, metric.Unit)
		}
	}
}

func TestEMFIsSafeForConcurrentUse(t *testing.T) {
	var out bytes.Buffer
	emit := relay.EMF(&out)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				emit(t.Context(), relay.Metrics{Records: 1})
			}
		})
	}
	wg.Wait()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 400)
	for _, l := range lines {
		require.True(t, json.Valid([]byte(l)))
	}
}

func TestEMFIgnoresItsWriter(t *testing.T) {
	w := &brokenWriter{}
	emit := relay.EMF(w)
	emit(t.Context(), relay.Metrics{})
	emit(t.Context(), relay.Metrics{})
	require.Equal(t, 2, w.written)
}

type brokenWriter struct{ written int }

func (w *brokenWriter) Write([]byte) (int, error) {
	w.written++
	return 0, errors.New("broken")
}

// Dimensions that the format cannot have are left out: they would be read as
// something else, or spoil the line.
func TestEMFDimensionsThatCannotBe(t *testing.T) {
	text := emfLine(t, relay.Metrics{Records: 5}, func(o *relay.EMFOptions) {
		o.Dimensions = map[string]string{"Records": "x", "OldestAge": "x", "Remaining": "x", "_aws": "x", "": "x", "Stage": "", "Service": "relay"}
	})
	var line struct {
		emfDoc
		Records int
		Service string
	}
	require.NoError(t, json.Unmarshal([]byte(text), &line))
	require.Equal(t, [][]string{{"Service"}}, line.AWS.CloudWatchMetrics[0].Dimensions)
	require.Equal(t, "relay", line.Service)
	require.Equal(t, 5, line.Records)
	require.NotContains(t, text, `"Stage"`)
}

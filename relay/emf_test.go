package relay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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

func TestEMFGolden(t *testing.T) {
	line, err := emfLine(time.UnixMilli(1500), "NS", []string{"Service"}, map[string]string{"Service": "relay"}, Metrics{
		Records: 12, Published: 5, Deduplicated: 1, Suppressed: 1, DeadLettered: 1, Failed: 2, SkippedModify: 1, SkippedRemove: 1,
		SkippedService: 1, Retried: 3, Calls: 2, FailedCalls: 1, Bytes: 1234, ConfigFaults: 1,
		Oldest: 2 * time.Second, Newest: 1500 * time.Microsecond, Duration: 250 * time.Millisecond, Remaining: time.Second, Error: true,
	})
	require.NoError(t, err)
	require.True(t, bytes.HasSuffix(line, []byte("}\n")))
	require.Equal(t, 1, bytes.Count(line, []byte("\n")))
	require.JSONEq(t, `{"_aws":{"Timestamp":1500,"CloudWatchMetrics":[{"Namespace":"NS","Dimensions":[["Service"]],"Metrics":[
		{"Name":"Records","Unit":"Count"},{"Name":"Published","Unit":"Count"},{"Name":"Deduplicated","Unit":"Count"},{"Name":"Suppressed","Unit":"Count"},
		{"Name":"DeadLettered","Unit":"Count"},{"Name":"Failed","Unit":"Count"},{"Name":"SkippedModify","Unit":"Count"},{"Name":"SkippedRemove","Unit":"Count"},
		{"Name":"SkippedService","Unit":"Count"},{"Name":"SkippedNotEvent","Unit":"Count"},{"Name":"SkippedRegion","Unit":"Count"},{"Name":"Retried","Unit":"Count"},
		{"Name":"Calls","Unit":"Count"},{"Name":"FailedCalls","Unit":"Count"},{"Name":"Bytes","Unit":"Bytes"},{"Name":"ConfigFaults","Unit":"Count"},{"Name":"Errors","Unit":"Count"},
		{"Name":"OldestAge","Unit":"Milliseconds"},{"Name":"NewestAge","Unit":"Milliseconds"},{"Name":"Duration","Unit":"Milliseconds"},{"Name":"Remaining","Unit":"Milliseconds"}]}]},
		"Service":"relay","Records":12,"Published":5,"Deduplicated":1,"Suppressed":1,"DeadLettered":1,"Failed":2,"SkippedModify":1,"SkippedRemove":1,"SkippedService":1,
		"SkippedNotEvent":0,"SkippedRegion":0,"Retried":3,"Calls":2,"FailedCalls":1,"Bytes":1234,"ConfigFaults":1,"Errors":1,
		"OldestAge":2000,"NewestAge":1.5,"Duration":250,"Remaining":1000}`, string(line))
}

// Every field of Metrics is in the line.
func TestEMFIsComplete(t *testing.T) {
	for i := range reflect.TypeFor[Metrics]().NumField() {
		var with Metrics
		switch f := reflect.ValueOf(&with).Elem().Field(i); f.Kind() {
		case reflect.Bool:
			f.SetBool(true)
		default:
			f.SetInt(7_000_000)
		}
		zero, err := emfLine(time.UnixMilli(1500), "NS", nil, nil, Metrics{})
		require.NoError(t, err)
		line, err := emfLine(time.UnixMilli(1500), "NS", nil, nil, with)
		require.NoError(t, err)
		require.NotEqual(t, string(zero), string(line), reflect.TypeFor[Metrics]().Field(i).Name)
	}
}

// The rules of the format: every metric and every dimension that is declared is
// a member, at most 100 metrics and 30 dimensions.
func TestEMFRules(t *testing.T) {
	dims := map[string]string{}
	for i := range 40 {
		dims[fmt.Sprintf("d%02d", i)] = "v"
	}
	for _, d := range []map[string]string{nil, {"Service": "relay", "Stage": "prod"}, dims} {
		var out bytes.Buffer
		EMF(&out, func(o *EMFOptions) { o.Dimensions = d })(t.Context(), Metrics{Records: 1, Oldest: 1})
		var doc emfDoc
		require.NoError(t, json.Unmarshal(out.Bytes(), &doc))
		var members map[string]any
		require.NoError(t, json.Unmarshal(out.Bytes(), &members))
		require.WithinDuration(t, time.Now(), time.UnixMilli(doc.AWS.Timestamp), time.Minute)
		require.Len(t, doc.AWS.CloudWatchMetrics, 1)
		m := doc.AWS.CloudWatchMetrics[0]
		require.Equal(t, DefaultNamespace, m.Namespace)
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
	emit := EMF(&out)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				emit(t.Context(), Metrics{Records: 1})
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
	emit := EMF(w)
	emit(t.Context(), Metrics{})
	emit(t.Context(), Metrics{})
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
	var out bytes.Buffer
	EMF(&out, func(o *EMFOptions) {
		o.Dimensions = map[string]string{"Records": "x", "OldestAge": "x", "Remaining": "x", "_aws": "x", "": "x", "Stage": "", "Service": "relay"}
	})(t.Context(), Metrics{Records: 5})
	var line struct {
		AWS     emfMeta `json:"_aws"`
		Records int
		Service string
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	require.Equal(t, [][]string{{"Service"}}, line.AWS.CloudWatchMetrics[0].Dimensions)
	require.Equal(t, "relay", line.Service)
	require.Equal(t, 5, line.Records)
	require.NotContains(t, out.String(), `"Stage"`)
}

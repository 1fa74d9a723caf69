package relay

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"sync"
	"time"
)

// DefaultNamespace is the CloudWatch namespace of [EMF].
const DefaultNamespace = "DynamoDBOutbox/Relay"

// EMFOptions of [EMF].
type EMFOptions struct {
	// Namespace of the metrics in CloudWatch. Zero means [DefaultNamespace].
	Namespace string

	// Dimensions of the metrics, as constants: a service, a stage. At most 30;
	// more are cut off in the order of their names. Left out is what the format
	// cannot have: an empty name or value, and the name of a metric or "_aws".
	// Zero means none: then the metrics are one series for the whole account
	// and region.
	Dimensions map[string]string
}

// EMF returns a callback for [Options].Metrics that writes each invocation's
// metrics to w as one line in the CloudWatch embedded metric format; in a
// Lambda function w is os.Stdout
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
//
// Each line is one Write, and lines of concurrent invocations are not mixed.
// An error of w is ignored: metrics must not fail an invocation.
func EMF(w io.Writer, optFns ...func(*EMFOptions)) func(context.Context, Metrics) {
	var opts EMFOptions
	for _, fn := range optFns {
		if fn != nil {
			fn(&opts)
		}
	}
	if opts.Namespace == "" {
		opts.Namespace = DefaultNamespace
	}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(opts.Dimensions)), func(name string) bool {
		return name == "" || opts.Dimensions[name] == "" || name == "_aws" || slices.ContainsFunc(emfMetrics(fullMetrics),
			func(m emfMetric) bool { return m.Name == name })
	})
	if len(names) > maxDimensions {
		names = names[:maxDimensions]
	}
	dims := make(map[string]string, len(names))
	for _, n := range names {
		dims[n] = opts.Dimensions[n]
	}
	var mu sync.Mutex // one line at a time
	return func(_ context.Context, m Metrics) {
		line, err := emfLine(time.Now(), opts.Namespace, names, dims, m)
		if err != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		_, _ = w.Write(line) // metrics must not fail an invocation
	}
}

// maxDimensions is what one dimension set may hold.
const maxDimensions = 30

type emfMetric struct {
	Name  string
	Unit  string
	value any
}

type emfDirective struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []emfMetric
}

type emfMeta struct {
	Timestamp         int64
	CloudWatchMetrics []emfDirective
}

// emfMetrics are the metrics as the format names them.
func emfMetrics(m Metrics) []emfMetric {
	metrics := make([]emfMetric, 0, 24)
	add := func(name, unit string, value any) { metrics = append(metrics, emfMetric{name, unit, value}) }
	add("Records", "Count", m.Records)
	add("Published", "Count", m.Published)
	add("Deduplicated", "Count", m.Deduplicated)
	add("Suppressed", "Count", m.Suppressed)
	add("DeadLettered", "Count", m.DeadLettered)
	add("Failed", "Count", m.Failed)
	add("SkippedModify", "Count", m.SkippedModify)
	add("SkippedRemove", "Count", m.SkippedRemove)
	add("SkippedService", "Count", m.SkippedService)
	add("SkippedNotEvent", "Count", m.SkippedNotEvent)
	add("SkippedRegion", "Count", m.SkippedRegion)
	add("OutOfOrder", "Count", m.OutOfOrder)
	add("Retried", "Count", m.Retried)
	add("Calls", "Count", m.Calls)
	add("FailedCalls", "Count", m.FailedCalls)
	add("Bytes", "Bytes", m.Bytes)
	add("ConfigFaults", "Count", m.ConfigFaults)
	add("JournalFailed", "Count", m.JournalFailed)
	add("Errors", "Count", count(m.Error))
	if m.Oldest != 0 || m.Newest != 0 { // no event, no age: a zero would pull the average down
		add("OldestAge", "Milliseconds", millis(m.Oldest))
		add("NewestAge", "Milliseconds", millis(m.Newest))
	}
	add("Duration", "Milliseconds", millis(m.Duration))
	if m.Remaining != 0 {
		add("Remaining", "Milliseconds", millis(m.Remaining))
	}
	return metrics
}

// fullMetrics have every metric.
var fullMetrics = Metrics{Oldest: 1, Remaining: 1}

// emfLine is one line of the embedded metric format, with its newline.
func emfLine(now time.Time, namespace string, names []string, dims map[string]string, m Metrics) ([]byte, error) {
	if names == nil {
		names = []string{}
	}
	metrics := emfMetrics(m)
	root := make(map[string]any, len(dims)+len(metrics)+1)
	for k, v := range dims {
		root[k] = v
	}
	for _, metric := range metrics {
		root[metric.Name] = metric.value
	}
	root["_aws"] = emfMeta{
		Timestamp:         now.UnixMilli(),
		CloudWatchMetrics: []emfDirective{{Namespace: namespace, Dimensions: [][]string{names}, Metrics: metrics}},
	}
	line, err := json.Marshal(root)
	return append(line, '\n'), err
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

package custombus_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/custombus"
)

func TestOptions(t *testing.T) {
	p := newPublisher(newBus(), nil)
	require.NoError(t, p.Validate())
	require.Equal(t, relay.Limits{Entries: 100, Bytes: 1_000_000}, p.Limits())
	p = newPublisher(newBus(), func(o *custombus.Options) { o.MaxEntries, o.MaxCallBytes = 7, 2_000_000 })
	require.Equal(t, relay.Limits{Entries: 7, Bytes: 2_000_000}, p.Limits())
}

func TestWhatIsWrongWithTheArguments(t *testing.T) {
	good := config(newBus())
	for _, tt := range []struct {
		name, arn string
		cfg       func(*aws.Config)
		opt       func(*custombus.Options)
		want      []string
	}{
		{name: "a name", arn: "orders", want: []string{`"orders" is not the ARN of a Custom Event Bus`}},
		{name: "no ARN", want: []string{`"" is not the ARN`}},
		{name: "a classic bus", arn: "arn:aws:events:eu-west-1:123456789012:event-bus/orders", want: []string{"relay.NewEventBridge"}},
		{name: "an id of 24", arn: testARN[:len(testARN)-1], want: []string{"is not the ARN"}},
		{name: "a line more", arn: testARN + "\n", want: []string{"is not the ARN"}},
		{name: "no credentials", arn: testARN, cfg: func(c *aws.Config) { c.Credentials = nil }, want: []string{"no credentials"}},
		{name: "too many entries, too few bytes", arn: testARN, opt: func(o *custombus.Options) { o.MaxEntries, o.MaxCallBytes = 101, 65_535 },
			want: []string{"MaxEntries: 101 is out of range, 1 to 100", "MaxCallBytes: 65535 is too small, at least 65536"}},
		{name: "a negative number of entries", arn: testARN, opt: func(o *custombus.Options) { o.MaxEntries = -1 }, want: []string{"MaxEntries: -1"}},
		{name: "no URL", arn: testARN, opt: func(o *custombus.Options) { o.BaseEndpoint = "127.0.0.1:80" }, want: []string{`"127.0.0.1:80" is not an HTTP URL`}},
		{name: "FIPS with an override", arn: testARN, cfg: func(c *aws.Config) {
			c.BaseEndpoint, c.ConfigSources = aws.String("https://x.example"), []any{source{fips: true}}
		},
			want: []string{"FIPS and dual stack cannot be used with a base endpoint"}},
		{name: "an unknown partition", arn: "arn:aws-moon:events:moon-1:123456789012:event-busv2/orders/abcdefghijklmnopqrstuvwx0", want: []string{`partition "aws-moon"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := good.Copy()
			if tt.cfg != nil {
				tt.cfg(&cfg)
			}
			_, err := relay.NewHandler(custombus.New(cfg, tt.arn, tt.opt), relay.Block)
			for _, want := range tt.want {
				require.ErrorContains(t, err, want)
			}
			_, err = custombus.New(cfg, tt.arn, tt.opt).Publish(t.Context(), entries(1))
			require.Equal(t, relay.ConfigFault, callError(t, err).Class, "a publisher that is used all the same sends nothing")
		})
	}
}

func TestExplain(t *testing.T) {
	p := newPublisher(newBus())
	for _, tt := range []struct {
		name   string
		change func(*relay.Entry)
		want   string
	}{
		{"good", func(*relay.Entry) {}, ""},
		{"the greatest lengths", func(e *relay.Entry) {
			e.Source, e.DetailType, e.Resources = long(256), long(128), []string{long(2048), ""}
		}, ""},
		{"ids of any length", func(e *relay.Entry) { e.EventID, e.Group = long(300), long(300) }, ""},
		{"another bus", func(e *relay.Entry) { e.Bus = testARN }, ""},
		{"a classic bus", func(e *relay.Entry) { e.Bus = "orders" }, "the bus is not the ARN of a Custom Event Bus"},
		{"no source", func(e *relay.Entry) { e.Source = "" }, "the source is empty"},
		{"a long source", func(e *relay.Entry) { e.Source = long(257) }, "the source has 257 characters; the bus takes 256"},
		{"a source of AWS's", func(e *relay.Entry) { e.Source = "aws.orders" }, "the source begins with aws."},
		{"no detail-type", func(e *relay.Entry) { e.DetailType = "" }, "the detail-type is empty"},
		{"a long detail-type", func(e *relay.Entry) { e.DetailType = long(129) }, "the detail-type has 129 characters; the bus takes 128"},
		{"no UTF-8", func(e *relay.Entry) { e.DetailType = "a\xff" }, "the detail-type is not UTF-8"},
		{"many resources", func(e *relay.Entry) { e.Resources = make([]string, 101) }, "the entry has 101 resources; the bus takes 100"},
		{"a long resource", func(e *relay.Entry) { e.Resources = []string{"a", long(2049)} }, "the resource has 2049 characters; the bus takes 2048"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := entries(1)[0]
			tt.change(&e)
			require.Equal(t, tt.want, p.Explain(e))
		})
	}
}

package envelope_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

func TestLayoutValidate(t *testing.T) {
	cases := map[string]struct {
		layout  envelope.Layout
		problem string
	}{
		"zero":                 {envelope.Layout{}, ""},
		"aggregate":            {envelope.AggregateLayout(), ""},
		"single table":         {envelope.Layout{PK: "PK", SK: "SK", Marker: "_outbox", Attributes: map[string]string{"type": "Event"}}, ""},
		"name of 255 bytes":    {envelope.Layout{PK: strings.Repeat("p", 255)}, ""},
		"name of 256 bytes":    {envelope.Layout{PK: strings.Repeat("p", 256)}, "PK"},
		"pk is sk":             {envelope.Layout{PK: "k", SK: "k"}, "share"},
		"pk is default sk":     {envelope.Layout{PK: "sk"}, "share"},
		"marker is event":      {envelope.Layout{Marker: "event"}, "Marker"},
		"attribute is ttl":     {envelope.Layout{Attributes: map[string]string{"ttl": "x"}}, "Attributes"},
		"name not UTF-8":       {envelope.Layout{SK: "s\xff"}, "UTF-8"},
		"value not UTF-8":      {envelope.Layout{Attributes: map[string]string{"type": "\xff"}}, "UTF-8"},
		"order without keys":   {envelope.Layout{Ordered: true}, "Ordered"},
		"attribute is unnamed": {envelope.Layout{Attributes: map[string]string{"": "x"}}, "empty"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := c.layout.Validate()
			if c.problem == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.problem)
		})
	}
}

func TestAggregateLayoutKeys(t *testing.T) {
	pk, sk := envelope.AggregateLayout().Keys(envelope.CustomEvent{Headers: envelope.Headers{AggregateID: "user-1", Sequence: 12}})
	require.Equal(t, "user-1", pk)
	require.Equal(t, "12", sk)
}

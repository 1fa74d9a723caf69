package custombus

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// endpoints are the rules of the API's endpoint rule set, version 1.0, for
// requests that name a bus
// (https://github.com/boto/botocore/blob/1.43.106/botocore/data/eventbridgev2/2025-05-15/endpoint-rule-set-1.json.gz).
type endpoints struct {
	override        *url.URL
	noAccount       bool // the host does not name the bus's account
	fips, dualStack bool
}

// suffix are the DNS suffixes of each partition, without and with dual stack.
// The SDK's own table is internal to it
// (https://github.com/aws/aws-sdk-go-v2/blob/v1.48.0/internal/endpoints/awsrulesfn/partitions.json).
var suffix = map[string][2]string{
	"aws":        {"amazonaws.com", "api.aws"},
	"aws-cn":     {"amazonaws.com.cn", "api.amazonwebservices.com.cn"},
	"aws-eusc":   {"amazonaws.eu", "api.amazonwebservices.eu"},
	"aws-iso":    {"c2s.ic.gov", "api.aws.ic.gov"},
	"aws-iso-b":  {"sc2s.sgov.gov", "api.aws.scloud"},
	"aws-iso-e":  {"cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
	"aws-iso-f":  {"csp.hci.ic.gov", "api.aws.hci.ic.gov"},
	"aws-us-gov": {"amazonaws.com", "api.aws"},
}

// newEndpoints reads what the configuration says of endpoints. base is
// [Options].BaseEndpoint.
func newEndpoints(cfg aws.Config, base string) (endpoints, error) {
	e := endpoints{noAccount: cfg.AccountIDEndpointMode == aws.AccountIDEndpointModeDisabled}
	var errs []error
	for i := len(cfg.ConfigSources) - 1; i >= 0; i-- { // the first source wins
		if s, ok := cfg.ConfigSources[i].(interface {
			GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error)
		}); ok {
			state, found, err := s.GetUseFIPSEndpoint(context.Background())
			if errs = append(errs, err); found {
				e.fips = state == aws.FIPSEndpointStateEnabled
			}
		}
		if s, ok := cfg.ConfigSources[i].(interface {
			GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error)
		}); ok {
			state, found, err := s.GetUseDualStackEndpoint(context.Background())
			if errs = append(errs, err); found {
				e.dualStack = state == aws.DualStackEndpointStateEnabled
			}
		}
	}
	if base == "" {
		base = aws.ToString(cfg.BaseEndpoint)
	}
	if base != "" {
		u, err := url.Parse(base)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
			errs = append(errs, fmt.Errorf("custombus: base endpoint %q is not an HTTP URL", base))
		case e.fips || e.dualStack:
			errs = append(errs, errors.New("custombus: FIPS and dual stack cannot be used with a base endpoint"))
		}
		e.override = u
	}
	return e, errors.Join(errs...)
}

// of returns where requests that name the bus are sent.
func (e endpoints) of(bus busARN) (*url.URL, error) {
	if e.override != nil {
		u := *e.override
		u.Path = strings.TrimSuffix(u.Path, "/")
		return &u, nil
	}
	dns, known := suffix[bus.partition]
	if !known {
		return nil, fmt.Errorf("custombus: the partition %q of bus %s is not known; set Options.BaseEndpoint", bus.partition, bus.text)
	}
	host := "eventsv2"
	if e.fips {
		host += "-fips"
	}
	if !e.noAccount {
		host = bus.account + "." + host
	}
	if e.dualStack {
		return &url.URL{Scheme: "https", Host: host + "." + bus.region + "." + dns[1]}, nil
	}
	return &url.URL{Scheme: "https", Host: host + "." + bus.region + "." + dns[0]}, nil
}

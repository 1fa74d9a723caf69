package main

import (
	"errors"
	"fmt"
)

// The groups of names. A verb embeds those that it needs. The tag file lets the
// value come from the configuration file, too.

type common struct {
	Config string `placeholder:"FILE" help:"File with the region and with what is under Names below: lines of the form flag: value. Default: ${config} in this folder, if it is there."`
	Region string `file:"" placeholder:"REGION" help:"AWS region. Default: that of AWS_REGION or of the profile."`
	JSON   bool   `name:"json" help:"Write the result as JSON."`
}

// deploymentName is what the names of a deployment begin with that the templates have
// made.
type deploymentName struct {
	Name string `file:"" group:"names" placeholder:"NAME" default:"outbox" help:"What the names of the deployment begin with, as the templates make them (default ${default}). It is NAME in the lines below."`
}

type eventStoreName struct {
	EventStore string `file:"" group:"names" placeholder:"TABLE" help:"Table of the events. Default: NAME-event-store."`
}

type markerName struct {
	Marker string `file:"" group:"names" placeholder:"ATTRIBUTE" help:"Attribute that marks events, in a table that has other items too. Default: none."`
}

type busName struct {
	Bus string `file:"" group:"names" placeholder:"BUS" help:"Event bus of the relay: a name or an ARN. Default: NAME-bus."`
}

func or(given, otherwise string) string {
	if given != "" {
		return given
	}
	return otherwise
}

// usageError is a fault of the call or of the configuration.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// Ends of a run whose result has said what is wrong.
var (
	errSomeFailed = errors.New("some failed")
	errUnclear    = errors.New("something could not be looked at")
)

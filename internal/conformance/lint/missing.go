// Package lint finds and runs the tools that check the deployment templates:
// cfn-lint for the SAM template, terraform with the AWS provider for the other.
//
// cfn-lint has a pinned version and is installed from PyPI into the folder in
// which the engines are (see package engine). Terraform and its provider are on
// no registry of packages, so they are only looked for.
package lint

import "fmt"

// InstallCommand is what a person types to install what can be installed.
const InstallCommand = "go -C internal/conformance run ./cmd/lint install"

// MissingError says that a tool is not on this machine.
type MissingError struct {
	// Tool is what is missing.
	Tool string
	// Reason is where it was looked for.
	Reason string
	// Remedy is how to get it.
	Remedy string
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("lint: %s is missing (%s); %s", e.Tool, e.Reason, e.Remedy)
}

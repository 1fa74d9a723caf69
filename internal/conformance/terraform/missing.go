// Package terraform finds terraform and its AWS provider, and runs them on the
// deployment templates. They are in no registry of packages, so they are only
// looked for.
package terraform

import "fmt"

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
	return fmt.Sprintf("terraform: %s is missing (%s); %s", e.Tool, e.Reason, e.Remedy)
}

// Package deploy holds what puts the three services on AWS: a SAM template, and a
// Terraform configuration that describes the same resources. Linters look at them
// here; the package deployed of internal/conformance deploys them.
package deploy

// Package deploy holds what puts the three services on AWS: a SAM template, a
// Terraform configuration that describes the same resources. Its tests hold the
// templates to what is promised of them, and docs/cost.md to its own arithmetic.
package deploy

// Package deploy holds what puts the three services on AWS: a SAM template, a
// Terraform configuration that describes the same resources, and a page about
// cost and latency. Its tests hold the templates to what is promised of them.
package deploy

// Package linttest gives tests the tools of package lint. A test whose tool is
// not on the machine is skipped, loudly; with OUTBOX_REQUIRE_ENGINES=1, as in
// CI, it fails instead.
package linttest

import (
	"errors"
	"os"
	"testing"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lint"
)

// AllowNoTerraformEnv names the variable that, set to 1, lets the tests with
// terraform be skipped where everything else is required: terraform and its
// provider are in no package registry, so a CI cannot install them on a bare
// machine.
const AllowNoTerraformEnv = "OUTBOX_ALLOW_NO_TERRAFORM"

// CFNLint ends the test if cfn-lint is not installed.
func CFNLint(t testing.TB) {
	t.Helper()
	_, err := lint.CFNLint()
	need(t, err, false)
}

// Terraform returns terraform with its AWS provider, or ends the test.
func Terraform(t testing.TB) *lint.Terraform {
	t.Helper()
	tf, err := lint.FindTerraform()
	need(t, err, os.Getenv(AllowNoTerraformEnv) == "1")
	return tf
}

func need(t testing.TB, err error, optional bool) {
	t.Helper()
	missing := new(lint.MissingError)
	switch {
	case err == nil:
	case errors.As(err, &missing) && (optional || os.Getenv(enginetest.RequireEnv) != "1"):
		t.Skipf("TOOL MISSING, TEST SKIPPED: %v", err) //nolint:forbidigo // loud, and a failure under OUTBOX_REQUIRE_ENGINES
	default:
		t.Fatal(err)
	}
}

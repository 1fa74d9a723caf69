package engine

import (
	"context"
	"strconv"
)

// https://pypi.org/project/ministack/
const miniStackVersion = "1.5.33"

// samTranslatorVersion is of AWS's own translator of SAM templates, which
// MiniStack's CloudFormation uses if it is there
// (https://pypi.org/project/aws-sam-translator/).
const samTranslatorVersion = "1.115.0"

func miniStackFolder() string {
	return "ministack-" + miniStackVersion + "-translator-" + samTranslatorVersion
}

func installMiniStack(ctx context.Context, dir string, say Say) error {
	return installPython(ctx, dir, say, "ministack=="+miniStackVersion, "aws-sam-translator=="+samTranslatorVersion)
}

func miniStackCommand(dir string, port int) []string {
	// It has no flags for these, and listens on all interfaces unless told. The
	// functions that it runs find it by AWS_ENDPOINT_URL.
	return []string{
		"/usr/bin/env", "GATEWAY_PORT=" + strconv.Itoa(port), "BIND_HOST=127.0.0.1", "MINISTACK_ACCOUNT_ID=" + AccountID,
		"AWS_ENDPOINT_URL=http://127.0.0.1:" + strconv.Itoa(port),
		venvPython(dir), "-m", "ministack",
	}
}

package engine

import (
	"context"
	"strconv"
)

// https://pypi.org/project/ministack/
const miniStackVersion = "1.5.33"

func installMiniStack(ctx context.Context, dir string, say Say) error {
	return installPython(ctx, dir, say, "ministack=="+miniStackVersion)
}

func miniStackCommand(dir string, port int) []string {
	// It has no flags for these, and listens on all interfaces unless told.
	return []string{
		"/usr/bin/env", "GATEWAY_PORT=" + strconv.Itoa(port), "BIND_HOST=127.0.0.1", "MINISTACK_ACCOUNT_ID=" + AccountID,
		venvPython(dir), "-m", "ministack",
	}
}

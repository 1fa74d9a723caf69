package engine

import "context"

const (
	// https://pypi.org/project/botocore/; it has the API EventBridgeV2.
	botocoreVersion = "1.43.106"
	// https://pypi.org/project/cfn-lint/
	cfnLintVersion = "1.58.0"
)

// fromPyPI installs packages that no server is in.
func fromPyPI(packages ...string) func(context.Context, string, Say) error {
	return func(ctx context.Context, dir string, say Say) error { return installPython(ctx, dir, say, packages...) }
}

// Python is the argv of the Python that has the program: botocore, the SAM CLI or
// cfn-lint. It is a *MissingError if it is not installed.
func Python(name Name, args ...string) ([]string, error) {
	dir, err := Installed(name)
	if err != nil {
		return nil, err
	}
	return append([]string{venvPython(dir)}, args...), nil
}

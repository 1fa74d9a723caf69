package engine

import "context"

func installSAM(ctx context.Context, dir string, say Say) error {
	return installPython(ctx, dir, say, "aws-sam-cli=="+samCLIVersion)
}

// SAMCommand is the argv that runs the installed SAM CLI, a *MissingError if it
// is not installed. Its arguments follow.
func SAMCommand() ([]string, error) {
	dir, err := Installed(SAM)
	if err != nil {
		return nil, err
	}
	return []string{venvPython(dir), "-m", "samcli"}, nil
}

package engine

import "context"

// https://pypi.org/project/botocore/; it has the API EventBridgeV2.
const botocoreVersion = "1.43.106"

func installBotocore(ctx context.Context, dir string, say Say) error {
	return installPython(ctx, dir, say, "botocore=="+botocoreVersion)
}

// BotocorePython returns the path of the Python that has the pinned botocore, a
// *MissingError if it is not installed.
func BotocorePython() (string, error) {
	dir, err := Installed(Botocore)
	if err != nil {
		return "", err
	}
	return venvPython(dir), nil
}

package engine

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// minJava is the oldest Java that DynamoDB Local 3.x runs on.
const minJava = 21

// javaHomes are the places where packages and tools put Java.
var javaHomes = []string{
	"/usr/lib/jvm/*",
	"/opt/java/*",
	"/Library/Java/JavaVirtualMachines/*/Contents/Home",
	"/opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home",
	"$HOME/.sdkman/candidates/java/*",
}

// FindJava returns a java program of version minJava or later: that of
// JAVA_HOME, else of PATH, else the first in the usual places.
func FindJava() (string, error) {
	var candidates []string
	if home := os.Getenv("JAVA_HOME"); home != "" {
		candidates = append(candidates, filepath.Join(home, "bin", "java"))
	}
	if path, err := exec.LookPath("java"); err == nil {
		candidates = append(candidates, path)
	}
	for _, pattern := range javaHomes {
		homes, err := filepath.Glob(os.ExpandEnv(pattern))
		if err != nil {
			return "", fmt.Errorf("engine: %w", err)
		}
		sort.Strings(homes)
		for _, home := range homes {
			candidates = append(candidates, filepath.Join(home, "bin", "java"))
		}
	}
	var seen []string
	for _, java := range candidates {
		v, ok := javaVersion(java)
		if ok && v >= minJava {
			return java, nil
		}
		if ok {
			seen = append(seen, fmt.Sprintf("%s is %d", java, v))
		}
	}
	found := "no Java was found"
	if len(seen) > 0 {
		found = strings.Join(seen, ", ")
	}
	return "", &MissingError{Name: DynamoDBLocal, Reason: fmt.Sprintf("it needs Java %d or later in JAVA_HOME, on PATH or under /usr/lib/jvm; %s", minJava, found)}
}

// javaVersion returns the feature version of a java program, 17 for 17.0.15.
// It reads the release file beside it and runs the program only where there is
// none.
func javaVersion(java string) (int, bool) {
	real, err := filepath.EvalSymlinks(java)
	if err != nil {
		return 0, false
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(real)), "release"))
	if err == nil {
		if v, ok := parseJavaVersion(string(text)); ok {
			return v, true
		}
	}
	out, err := exec.Command(real, "-version").CombinedOutput()
	if err != nil {
		return 0, false
	}
	return parseJavaVersion(string(out))
}

var javaVersionPattern = regexp.MustCompile(`(?:JAVA_VERSION=| version )"(?:1\.)?(\d+)`)

// parseJavaVersion reads the feature version from a release file or from what
// java -version prints.
func parseJavaVersion(text string) (int, bool) {
	m := javaVersionPattern.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	v, err := strconv.Atoi(m[1])
	return v, err == nil
}

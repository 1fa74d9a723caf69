package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// defaultConfig is the file that is read if there is one.
const defaultConfig = "outbox.yaml"

// fromFile gives flags that are not given the values of a file: that of --config,
// or the default one if it is there. kong calls the hook once for each part of the
// command line.
func fromFile() kong.Option {
	read := false
	return kong.WithBeforeResolve(func(ctx *kong.Context) error {
		if read {
			return nil
		}
		read = true
		name := ""
		for _, flag := range ctx.Flags() {
			if flag.Name == "config" {
				name, _ = ctx.FlagValue(flag).(string)
			}
		}
		if name == "" {
			if _, err := os.Stat(defaultConfig); errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			name = defaultConfig
		}
		return readConfig(ctx, name)
	})
}

// readConfig adds the values of a file to the flags that are not given.
func readConfig(ctx *kong.Context, name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return usage("--config: %v", err)
	}
	values, err := parseConfig(text)
	if err != nil {
		return usage("%s: %v", name, err)
	}
	known := configKeys(ctx.Model)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if !known[key] {
			return usage("%s: there is no key %q; the keys are %s", name, key, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
	}
	ctx.AddResolver(kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		if v, ok := values[flag.Name]; ok && flag.Tag.Has("file") {
			return v, nil
		}
		return nil, nil
	}))
	return nil
}

// parseConfig reads a flat YAML object of texts.
func parseConfig(text []byte) (map[string]string, error) {
	values := map[string]string{}
	err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&values)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("it must be lines of the form key: value: %w", err)
	}
	return values, nil
}

// configKeys are the names of all flags whose value can come from the file,
// whatever the verb: a team has one file for all of them.
func configKeys(app *kong.Application) map[string]bool {
	keys := map[string]bool{}
	_ = kong.Visit(app, func(n kong.Visitable, next kong.Next) error { // no visitor below fails
		if flag, ok := n.(*kong.Flag); ok && flag.Tag.Has("file") {
			keys[flag.Name] = true
		}
		return next(nil)
	})
	return keys
}

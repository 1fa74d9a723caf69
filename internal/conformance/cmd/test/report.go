package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// report shows what go test shows without -v, and counts.
type report struct {
	out     io.Writer
	passed  int
	failed  []string
	skipped map[string]int // reason to number of tests
	// badModules are the modules whose go test failed, for whatever reason.
	badModules int
}

// event is a line of go test -json (go doc test2json).
type event struct{ Action, Package, Test, Output string }

// read reads the output of one go test.
func (r *report) read(from io.Reader) error {
	type test struct{ pkg, name string }
	said := map[test]string{} // what a test has written that has not ended yet
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return err
		}
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				e = event{Action: "output", Output: string(line)} // the go command's own words
			}
			t := test{e.Package, e.Test}
			switch e.Action {
			case "output", "build-output":
				if e.Test != "" {
					said[t] += e.Output
				} else if e.Output != "PASS\n" && !strings.HasSuffix(e.Output, "[no test files]\n") {
					fmt.Fprint(r.out, e.Output)
				}
			case "pass", "fail", "skip":
				if e.Test != "" {
					r.ended(e, said[t])
					delete(said, t)
				}
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}

func (r *report) ended(e event, said string) {
	switch e.Action {
	case "pass":
		r.passed++
	case "fail":
		r.failed = append(r.failed, e.Package+" "+e.Test)
		fmt.Fprint(r.out, said)
	case "skip":
		r.skipped[reason(said)]++
	}
}

var (
	frame = regexp.MustCompile(`(?m)^(=== |\s*--- ).*\n?`)
	where = regexp.MustCompile(`(?m)^\s+\S+\.go:\d+: `)
)

// reason is what a skipped test has written, without its name and place, so that
// it counts with the others that were skipped for the same.
func reason(said string) string {
	said = strings.TrimSpace(where.ReplaceAllString(frame.ReplaceAllString(said, ""), ""))
	if said == "" {
		return "(no reason given)"
	}
	return said
}

// end prints the sum. The error says that something failed.
func (r *report) end() error {
	skipped := 0
	for _, n := range r.skipped {
		skipped += n
	}
	fmt.Fprintf(r.out, "\n%d tests passed, %d failed, %d were skipped\n", r.passed, len(r.failed), skipped)
	for _, name := range r.failed {
		fmt.Fprintf(r.out, "failed: %s\n", name)
	}
	for _, why := range slices.Sorted(maps.Keys(r.skipped)) {
		fmt.Fprintf(r.out, "skipped, %d: %s\n", r.skipped[why], why)
	}
	if r.badModules > 0 || len(r.failed) > 0 {
		return fmt.Errorf("test: the tests of %d modules failed", r.badModules)
	}
	return nil
}

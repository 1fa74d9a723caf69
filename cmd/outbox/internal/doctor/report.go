// Package doctor looks at a deployment of the outbox on AWS, and says what in it
// loses events, holds them up or will hurt some day, why, and how to mend it. It
// only reads.
//
// Two things about global tables that it knows: a strongly consistent one takes
// no transactions and has no TTL, so it cannot be an event store; and the stream
// of every other one has old and new images and cannot be switched off, which is
// right for the relay.
package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/progress"
)

// Severity says what a finding means for the events.
type Severity string

// The severities.
const (
	OK        Severity = "ok"
	Unchecked Severity = "unchecked" // it could not be looked at
	Warning   Severity = "warning"   // it works, and will hurt some day
	Problem   Severity = "problem"   // events are lost, held up or sent twice
)

// Finding is the outcome of one check of one thing.
type Finding struct {
	Severity Severity `json:"severity"`
	// Check names the check, the same in every run: "mapping.response-types".
	Check string `json:"check"`
	// Subject is what was looked at.
	Subject string `json:"subject"`
	// Found and Want are what is there and what should be.
	Found string `json:"found"`
	Want  string `json:"want,omitempty"`
	// Why says what the difference does. Empty for OK, as are Mend and See.
	Why string `json:"why,omitempty"`
	// Mend is what to do, See a page of AWS about it.
	Mend string `json:"mend,omitempty"`
	See  string `json:"see,omitempty"`
}

// Report is all findings of a run.
type Report struct {
	Name     string    `json:"name"`
	Region   string    `json:"region"`
	Findings []Finding `json:"findings"`
}

// add adds a finding. One that is fine needs no words about it.
func (r *Report) add(f Finding) {
	if f.Severity == OK {
		f.Why, f.Mend, f.See = "", "", ""
	}
	r.Findings = append(r.Findings, f)
}

// verdict adds a finding that is fine if good, and has severity bad if not.
func (r *Report) verdict(good bool, bad Severity, f Finding) {
	f.Severity = bad
	if good {
		f.Severity = OK
	}
	r.add(f)
}

// unchecked adds a finding that could not be judged.
func (r *Report) unchecked(f Finding, why string) {
	f.Severity, f.Why = Unchecked, why
	r.add(f)
}

// count is the number of findings of a severity.
func (r *Report) count(s Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// Exit statuses of a report.
const (
	Healthy  = 0 // warnings at most
	Problems = 1
	Unclear  = 2 // no problem seen, but something could not be looked at
)

// ExitStatus is how a command ends with this report.
func (r *Report) ExitStatus() int {
	switch {
	case r.count(Problem) > 0:
		return Problems
	case r.count(Unchecked) > 0 || len(r.Findings) == 0:
		return Unclear
	}
	return Healthy
}

// WriteText writes the report for a person, the worst first.
func (r *Report) WriteText(b *strings.Builder) {
	fmt.Fprintf(b, "doctor: %s in %s\n", r.Name, r.Region)
	for _, s := range []Severity{Problem, Warning, Unchecked} {
		for _, f := range r.Findings {
			if f.Severity != s {
				continue
			}
			fmt.Fprintf(b, "\n%s  %s\n", strings.ToUpper(string(s)), f.Check)
			for _, row := range [][2]string{{"at", f.Subject}, {"found", f.Found}, {"want", f.Want}, {"why", f.Why}, {"mend", f.Mend}, {"see", f.See}} {
				if row[1] != "" {
					fmt.Fprintf(b, "  %-6s %s\n", row[0], row[1])
				}
			}
		}
	}
	var fine []string
	for _, f := range r.Findings {
		if f.Severity == OK && !slices.Contains(fine, f.Check) {
			fine = append(fine, f.Check)
		}
	}
	if len(fine) > 0 {
		fmt.Fprintf(b, "\nfine: %s\n", strings.Join(fine, ", "))
	}
	fmt.Fprintf(b, "\n%s, %s, %d not checked, %d fine\n",
		progress.Count(r.count(Problem), "problem"), progress.Count(r.count(Warning), "warning"), r.count(Unchecked), r.count(OK))
}

package relay

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReconcile(t *testing.T) {
	ok := Result{Class: Accepted, ID: "1"}
	for _, tt := range []struct {
		name      string
		results   []Result
		err       error
		want      []Class // of two entries
		code      string
		wholeCall bool
	}{
		{name: "both accepted", results: []Result{ok, ok}, want: []Class{Accepted, Accepted}},
		{name: "accepted without an id", results: []Result{{Class: Accepted}, ok}, want: []Class{Accepted, Accepted}},
		{name: "deduplicated", results: []Result{{Class: Deduplicated}, ok}, want: []Class{Deduplicated, Accepted}},
		{name: "too few", results: []Result{ok}, want: []Class{Transient, Transient}, code: "ResultCount"},
		{name: "too many", results: []Result{ok, ok, ok}, want: []Class{Transient, Transient}, code: "ResultCount"},
		{name: "none", want: []Class{Transient, Transient}, code: "ResultCount"},
		{name: "a class of the future", results: []Result{{Class: 77, Code: "x"}, ok}, want: []Class{Transient, Accepted}, code: "x"},
		{name: "an error beats its results", results: []Result{ok, ok}, err: errors.New("broken"), want: []Class{Transient, Transient}, code: "NoAnswer", wholeCall: true},
		{name: "a timeout", err: context.DeadlineExceeded, want: []Class{Transient, Transient}, code: "Timeout", wholeCall: true},
		{name: "a classed error", err: &CallError{Class: ConfigFault, Code: "no"}, want: []Class{ConfigFault, ConfigFault}, code: "no", wholeCall: true},
		{name: "an error that claims success", err: &CallError{Class: Accepted}, want: []Class{Transient, Transient}, code: "CallFailed", wholeCall: true},
		{name: "a nil *CallError as error", err: (*CallError)(nil), want: []Class{Transient, Transient}, wholeCall: true, code: "NoAnswer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, whole := reconcile(2, tt.results, tt.err)
			require.Equal(t, tt.want, []Class{got[0].Class, got[1].Class})
			require.Equal(t, tt.code, got[0].Code)
			require.Equal(t, tt.wholeCall, whole != nil)
		})
	}
}

func TestJudge(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   refusal
		want verdict
	}{
		{"one among accepted ones", refusal{entries: 10, accepted: 9, invalid: 1}, verdictDeadLetter},
		{"nine beside one accepted", refusal{entries: 10, accepted: 1, invalid: 9}, verdictDeadLetter},
		{"every single entry", refusal{entries: 10, invalid: 10}, verdictHold},
		{"every single entry, of a process that works", refusal{entries: 10, invalid: 10, proven: true}, verdictHold},
		{"every single entry, again", refusal{entries: 10, invalid: 10, before: true}, verdictHold},
		{"every single entry, again, of a process that works", refusal{entries: 10, invalid: 10, before: true, proven: true}, verdictDeadLetter},
		{"every single entry, and what was committed explains it", refusal{entries: 10, invalid: 10, explained: true}, verdictDeadLetter},
		{"every single entry, and the stream forgets it", refusal{entries: 10, invalid: 10, age: lastResort}, verdictDeadLetter},
		{"beside transient ones", refusal{entries: 10, invalid: 1}, verdictAgain},
		{"beside transient ones, of a process that works", refusal{entries: 10, invalid: 1, proven: true}, verdictDeadLetter},
		{"alone", refusal{entries: 1, invalid: 1}, verdictProbe},
		{"alone, again", refusal{entries: 1, invalid: 1, before: true}, verdictProbe},
		{"alone, of a process that works", refusal{entries: 1, invalid: 1, proven: true}, verdictDeadLetter},
		{"alone, and the stream forgets it", refusal{entries: 1, invalid: 1, age: lastResort}, verdictDeadLetter},
		{"alone, nearly", refusal{entries: 1, invalid: 1, age: lastResort - time.Second}, verdictProbe},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.want, tt.in.judge())
		})
	}
}

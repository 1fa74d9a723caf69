package relay

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// failures are those of a batch, for the error and for the log.
type failures struct {
	any    bool
	record int // the first that failed, in stream order
	class  Class
	code   string
	cause  error
	count  map[string]int // by class and code
}

// note counts a failure. One that was not reached is the reason only where
// nothing else is.
func (f *failures) note(record int, class Class, code string, cause error) {
	reached := code != codeNotReached
	if reached {
		if f.count == nil {
			f.count = make(map[string]int)
		}
		f.count[class.String()+" "+code]++
	}
	known := f.any && f.code != codeNotReached
	if !f.any || reached && !known || reached == known && record < f.record {
		f.any, f.record, f.class, f.code, f.cause = true, record, class, code, cause
	}
}

func (f *failures) String() string {
	var b strings.Builder
	for i, k := range slices.Sorted(maps.Keys(f.count)) {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s × %d", k, f.count[k])
	}
	return b.String()
}

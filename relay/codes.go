package relay

import "fmt"

// The relay's own codes of faults, beside those of the bus and those of
// internal/noanswer and internal/streamrecord.
const (
	codeNotReached      = "NotReached"      // an earlier record failed, or the time was over
	codeResultCount     = "ResultCount"     // the publisher gave a wrong number of results
	codeNoResult        = "NoResult"        // the zero Result
	codeCallFailed      = "CallFailed"      // a CallError without a code
	codePanic           = "Panic"           // in a callback
	codeRouted          = "Routed"          // Route asked for a dead letter
	codeRouteError      = "RouteError"      // Route failed
	codeRouteIncomplete = "RouteIncomplete" // Route left no source or detail-type
	codeRouteTooLarge   = "RouteTooLarge"   // Route made the entry too large
	codeRouteInvalid    = "RouteInvalid"    // Route broke a rule of the bus
	codeTooLarge        = "TooLarge"        // the event is too large for a call
	codeRuleBroken      = "RuleBroken"      // a dry run: the event breaks a known rule of the bus
	codeNoSuchBus       = "NoSuchBus"       // the bus does not exist
	codeWrongLayout     = "WrongLayout"     // no item of the batch has the event attribute
)

func tooLarge(size, limit int) string {
	return fmt.Sprintf("the entry has %d bytes by the bus's formula; a call may have %d", size, limit)
}

// Package conformance is what judges the library on real engines, and on the
// fakes that its users get. It is a module of its own, for what the tests need is
// no business of those who import the library.
//
//	outbox/…, relay/…    suites; each folder says which package it judges
//	e2e                  the whole chain, from a transaction to a receipt, with faults
//	deployed             the templates of examples/deploy, deployed onto an engine as they are
//	readme               what the README says, compiled and run
//	engine, enginetest   the engines: how they are installed, and how a test gets one
//	release              a release, rehearsed
//	command              the operator's command, built and run as a process
//	cmd                  commands that install the engines and run the tests of every module
//
// The other folders play a part of AWS around the code that is judged
// (lambdapoller, rie, smtptest), break its wires (wirefault), or move its clock
// (movedclock).
package conformance

// Package delivery decides what becomes of the events of one batch: which go
// into the next call, what an answer means for each of them, which belong to
// the dead letters, and which have to come again.
//
// It is pure. It knows no clock, no context, no log and no network. Its caller,
// the shell, asks for the next action, does it, and tells the result:
//
//	b.Start(events, policy, evidence)
//	for {
//		Next  → make this call     → Answered, or Dropped if there is no time
//		Bury  → call the sink      → Buried
//		Doubt → send a probe       → Probed      (only where the user has one)
//	}
//	b.Close()                        // then Bury again, until there is none
//	b.State(i), for each event
//
// Calls and dead letters may be under way at the same time, and in any number.
//
// # The rules
//
// Packing. Events are sent in the order of the batch, as many in a call as fit,
// to one bus. An event waits for every earlier event of its group to be done,
// that is accepted by the bus or by the sink; so a call never holds two of a
// group.
//
// Repetitions first. While an event that was sent and failed may be sent again,
// nothing new is started. Behind an event that has failed for good nothing is
// started at all: whoever delivers the batch again delivers that too, and each
// of those would be a duplicate. With [Policy].Isolate a failed event holds up
// its own group only.
//
// Splitting. A call that is refused as a whole for its content or its size is
// repeated with half the width, until the culprit stands alone.
//
// Whose fault it is. An event is blamed for a refusal only on evidence that our
// way of sending works, for a bad deploy makes the bus refuse every event, and
// must not empty the table into the dead letters. The evidence is an accepted
// entry: in the same call, or of the same bus and this process when the event
// stood alone. Where there is none yet, the event is [Undecided] until the next
// answer of its bus. A call of which every single entry is refused is nobody's
// fault: all of it has failed, and each comes again alone.
//
// Taking turns. An event that comes again alone goes behind those that have had
// fewer turns, so that it cannot take the only call of every delivery. The
// caller keeps [Batch.Turn] from one delivery to the next.
//
// MaxAge. An event that has failed with a fault of its own for too long
// ([Event].Aged) is given up on the same kind of evidence: the same bus has
// accepted another entry since this one first failed ([Batch.FailedAt]). An
// outage is not the event's fault.
package delivery

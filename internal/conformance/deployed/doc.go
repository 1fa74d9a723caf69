// Package deployed judges the templates of examples/deploy by deploying them:
// Terraform and SAM, each as it is, onto a MiniStack of the test's own, which
// runs the functions, their mappings, the bus and the queues. The same story is
// told to both by the deployment's own HTTP API, and a ledger compares what was
// committed, what came out of the bus, and what the consumer kept.
//
// What MiniStack 1.5.33 does not do, and what follows for the story:
//
//   - The mapping of a stream ignores the relay's partial answer, so what the relay
//     holds is lost to it. A step shows that, and publishes the event with the replay;
//     it fails when MiniStack has learnt it. In the step before, the relay fails the
//     whole batch instead.
//   - A mapping of a stream neither waits for its window nor bisects, and keeps no
//     MetricsConfig.
//   - A rule's target has no dead-letter queue and no retries.
//   - Queues have no StartMessageMoveTask: the command requeue moves messages.
//   - It takes the resource of ses:SendEmail to be *, so the messaging service is given
//     that permission. All others are asked of the roles at every call.
//   - Alarms are kept and never looked at. Neither is the architecture of a function,
//     which is a process of this machine.
//   - CloudFormation takes no alarm with metric math, so one alarm is left out of the
//     SAM template. It gives tables neither a TTL nor point-in-time recovery.
package deployed

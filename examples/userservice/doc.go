// Package userservice signs users up. It is the producing service of the
// examples: each change of a user and the event that tells of it are one
// transaction.
//
//	POST  /users       {"email":…,"name":…}    201, 409 if the address is taken
//	GET   /users/{id}                          200
//	PATCH /users/{id}  {"version":…,"name":…}  200, 409 if the version is stale
//
// Read it in this order: [User] and what a request may say (user.go), the
// transactions ([Store]), what makes a repeated POST safe (claim.go), HTTP
// ([Service]), and how API Gateway calls it ([Service.Invoke]).
//
// # Headers
//
// X-Correlation-Id is taken from the request, or made, goes into the event and
// comes back with each answer. X-Event-Id of an answer names the event that was
// committed. A W3C traceparent is continued, through the event too.
//
// # Repeating a POST
//
// A client that got no answer, or a 503, does not know whether the user was
// made. With an Idempotency-Key header it may send the same request again, at
// once or hours later, and gets the same 201 as if nothing had happened, or the
// user is made now: see claim.go for how. A PATCH needs no key, for its version
// makes a second one a 409.
package userservice

package streamrecord

import (
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/header"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// member is a member of one of the objects in a payload that the decoder knows
// by name.
type member uint8

const (
	unknownMember member = iota

	invocationRecords
	invocationWindow
	invocationState
	invocationPayload // of an on-failure record

	recordEventID
	recordEventName
	recordEventVersion
	recordEventSource
	recordSNSSource // as SNS spells it
	recordRegion
	recordChange
	recordUser
	recordStreamARN

	userType
	userPrincipal

	changeCreatedAt
	changeKeys
	changeNewImage
	changeOldImage
	changeSequenceNumber
	changeSizeBytes
	changeView

	imageEvent
	imageMarker

	eventHeaders
	eventPayload

	firstHeader // the others follow, in the order of header.Table
	memberCount = firstHeader + header.Count
)

// level is one of the objects whose members are known.
type level uint8

const (
	inInvocation level = iota
	inRecord
	inUser    // the userIdentity of a record
	inChange  // its dynamodb
	inImage   // its dynamodb.NewImage, the item
	inEvent   // the event attribute
	inHeaders // its headers
	levelCount
)

// levels has the first member of each level. Behind its last one is the first
// of the next level.
var levels = [levelCount + 1]member{
	inInvocation: invocationRecords,
	inRecord:     recordEventID,
	inUser:       userType,
	inChange:     changeCreatedAt,
	inImage:      imageEvent,
	inEvent:      eventHeaders,
	inHeaders:    firstHeader,
	levelCount:   memberCount,
}

// keys tells the members of an object by their names.
type keys struct {
	names  [memberCount]string
	paths  [memberCount]string // for a person
	quoted [memberCount]string // the names as AWS writes them, with quotes and colon; "" if it could be otherwise

	// A stream brings the same objects again and again, and writes the members
	// of each in the same order. So the member that comes after another one is
	// guessed to be the one that came there the last time, and its key compared
	// as a whole. Only where that fails, a key is read and looked up.
	follows [levelCount][memberCount]member

	seen  memberSet // the members of the record that is being read
	twice member    // of those that came twice, the first in the order of the constants
}

// newKeys returns the keys with the configured names of two attributes.
func newKeys(event, marker string) keys {
	k := keys{names: [memberCount]string{
		invocationRecords: "Records", invocationWindow: "window", invocationState: "state", invocationPayload: "payload",
		recordEventID: "eventID", recordEventName: "eventName", recordEventVersion: "eventVersion", recordEventSource: "eventSource",
		recordSNSSource: "EventSource", recordRegion: "awsRegion", recordChange: "dynamodb", recordUser: "userIdentity", recordStreamARN: "eventSourceARN",
		userType: "type", userPrincipal: "principalId",
		changeCreatedAt: "ApproximateCreationDateTime", changeKeys: "Keys", changeNewImage: "NewImage", changeOldImage: "OldImage",
		changeSequenceNumber: "SequenceNumber", changeSizeBytes: "SizeBytes", changeView: "StreamViewType",
		imageEvent: event, imageMarker: marker,
		eventHeaders: "headers", eventPayload: "payload",
	}}
	for i := range header.Table {
		k.names[firstHeader+member(i)] = header.Table[i].Name
	}
	parents := [levelCount]string{inUser: "userIdentity.", inChange: "dynamodb.", inImage: "dynamodb.NewImage.", inEvent: event + ".", inHeaders: event + ".headers."}
	for in, parent := range parents {
		for m := levels[in]; m < levels[in+1]; m++ {
			k.paths[m] = parent + k.names[m]
			if name := k.names[m]; name != "" && jsonlex.QuotedLen(name) == len(name)+len(`""`) {
				k.quoted[m] = `"` + name + `":`
			}
		}
	}
	return k
}

// guess returns the member whose key is at src[p], and the position of its
// value, if it is the member that is expected after last; else unknownMember.
func (k *keys) guess(src []byte, in level, last member, p int) (member, int) {
	m := k.follows[in][last]
	key := k.quoted[m]
	end := p + len(key)
	if key != "" && end < len(src) && src[end] > ' ' && string(src[p:end]) == key {
		return m, end
	}
	return unknownMember, p
}

// named returns the member of that name, unknownMember if there is none, and
// remembers that it came after last.
func (k *keys) named(in level, last member, name []byte) member {
	m := levels[in]
	for m < levels[in+1] && (string(name) != k.names[m] || len(name) == 0) {
		m++
	}
	if m == levels[in+1] {
		m = unknownMember
	}
	k.follows[in][last] = m
	return m
}

// once notes that the record has a member, and reports whether it comes for the
// first time. What is unknown can come any number of times.
func (k *keys) once(m member) bool {
	if m == unknownMember || !k.seen.has(m) {
		k.seen |= 1 << m
		return true
	}
	if k.twice == unknownMember || m < k.twice {
		k.twice = m
	}
	return false
}

// memberSet is a set of members, one bit for each.
type memberSet uint64

func (s memberSet) has(m member) bool { return s>>m&1 != 0 }

var _ memberSet = 1 << memberCount // there are not more members than bits

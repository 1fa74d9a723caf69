package streamrecord

import "time"

// operation is an eventName.
type operation uint8

const (
	unknownOperation operation = iota
	insert
	modify
	remove
)

func operationNamed(name []byte) operation {
	switch string(name) {
	case "INSERT":
		return insert
	case "MODIFY":
		return modify
	case "REMOVE":
		return remove
	}
	return unknownOperation
}

// Members of a record that were not what they should be, as bits. Of a member
// that comes twice the last one counts.
const (
	badName = 1 << iota
	badARN
	badRegion
	badUser
	badChange
	badSequence
	badView
	badImage
)

var badMembers = [...]struct {
	bit  uint16
	name string
}{
	{badName, "eventName"},
	{badARN, "eventSourceARN"},
	{badRegion, "awsRegion"},
	{badUser, "userIdentity"},
	{badChange, "dynamodb"},
	{badSequence, "dynamodb.SequenceNumber"},
	{badView, "dynamodb.StreamViewType"},
	{badImage, "dynamodb.NewImage"},
}

// recordState is what a record says, as far as it has been read.
type recordState struct {
	operation operation
	service   bool // by DynamoDB itself, as userIdentity has it
	bad       uint16
	spans     recordSpans
	change    change
}

// change is its dynamodb member.
type change struct {
	keys      []byte
	createdAt time.Time
	view      string // KEYS_ONLY or OLD_IMAGE, else ""
	hasImage  bool
	unread    int // where an image is that was skipped, else 0
}

// mark notes whether a member is what it should be.
func (s *recordState) mark(bit uint16, ok bool) {
	if ok {
		s.bad &^= bit
	} else {
		s.bad |= bit
	}
}

// fault names the first member that is not what it should be.
func (s *recordState) fault() *Fault {
	for _, m := range badMembers {
		if s.bad&m.bit != 0 {
			return &Fault{BadRecord, m.name + " is not what a stream record has there"}
		}
	}
	return nil
}

// judge says what a record is whose members have all been read.
func (d *Decoder) judge() (Kind, *Fault) {
	st := &d.state
	switch {
	case st.bad != 0:
		return Undecodable, st.fault()
	case st.operation == unknownOperation:
		return Undecodable, &Fault{BadRecord, "eventName is missing or none of INSERT, MODIFY, REMOVE"}
	case st.change.view != "":
		if d.wrongView == nil {
			d.wrongView = &StreamViewError{
				ViewType:       st.change.view,
				StreamARN:      d.metadata.get(st.spans.streamARN),
				SequenceNumber: d.metadata.get(st.spans.sequenceNumber),
			}
		}
		return Undecodable, &Fault{MissingNewImage, "the stream carries no new images"}
	case st.operation == modify:
		return Modify, nil
	case st.operation == remove && st.service:
		return ServiceRemove, nil
	case st.operation == remove:
		return Remove, nil
	case !st.change.hasImage:
		return Undecodable, &Fault{MissingNewImage, "an INSERT without dynamodb.NewImage"}
	}
	return d.judgeItem()
}

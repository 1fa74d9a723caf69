package custombus

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// The body of a request is CBOR (https://www.rfc-editor.org/rfc/rfc8949.html). It
// is written here in one pass, straight from the entries: the SDK's encoder wants
// the Details as strings, and copies them once more.

// The major types of CBOR that a request has.
const (
	majorUint     = 0 << 5
	majorNegative = 1 << 5
	majorText     = 3 << 5
	majorList     = 4 << 5
	majorMap      = 5 << 5
	majorTag      = 6 << 5

	epochTime = 1    // the tag of seconds since 1970
	float64ID = 0xfb // the first byte of a float of 64 bits
)

// putEventsBody returns the body of a PutEvents request
// (https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_PutEvents.html).
func putEventsBody(bus string, entries []relay.Entry) []byte {
	size := 64 + len(bus)
	for i := range entries {
		e := &entries[i]
		size += 192 + len(e.Detail) + len(e.Source) + len(e.DetailType) + len(e.Group) + len(e.EventID)
		for _, r := range e.Resources {
			size += len(r) + 9
		}
	}
	b := appendHead(make([]byte, 0, size), majorMap, 2)
	b = appendText(appendText(b, "EventBusArn"), bus)
	b = appendHead(appendText(b, "Entries"), majorList, uint64(len(entries)))
	for i := range entries {
		b = appendEntry(b, &entries[i])
	}
	return b
}

// describeBody returns the body of a DescribeEventBus request.
func describeBody(bus string) []byte {
	return appendText(appendText(appendHead(nil, majorMap, 1), "EventBusArn"), bus)
}

// appendEntry appends an entry. Members that are empty are left out.
func appendEntry(b []byte, e *relay.Entry) []byte {
	group, token := busID(e.Group), busID(e.EventID)
	members := uint64(3)
	for _, present := range []bool{len(e.Resources) > 0, !e.Time.IsZero(), group != "" || token != ""} {
		members += count(present)
	}
	b = appendHead(b, majorMap, members)
	b = appendText(appendText(b, "Source"), e.Source)
	b = appendText(appendText(b, "DetailType"), e.DetailType)
	b = appendText(appendText(b, "Detail"), e.Detail)
	if len(e.Resources) > 0 {
		b = appendHead(appendText(b, "Resources"), majorList, uint64(len(e.Resources)))
		for _, r := range e.Resources {
			b = appendText(b, r)
		}
	}
	if !e.Time.IsZero() {
		b = appendTime(appendText(b, "Time"), e.Time)
	}
	if group != "" || token != "" {
		b = appendHead(appendText(b, "SystemMetadata"), majorMap, count(group != "")+count(token != ""))
		if group != "" {
			b = appendText(appendText(b, "EventGroupId"), group)
		}
		if token != "" {
			b = appendText(appendText(b, "DeduplicationId"), token)
		}
	}
	return b
}

func count(present bool) uint64 {
	if present {
		return 1
	}
	return 0
}

// appendHead appends the head of a value: its major type, and a number.
func appendHead(b []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n <= math.MaxUint8:
		return append(b, major|24, byte(n))
	case n <= math.MaxUint16:
		return append(b, major|25, byte(n>>8), byte(n))
	case n <= math.MaxUint32:
		return append(b, major|26, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	default:
		return append(b, major|27, byte(n>>56), byte(n>>48), byte(n>>40), byte(n>>32), byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
}

func appendText[S []byte | string](b []byte, s S) []byte {
	return append(appendHead(b, majorText, uint64(len(s))), s...)
}

// appendTime appends the seconds since 1970: a whole number, or a float if there
// are milliseconds, as the AWS SDKs do. What is finer is left out.
func appendTime(b []byte, t time.Time) []byte {
	b = appendHead(b, majorTag, epochTime)
	switch ms := t.UnixMilli(); {
	case ms%1000 != 0:
		bits := math.Float64bits(float64(ms) / 1000)
		b = append(b, float64ID)
		for shift := 56; shift >= 0; shift -= 8 {
			b = append(b, byte(bits>>shift))
		}
		return b
	case ms < 0:
		return appendHead(b, majorNegative, uint64(-1-ms/1000))
	default:
		return appendHead(b, majorUint, uint64(ms/1000))
	}
}

// maxID is the length of a group's and of a deduplication id, in characters
// (https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_PutEventsSystemMetadata.html).
const maxID = 128

// busID returns an id as the bus takes it: itself, or its SHA-256 in hexadecimal
// digits if it is too long for the bus, blank, or no UTF-8. So equal ids stay
// equal, others stay different, and no event is refused for its ids.
func busID(id string) string {
	blank := strings.IndexFunc(id, func(r rune) bool { return r > ' ' && !unicode.IsSpace(r) }) < 0
	if id == "" || !blank && utf8.ValidString(id) && utf8.RuneCountInString(id) <= maxID {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])
}

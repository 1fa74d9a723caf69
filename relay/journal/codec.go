package journal

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// The events of an item are one binary value: the version, and then each event:
//
//	flags    one byte: the forms of the two ids, and the flags below
//	time     varint: ns since the event before; of the first, since the minute began
//	id       of the event, in its form
//	id       that the bus gave, in its form
//	bus      text, if it is another one than that of the event before; the first is ""
//
// A text is its length as uvarint and its bytes.
const version = 1

// The forms of an id. Any string has one, and only one.
const (
	asText = iota
	asULID // 16 bytes, for a ULID as it is usually written: in upper case
	asUUID // 16 bytes, for a UUID as it is usually written: in lower case
)

const (
	busIDShift = 2 // the form of the id that the bus gave
	formMask   = 0b11

	deadLettered = 1 << 4
	otherBus     = 1 << 5
	unusedFlags  = 0b1100_0000
)

// encoder makes the value of an item. The zero encoder is not ready; see
// newEncoder.
type encoder struct {
	text []byte
	at   time.Time // of the event before
	bus  string
}

func newEncoder(minute time.Time) encoder { return encoder{text: []byte{version}, at: minute} }

// add adds an event of the encoder's minute.
func (e *encoder) add(d relay.Done) {
	at := d.At.Round(0) // the minute is one of the wall clock, so the steps within it must be too
	flags := len(e.text)
	e.text = append(e.text, 0)
	e.text = binary.AppendVarint(e.text, int64(at.Sub(e.at)))
	e.text[flags] |= e.id(d.EventID)
	e.text[flags] |= e.id(d.BusID) << busIDShift
	if d.DeadLettered {
		e.text[flags] |= deadLettered
	}
	if d.Bus != e.bus {
		e.text[flags] |= otherBus
		e.string(d.Bus)
	}
	e.at, e.bus = at, d.Bus
}

// id adds an id and returns its form.
func (e *encoder) id(id string) byte {
	switch len(id) {
	case ulid.EncodedSize:
		if u, err := ulid.ParseStrict(id); err == nil && u.String() == id {
			e.text = append(e.text, u[:]...)
			return asULID
		}
	case uuidSize:
		if u, ok := parseUUID(id); ok {
			e.text = append(e.text, u[:]...)
			return asUUID
		}
	}
	e.string(id)
	return asText
}

func (e *encoder) string(s string) {
	e.text = binary.AppendUvarint(e.text, uint64(len(s)))
	e.text = append(e.text, s...)
}

// The faults of a value.
var (
	errVersion = errors.New("it was written by another version of this package")
	errValue   = errors.New("its value is damaged, or of another writer")
)

// decode yields the events of a value. Whatever an encoder makes is read back as
// it was; what cannot be of one is an error.
func decode(text []byte, minute time.Time) iter.Seq2[relay.Done, error] {
	return func(yield func(relay.Done, error) bool) {
		if len(text) == 0 || text[0] != version {
			yield(relay.Done{}, errVersion)
			return
		}
		d := decoder{text: text[1:], minute: minute}
		for n := 1; len(d.text) > 0; n++ {
			done, ok := d.next()
			if !ok {
				yield(relay.Done{}, fmt.Errorf("event %d of it: %w", n, errValue))
				return
			}
			if !yield(done, nil) {
				return
			}
		}
	}
}

type decoder struct {
	text   []byte // what is left
	minute time.Time
	since  time.Duration // from the minute to the event before
	bus    string
}

// next reads an event, and reports whether there was one. There is text left.
func (d *decoder) next() (done relay.Done, ok bool) {
	flags := d.text[0]
	step, n := binary.Varint(d.text[1:])
	if n <= 0 || flags&unusedFlags != 0 {
		return done, false
	}
	d.text = d.text[1+n:]
	since := d.since + time.Duration(step)
	if since < 0 || since >= bucket || step > 0 && since < d.since {
		return done, false
	}
	d.since = since
	done.At = d.minute.Add(since)
	if done.EventID, ok = d.id(flags & formMask); !ok {
		return done, false
	}
	if done.BusID, ok = d.id(flags >> busIDShift & formMask); !ok {
		return done, false
	}
	done.DeadLettered = flags&deadLettered != 0
	if flags&otherBus != 0 {
		if d.bus, ok = d.string(); !ok {
			return done, false
		}
	}
	done.Bus = d.bus
	return done, true
}

func (d *decoder) id(form byte) (string, bool) {
	switch form {
	case asText:
		return d.string()
	case asULID:
		raw, ok := d.take(uint64(len(ulid.ULID{})))
		if !ok {
			return "", false
		}
		return ulid.ULID(raw).String(), true
	case asUUID:
		raw, ok := d.take(16)
		if !ok {
			return "", false
		}
		return formatUUID([16]byte(raw)), true
	default:
		return "", false
	}
}

func (d *decoder) string() (string, bool) {
	size, n := binary.Uvarint(d.text)
	if n <= 0 {
		return "", false
	}
	d.text = d.text[n:]
	raw, ok := d.take(size)
	return string(raw), ok
}

func (d *decoder) take(n uint64) ([]byte, bool) {
	if n > uint64(len(d.text)) {
		return nil, false
	}
	raw := d.text[:n]
	d.text = d.text[n:]
	return raw, true
}

const uuidSize = 36

// parseUUID reads a UUID as formatUUID writes it.
func parseUUID(s string) (u [16]byte, ok bool) {
	var digits [32]byte
	n := 0
	for i := range uuidSize {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return u, false
			}
		case '0' <= c && c <= '9' || 'a' <= c && c <= 'f':
			digits[n] = c
			n++
		default:
			return u, false
		}
	}
	_, err := hex.Decode(u[:], digits[:])
	return u, err == nil
}

func formatUUID(u [16]byte) string {
	var s [uuidSize]byte
	hex.Encode(s[:8], u[:4])
	hex.Encode(s[9:13], u[4:6])
	hex.Encode(s[14:18], u[6:8])
	hex.Encode(s[19:23], u[8:10])
	hex.Encode(s[24:], u[10:])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	return string(s[:])
}

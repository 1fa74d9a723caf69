package journal_test

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/faketable"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/journal"
)

// plain is an event as most are: its id is a ULID, and the bus has given a UUID.
func plain(int) relay.Done { return relay.Done{EventID: ulid.Make().String(), BusID: uuid()} }

func uuid() string {
	var u [16]byte
	for i := range u {
		u[i] = byte(rand.Uint32())
	}
	x := hex.EncodeToString(u[:])
	return strings.Join([]string{x[:8], x[8:12], x[12:16], x[16:20], x[20:]}, "-")
}

// ids are ids that look like something else than they are, and others that users
// may have chosen.
var ids = []string{
	"", "1", "event-1", "é", "\x00", "\xff\xfe", "😀", " ", "order#42", strings.Repeat("x", 127), strings.Repeat("x", 128), strings.Repeat("y", 20_000),
	"01ARZ3NDEKTSV4RRFFQ69G5FAV",                                                             // a ULID
	"01arz3ndektsv4rrffq69g5fav", "01ARZ3NDEKTSV4RRFFQ69G5FAv", "01ARZ3NDEKTSV4RRFFQ69G5FAI", // nearly one
	"7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "00000000000000000000000000", "abcdefghijklmnopqrstuvwxyz", "01ARZ3NDEKTSV4RRFFQ69G5FA-",
	"f47ac10b-58cc-4372-a567-0e02b2c3d479",                                         // a UUID
	"F47AC10B-58CC-4372-A567-0E02B2C3D479", "f47ac10b-58cc-4372-a567-0e02b2c3d47g", // nearly one
	"f47ac10b058cc-4372-a567-0e02b2c3d479", "f47ac10b-58cc-4372-a567-0e02b2c3d4-9", "------------------------------------",
	"00000000-0000-0000-0000-000000000000", "f47ac10b58cc4372a5670e02b2c3d479", "{f47ac10b-58cc-4372-a567-0e02b2c3d479}",
}

// Whatever the ids and the buses are, each event is read as it was written.
func TestEveryIDIsKept(t *testing.T) {
	db := &faketable.Tables{}
	table := journal.New(db, "journal")
	minute := lately()
	var done []relay.Done
	for i, id := range ids {
		at := minute.Add(time.Duration(i) * time.Nanosecond)
		done = append(done, relay.Done{EventID: id, BusID: ids[len(ids)-1-i], At: at}, relay.Done{EventID: "x", BusID: id, At: at},
			relay.Done{EventID: id, Bus: id, DeadLettered: true, At: at})
	}
	want := sorted(append([]relay.Done(nil), done...))
	require.NoError(t, table.Record(t.Context(), done))
	require.Equal(t, want, all(t, table, minute, minute.Add(time.Minute)))
}

// The same, for events drawn at random: of any time, in any order, for any bus.
func TestWhatIsWrittenIsRead(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	draw := rand.New(rand.NewPCG(seed, 0))
	id := func() string {
		switch draw.IntN(4) {
		case 0:
			return ids[draw.IntN(len(ids))]
		case 1:
			return uuid()
		default:
			return ulid.Make().String()
		}
	}
	for range 200 {
		db := &faketable.Tables{PageBytes: 1 + draw.IntN(2000)}
		table := journal.New(db, "journal")
		begin := lately()
		length := time.Duration(draw.Int64N(int64(3 * time.Minute)))
		var want []relay.Done
		for range 1 + draw.IntN(5) {
			var done []relay.Done
			for range 1 + draw.IntN(50) {
				done = append(done, relay.Done{
					EventID: id(), BusID: id(), Bus: []string{"", "orders", "audit"}[draw.IntN(3)], DeadLettered: draw.IntN(9) == 0,
					At: begin.Add(time.Duration(draw.Int64N(1 + int64(length)))).In(time.FixedZone("", 5*60*60+1800)),
				})
			}
			for _, d := range done {
				d.At = d.At.UTC()
				want = append(want, d)
			}
			require.NoError(t, table.Record(t.Context(), done))
		}
		from, to := begin.Add(time.Duration(draw.Int64N(1+int64(length)))), begin.Add(time.Duration(draw.Int64N(1+int64(length))))
		if to.Before(from) {
			from, to = to, from
		}
		require.Equal(t, sorted(within(want, begin, begin.Add(length+1))), all(t, table, begin, begin.Add(length+1)))
		require.Equal(t, sorted(within(want, from, to)), all(t, table, from, to))
	}
}

func within(done []relay.Done, from, to time.Time) (in []relay.Done) {
	for _, d := range done {
		if !d.At.Before(from) && d.At.Before(to) {
			in = append(in, d)
		}
	}
	return in
}

// damage is a value of an item that no journal has written, and what is said of it.
func damage(sound []byte) map[string]types.AttributeValue {
	b := func(v ...byte) types.AttributeValue {
		return &types.AttributeValueMemberB{Value: append([]byte{}, v...)}
	}
	cut := append([]byte(nil), sound[:len(sound)-1]...)
	changed := append([]byte(nil), sound...)
	changed[1] |= 0x80
	return map[string]types.AttributeValue{
		"nothing":                        nil,
		"a text":                         &types.AttributeValueMemberS{Value: "events"},
		"a set":                          &types.AttributeValueMemberBS{Value: [][]byte{sound}},
		"no bytes":                       b(),
		"another version":                b(append([]byte{2}, sound[1:]...)...),
		"the end is missing":             b(cut...),
		"there is more":                  b(append(append([]byte(nil), sound...), 0)...),
		"an unknown flag":                b(changed...),
		"an unknown form":                b(1, 0b11, 0, 1, 'x', 0),
		"an unknown form of the other":   b(1, 0b1100, 0, 1, 'x', 0),
		"flags alone":                    b(1, 0),
		"a time that has no end":         b(1, 0, 0xff, 0xff),
		"a time of too many bytes":       b(1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 'x', 0),
		"a time before the minute":       b(1, 0, 1, 1, 'x', 0),
		"a time behind the minute":       b(1, 0, 0x80, 0xe0, 0xba, 0x84, 0xbf, 0x03, 1, 'x', 0), // 60 s
		"a time past what there is":      b(1, 0, 2, 1, 'x', 0, 0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 1, 'x', 0),
		"a text longer than the item":    b(1, 0, 0, 200, 1, 'x', 0),
		"a text as long as there may be": b(1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 'x', 0),
		"half a ULID":                    b(1, 1, 0, 1, 2, 3),
		"half a UUID":                    b(1, 2, 0, 1, 2, 3),
		"no id of the bus":               b(1, 0, 0, 1, 'x'),
		"no bus":                         b(1, 1<<5, 0, 1, 'x', 0),
	}
}

// What is not of a journal is an error that names the item, and never an event.
func TestDamagedItems(t *testing.T) {
	minute := lately()
	sound := &faketable.Tables{}
	require.NoError(t, journal.New(sound, "journal").Record(t.Context(), []relay.Done{{EventID: "event-1", BusID: "b", At: minute}}))
	value := sound.Items("journal")[0]["events"].(*types.AttributeValueMemberB).Value
	for name, v := range damage(value) {
		t.Run(name, func(t *testing.T) {
			db := &faketable.Tables{}
			pk := minute.Format("2006-01-02T15:04Z") + "/15"
			it := item{"pk": &types.AttributeValueMemberS{Value: pk}, "sk": &types.AttributeValueMemberS{Value: "the item"}}
			if v != nil {
				it["events"] = v
			}
			add(t, db, it)
			table := journal.New(db, "journal")
			var faults []error
			for _, err := range table.Accepted(t.Context(), minute, minute.Add(2*time.Minute)) {
				if err != nil {
					faults = append(faults, err)
				}
			}
			require.Len(t, faults, 1, "nothing comes behind an error")
			require.ErrorContains(t, faults[0], fmt.Sprintf(`journal: table journal, item pk=%q sk="the item": `, pk))
			require.Equal(t, 16, db.Queries(), "the next minute is not asked for")
			_, err := table.Find(t.Context(), "event-2", minute)
			require.ErrorContains(t, err, `sk="the item"`)
		})
	}
}

// Whatever bytes are in an item, reading it ends, and what is read is written as
// the same events.
func FuzzItem(f *testing.F) {
	minute := lately()
	sound := &faketable.Tables{}
	if err := journal.New(sound, "journal").Record(f.Context(), []relay.Done{
		{EventID: "event-1", BusID: uuid(), At: minute}, {EventID: ulid.Make().String(), Bus: "orders", DeadLettered: true, At: minute.Add(time.Second)},
	}); err != nil {
		f.Fatal(err)
	}
	value := sound.Items("journal")[0]["events"].(*types.AttributeValueMemberB).Value
	f.Add(value)
	for _, v := range damage(value) {
		if b, ok := v.(*types.AttributeValueMemberB); ok {
			f.Add(b.Value)
		}
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		read := func(value []byte) (done []relay.Done, err error) {
			db := &faketable.Tables{}
			add(t, db, item{
				"pk": &types.AttributeValueMemberS{Value: minute.Format("2006-01-02T15:04Z") + "/00"}, "sk": &types.AttributeValueMemberS{Value: "x"},
				"events": &types.AttributeValueMemberB{Value: value},
			})
			for d, err := range journal.New(db, "journal").Accepted(t.Context(), minute, minute.Add(time.Minute)) {
				if err != nil {
					return nil, err
				}
				done = append(done, d)
			}
			return done, nil
		}
		done, err := read(value)
		if err != nil || len(done) == 0 {
			return
		}
		db := &faketable.Tables{}
		table := journal.New(db, "journal")
		want := sorted(append([]relay.Done(nil), done...))
		require.NoError(t, table.Record(t.Context(), done))
		require.Equal(t, want, all(t, table, minute, minute.Add(time.Minute)))
	})
}

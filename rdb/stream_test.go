package rdb_test

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/rdb"
)

// A streamEntry is an entry of a test's stream.
type streamEntry struct {
	id    rdb.StreamID
	pairs []string
}

func entriesOf(list []streamEntry) iter.Seq2[rdb.StreamID, []string] {
	return func(yield func(rdb.StreamID, []string) bool) {
		for _, e := range list {
			if !yield(e.id, e.pairs) {
				return
			}
		}
	}
}

// id reads "1-2".
func id(s string) (id rdb.StreamID) {
	if n, err := fmt.Sscanf(s, "%d-%d", &id.Ms, &id.Seq); n != 2 || err != nil {
		panic(s)
	}
	return id
}

// rawID is an ID as it stands among pending entries.
func rawID(s string) string {
	n := id(s)
	p := []byte(ms(int64(n.Ms)))
	q := []byte(ms(int64(n.Seq)))
	slices.Reverse(p)
	slices.Reverse(q)
	return string(p) + string(q)
}

// node is a node whose ID is 5-1, of entries with the fields a and b: 5-1 with these, 5-2 deleted, 6-0 with others.
var node = "\x10" + rawID("5-1") + str(rdb.Pack("\x02", "\x01", "\x02", "\x81a", "\x81b", "\x00",
	"\x02", "\x00", "\x00", "\x01", "\x82xy", "\x05",
	"\x03", "\x00", "\x01", "\x07", "\x08", "\x05",
	"\x00", "\x01", "\xdf\xff", "\x01", "\x81c", "\x09", "\x06"))

const nodeText = "\t5-1 \"a\"=\"1\" \"b\"=\"xy\"\n\t6-0 \"c\"=\"9\"\n"

// history is what type 19 has behind the last ID: first 5-1, deleted 5-2, three added.
const history = "\x05\x01\x05\x02\x03"

var (
	pending = rawID("5-1") + ms(1000) + "\x02" + rawID("6-0") + ms(-1) + "\x01"
	since21 = "\x01c" + ms(7) + ms(-1) + "\x02" + rawID("5-1") + rawID("6-0") + "\x01d" + ms(8) + ms(9) + "\x00"
	most    = "\x81\xff\xff\xff\xff\xff\xff\xff\xff"
)

var streamBodies = []struct {
	name       string
	version    int
	body, want string
}{
	{"empty", 9, "\x0f\x01s\x00\x00\x00\x00\x00", "\tstate: 0 entries from 0-0, last 0-0, deleted 0-0, added 0\n"},
	{"type 15", 9, "\x0f\x01s\x01" + node + "\x02\x06\x00" + "\x04" +
		"\x01f\x00\x00\x00\x00" + "\x01g\x05\x01\x02" + pending + "\x01\x01c" + ms(7) + "\x02" + rawID("5-1") + rawID("6-0") + "\x01h\x06\x00\x00\x00" + "\x01i\x05\x05\x00\x00",
		nodeText + "\tstate: 2 entries from 5-1, last 6-0, deleted 0-0, added 2\n" +
			"\tgroup \"f\": last 0-0, read 0, 0 pending\n" +
			"\tgroup \"g\": last 5-1, read 1, 2 pending\n\t\tpending 5-1: at 1000, 2 times\n\t\tpending 6-0: at -1, 1 times\n" +
			"\t\tconsumer \"c\": seen 7, active 7, 2 pending\n\t\t\towned 5-1\n\t\t\towned 6-0\n" +
			"\tgroup \"h\": last 6-0, read 2, 0 pending\n" +
			"\tgroup \"i\": last 5-5, read -1, 0 pending\n"},
	{"type 15 without entries", 9, "\x0f\x01s\x00\x00\x09\x01\x01\x01g\x09\x01\x00\x00",
		"\tstate: 0 entries from 0-0, last 9-1, deleted 0-0, added 0\n\tgroup \"g\": last 9-1, read 0, 0 pending\n"},
	{"type 19", 10, "\x13\x01s\x01" + node + "\x02\x06\x00" + history + "\x02" +
		"\x01g\x05\x01\x01\x02" + pending + "\x01\x01c" + ms(7) + "\x02" + rawID("5-1") + rawID("6-0") + "\x01h\x06\x00" + most + "\x00\x00",
		nodeText + "\tstate: 2 entries from 5-1, last 6-0, deleted 5-2, added 3\n" +
			"\tgroup \"g\": last 5-1, read 1, 2 pending\n\t\tpending 5-1: at 1000, 2 times\n\t\tpending 6-0: at -1, 1 times\n" +
			"\t\tconsumer \"c\": seen 7, active 7, 2 pending\n\t\t\towned 5-1\n\t\t\towned 6-0\n" +
			"\tgroup \"h\": last 6-0, read -1, 0 pending\n"},
	{"type 21", 11, "\x15\x01s\x01" + node + "\x02\x06\x00" + history + "\x01\x01g\x05\x01\x01\x02" + pending + "\x02" + since21,
		nodeText + "\tstate: 2 entries from 5-1, last 6-0, deleted 5-2, added 3\n" +
			"\tgroup \"g\": last 5-1, read 1, 2 pending\n\t\tpending 5-1: at 1000, 2 times\n\t\tpending 6-0: at -1, 1 times\n" +
			"\t\tconsumer \"c\": seen 7, active -1, 2 pending\n\t\t\towned 5-1\n\t\t\towned 6-0\n\t\tconsumer \"d\": seen 8, active 9, 0 pending\n"},
	{"type 26", 13, "\x1a\x01s\x01" + node + "\x02\x06\x00" + history + "\x01\x01g\x05\x01\x01\x02" + pending + "\x02" + since21 +
		"\x40\x64\x40\xff\x02\x01p\x02\x01i\x05\x01\x01j\x06\x00\x01q\x00\x07\x01",
		nodeText + "\tstate: 2 entries from 5-1, last 6-0, deleted 5-2, added 3\n" +
			"\tgroup \"g\": last 5-1, read 1, 2 pending\n\t\tpending 5-1: at 1000, 2 times\n\t\tpending 6-0: at -1, 1 times\n" +
			"\t\tconsumer \"c\": seen 7, active -1, 2 pending\n\t\t\towned 5-1\n\t\t\towned 6-0\n\t\tconsumer \"d\": seen 8, active 9, 0 pending\n" +
			"\tdedup: 100 s, 255 IDs\n\t\tproducer \"p\": 2 IDs\n\t\t\t\"i\" is 5-1\n\t\t\t\"j\" is 6-0\n\t\tproducer \"q\": 0 IDs\n\tdedup totals: 7, 1 duplicates\n"},
	{"type 27", 14, "\x1b\x01s\x01" + node + "\x02\x06\x00" + history + "\x01\x01g\x05\x01\x01\x02" + pending + "\x01\x01c" + ms(7) + ms(8) + "\x00" +
		"\x02" + rawID("6-0") + rawID("5-1") + "\x00\x00\x00\x00\x00",
		nodeText + "\tstate: 2 entries from 5-1, last 6-0, deleted 5-2, added 3\n" +
			"\tgroup \"g\": last 5-1, read 1, 2 pending\n\t\tpending 5-1: at 1000, 2 times\n\t\tpending 6-0: at -1, 1 times\n" +
			"\t\tconsumer \"c\": seen 7, active 8, 0 pending\n\t\t\treleased 6-0\n\t\t\treleased 5-1\n" +
			"\tdedup: 0 s, 0 IDs\n\tdedup totals: 0, 0 duplicates\n"},
	{"highest ID", 10, "\x13\x01s\x00\x00" + most + most + "\x00\x00" + most + most + "\x05\x00",
		"\tstate: 0 entries from 0-0, last 18446744073709551615-18446744073709551615, deleted 18446744073709551615-18446744073709551615, added 5\n"},
}

func TestStreamParts(t *testing.T) {
	for _, tt := range streamBodies {
		file := fileOf(tt.version, tt.body+"\x00\x04last\x01!")
		want := "stream \"s\"\n" + tt.want + "string \"last\" = \"!\"\n"
		for _, size := range []int{0, 20, 1 << 16} {
			got := dump(rdb.NewDecoderSize(bytes.NewReader(file), size))
			if got, _, _ = strings.Cut(got, "end of"); got != want {
				t.Errorf("%s through a buffer of %d bytes: decodes to\n%s\nwant\n%s", tt.name, size, got, want)
			}
		}
	}
}

// Read to anywhere and left, a stream is skipped.
func TestStreamSkips(t *testing.T) {
	for _, tt := range streamBodies {
		for parts := 0; parts < 20; parts++ {
			d := rdb.NewDecoder(bytes.NewReader(fileOf(tt.version, tt.body+"\x00\x04last\x01!")), nil)
			if rec, err := d.Next(); err != nil || rec.Kind != rdb.Stream {
				t.Fatal(rec.Kind, err)
			}
			for i := 0; i < parts; i++ {
				if _, _, err := d.StreamPart(); err != nil {
					t.Fatal(err)
				}
				if parts%2 == 1 {
					d.Field()
				}
			}
			if rec, err := d.Next(); err != nil || string(rec.Key) != "last" {
				t.Errorf("%s, left behind %d parts: %q, %v", tt.name, parts, rec.Key, err)
			}
		}
	}
}

func TestStreamCorrupt(t *testing.T) {
	nodeOf := func(entries ...string) string { return "\x0f\x01s\x01\x10" + rawID("5-1") + str(rdb.Pack(entries...)) }
	const rest = "\x01\x05\x01\x00"
	tests := []struct{ name, body, want string }{
		{"node ID", "\x0f\x01s\x01\x0fabcdefghijklmno", "stream node at offset 13: has an ID that is not 16 bytes"},
		{"node that is none", "\x0f\x01s\x01\x10" + rawID("5-1") + "\x01x", "stream node at offset 30: shorter than its frame"},
		{"node without entries", nodeOf(), "has text, or nothing, where a number belongs"},
		{"number of entries as text", nodeOf("\x81a"), "has text, or nothing"},
		{"negative number of entries", nodeOf("\xdf\xff", "\x00", "\x00", "\x00"), "does not state as many entries"},
		{"more names than bytes", nodeOf("\x01", "\x00", "\xc7\xff", "\x00"), "does not state as many entries"},
		{"more names than elements", nodeOf("\x01", "\x00", "\x04", "\x00"), "less elements than its entries"},
		{"names without an end", nodeOf("\x01", "\x00", "\x01", "\x00", "\x01"), "names without an end"},
		{"entry cut", nodeOf("\x01", "\x00", "\x00", "\x00", "\x02", "\x00"), "has text, or nothing"},
		{"value missing", nodeOf("\x01", "\x00", "\x01", "\x81a", "\x00", "\x02", "\x00", "\x00"), "less elements than its entries"},
		{"negative number of pairs", nodeOf("\x01", "\x00", "\x00", "\x00", "\x00", "\x00", "\x00", "\xdf\xff"), "does not state as many entries"},
		{"wrong count behind", nodeOf("\x01", "\x00", "\x00", "\x00", "\x02", "\x00", "\x00", "\x04"), "wrong count behind an entry"},
		{"entry that is not counted", nodeOf("\x00", "\x00", "\x00", "\x00", "\x02", "\x00", "\x00", "\x03"), "does not state as many entries"},
		{"deleted entry that is not counted", nodeOf("\x01", "\x00", "\x00", "\x00", "\x03", "\x00", "\x00", "\x03"), "does not state as many entries"},
		{"same ID twice", nodeOf("\x02", "\x00", "\x00", "\x00", "\x02", "\x00", "\x00", "\x03", "\x02", "\x00", "\x00", "\x03"), "entries that are not in order"},
		{"more entries stated", nodeOf("\x01", "\x00", "\x00", "\x00", "\x02", "\x00", "\x00", "\x03") + "\x02\x05\x01\x00", "not state as many entries as there are"},
		{"last ID too low", nodeOf("\x01", "\x00", "\x00", "\x00", "\x02", "\x00", "\x00", "\x03") + "\x01\x05\x00\x00", "states an ID below that of an entry"},
		{"pending beyond any memory", "\x0f\x01s\x00\x00\x00\x00\x01\x01g\x00\x00\x81\x7f\xff\xff\xff\xff\xff\xff\xff", "stream pending entry at offset 30: unexpected EOF"},
		{"negative number of pending", "\x0f\x01s\x00\x00\x00\x00\x01\x01g\x00\x00\x81\x80\x00\x00\x00\x00\x00\x00\x00", "stream group at offset 19: invalid length"},
	}
	for _, tt := range tests {
		err := readAll(rdb.NewDecoder(bytes.NewReader(fileOf(9, tt.body+rest)), nil))
		var corrupt *rdb.CorruptError
		if !errors.As(err, &corrupt) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestStreamWrongCall(t *testing.T) {
	d := rdb.NewDecoder(bytes.NewReader(fileOf(9, "\x00\x01a\x01b"+streamBodies[1].body)), nil)
	if _, _, err := d.StreamPart(); err == nil {
		t.Error("StreamPart before Next gives no error")
	}
	d.Next()
	if _, _, err := d.StreamPart(); err == nil {
		t.Error("StreamPart of a string gives no error")
	}
	d.Next()
	if _, _, ok, err := d.Field(); ok || err != nil {
		t.Errorf("Field before the first entry: %v, %v", ok, err)
	}
	for ok := true; ok; {
		var err error
		if _, ok, err = d.StreamPart(); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok, err := d.StreamPart(); ok || err != nil {
		t.Errorf("StreamPart after the last: %v, %v", ok, err)
	}
	if _, _, ok, err := d.Field(); ok || err != nil {
		t.Errorf("Field behind the entries: %v, %v", ok, err)
	}
}

// aStream writes a stream with everything that a stream can have, and returns what a dump says of it.
func aStream(e *rdb.Encoder, key string, list []streamEntry) string {
	last := rdb.StreamID{Ms: math.MaxUint64, Seq: 3}
	first := rdb.StreamID{}
	if len(list) > 0 {
		first = list[0].id
	}
	e.BeginStream(key, rdb.StreamState{Last: last, First: first, Deleted: id("2-2"), Added: 1 << 40, Groups: 3}, entriesOf(list), 0)
	e.StreamGroup("empty", rdb.StreamID{}, 0, 0, 0)
	e.StreamGroup("no consumers", id("7-7"), -1, 1, 0)
	e.StreamPending(id("7-6"), 1234, 1)
	e.StreamGroup("all", last, 1<<40, 2, 3)
	e.StreamPending(id("1-1"), 1, 2)
	e.StreamPending(id("1-2"), 3, 1<<33)
	e.StreamConsumer("x", 5, 6, 1)
	e.StreamOwned(id("1-2"))
	e.StreamConsumer("y", 7, -1, 0)
	e.StreamConsumer("z", 8, 9, 1)
	e.StreamOwned(id("1-1"))
	return "stream " + short([]byte(key)) + "\n" + entriesText(list) +
		fmt.Sprintf("\tstate: %d entries from %v, last %v, deleted 2-2, added 1099511627776\n", len(list), first, last) +
		"\tgroup \"empty\": last 0-0, read 0, 0 pending\n" +
		"\tgroup \"no consumers\": last 7-7, read -1, 1 pending\n\t\tpending 7-6: at 1234, 1 times\n" +
		"\tgroup \"all\": last 18446744073709551615-3, read 1099511627776, 2 pending\n" +
		"\t\tpending 1-1: at 1, 2 times\n\t\tpending 1-2: at 3, 8589934592 times\n" +
		"\t\tconsumer \"x\": seen 5, active 6, 1 pending\n\t\t\towned 1-2\n\t\tconsumer \"y\": seen 7, active -1, 0 pending\n" +
		"\t\tconsumer \"z\": seen 8, active 9, 1 pending\n\t\t\towned 1-1\n"
}

func entriesText(list []streamEntry) string {
	var b strings.Builder
	for i, e := range list {
		if i == 20 {
			fmt.Fprintf(&b, "\t... %d entries\n", len(list))
			break
		}
		fmt.Fprintf(&b, "\t%v", e.id)
		for j := 0; j < len(e.pairs); j += 2 {
			fmt.Fprintf(&b, " %s=%s", short([]byte(e.pairs[j])), short([]byte(e.pairs[j+1])))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// entryLists are entries of the shapes that an encoder treats differently.
func entryLists() map[string][]streamEntry {
	lists := map[string][]streamEntry{"none": nil}
	for name, pairs := range map[string][]string{
		"small":        {"a", "1", "b", "2"},
		"no pairs":     {},
		"numbers":      {"1", "-1", "2", "127", "3", "128", "4", "4095", "5", "-4096", "6", "4096", "7", "32767", "8", "8388607", "9", "-8388608", "10", "2147483648", "11", "-9223372036854775808"},
		"no numbers":   {"01", "-0", "+1", "--1", "", "1 ", "9223372036854775808", "-"},
		"lengths":      {strings.Repeat("f", 63), strings.Repeat("g", 64), strings.Repeat("h", 127), strings.Repeat("i", 4095), strings.Repeat("j", 4096), strings.Repeat("k", 16400)},
		"large values": {"f", strings.Repeat("x", 300_000)},
	} {
		var list []streamEntry
		for i := range 250 {
			list = append(list, streamEntry{rdb.StreamID{Ms: 1000 + uint64(i/3), Seq: uint64(i % 3 * 7)}, pairs})
		}
		lists[name] = list[:max(1, min(250, 3_000_000/(1+len(strings.Join(pairs, "")))))]
	}
	mixed := []streamEntry{{rdb.StreamID{Seq: 1}, []string{"a", "1"}}, {rdb.StreamID{Ms: 1}, []string{"b", "1"}}, {rdb.StreamID{Ms: 1, Seq: math.MaxUint64}, []string{"a", "1", "b", "2"}},
		{rdb.StreamID{Ms: math.MaxUint64}, []string{"a", "4"}}}
	lists["mixed"] = mixed
	return lists
}

// What is written is read back, in every version that can be chosen, and as a payload of DUMP.
func TestStreamRoundTrip(t *testing.T) {
	for name, list := range entryLists() {
		for version, drop := range map[int]func(string) string{
			0:  activeIsSeen,
			9:  func(s string) string { return asType15(activeIsSeen(s), list) },
			10: activeIsSeen,
			11: func(s string) string { return s },
			12: func(s string) string { return s },
		} {
			o := &rdb.EncoderOptions{Version: version, Compress: version%2 == 0}
			var want string
			file := encode(t, o, func(e *rdb.Encoder) { want = aStream(e, "s", list); e.String("after", "v", 0) })
			want = drop(want) + "string \"after\" = \"v\"\n"
			if got, _, _ := strings.Cut(dump(rdb.NewDecoder(bytes.NewReader(file), nil)), "end of"); got != want {
				t.Errorf("%s in version %d: decodes to\n%s\nwant\n%s", name, version, got, want)
			}
			var payload bytes.Buffer
			e := rdb.NewDumpEncoder(&payload, o)
			want = drop(strings.Replace(aStream(e, "s", list), `"s"`, `""`, 1))
			if err := e.End(); err != nil {
				t.Fatal(err)
			}
			if got, _, _ := strings.Cut(dump(rdb.NewDumpDecoder(payload.Bytes(), nil)), "end of"); got != want {
				t.Errorf("%s as a payload of version %d: decodes to\n%s\nwant\n%s", name, version, got, want)
			}
		}
	}
}

// activeIsSeen is what readers see of a text where active is not in the file.
func activeIsSeen(s string) string {
	return strings.NewReplacer("seen 5, active 6", "seen 5, active 5", "active -1", "active 7", "active 9", "active 8", "active 1700000000006", "active 1700000000005").Replace(s)
}

// asType15 is what readers make of a text where the history of the stream is not in the file.
func asType15(s string, list []streamEntry) string {
	n := fmt.Sprint(len(list))
	read := "-1"
	if len(list) == 0 {
		n, read = "0", "0"
	}
	s = strings.NewReplacer("deleted 2-2, added 1099511627776", "deleted 0-0, added "+n,
		"read 1099511627776", "read "+n, "last 7-7, read -1", "last 7-7, read "+read).Replace(s)
	if len(list) > 0 && list[0].id.Compare(id("7-7")) > 0 {
		s = strings.Replace(s, "last 7-7, read -1", "last 7-7, read 0", 1)
	}
	return s
}

// Nodes are as full as servers make them, and no fuller: neither by number nor by bytes.
func TestStreamNodes(t *testing.T) {
	for name, entries := range map[string]int{"small": 100, "large values": 1} {
		list := entryLists()[name]
		file := encode(t, nil, func(e *rdb.Encoder) {
			e.BeginStream("s", rdb.StreamState{Last: list[len(list)-1].id}, entriesOf(list), 0)
		})
		if got, want := int(file[12]), (len(list)+entries-1)/entries; got != want {
			t.Errorf("%s: %d nodes for %d entries, want %d", name, got, len(list), want)
		}
	}
}

func TestStreamEncoderRefuses(t *testing.T) {
	one := entriesOf([]streamEntry{{id("1-1"), []string{"f", "v"}}})
	state := rdb.StreamState{Last: id("1-1")}
	calls := 0
	tests := []struct {
		name  string
		calls func(*rdb.Encoder)
	}{
		{"entries out of order", func(e *rdb.Encoder) {
			e.BeginStream("s", state, entriesOf([]streamEntry{{id("1-1"), nil}, {id("1-0"), nil}}), 0)
		}},
		{"an ID twice", func(e *rdb.Encoder) {
			e.BeginStream("s", state, entriesOf([]streamEntry{{id("1-1"), nil}, {id("1-1"), nil}}), 0)
		}},
		{"ID zero", func(e *rdb.Encoder) { e.BeginStream("s", state, entriesOf([]streamEntry{{id("0-0"), nil}}), 0) }},
		{"entry behind the last ID", func(e *rdb.Encoder) { e.BeginStream("s", rdb.StreamState{Last: id("1-0")}, one, 0) }},
		{"name without a value", func(e *rdb.Encoder) {
			e.BeginStream("s", state, entriesOf([]streamEntry{{id("1-1"), []string{"f"}}}), 0)
		}},
		{"other entries the second time", func(e *rdb.Encoder) {
			e.BeginStream("s", state, func(yield func(rdb.StreamID, []string) bool) {
				if calls++; calls == 1 {
					yield(id("1-1"), nil)
				}
			}, 0)
		}},
		{"group that is missing", func(e *rdb.Encoder) {
			e.BeginStream("s", rdb.StreamState{Last: id("1-1"), Groups: 1}, one, 0)
		}},
		{"group too many", func(e *rdb.Encoder) {
			e.BeginStream("s", state, one, 0)
			e.StreamGroup("g", id("1-1"), 1, 0, 0)
		}},
		{"pending that is missing", func(e *rdb.Encoder) {
			e.BeginStream("s", rdb.StreamState{Last: id("1-1"), Groups: 1}, one, 0)
			e.StreamGroup("g", id("1-1"), 1, 1, 1)
			e.StreamConsumer("c", 1, 1, 0)
		}},
		{"consumer that is missing", func(e *rdb.Encoder) {
			e.BeginStream("s", rdb.StreamState{Last: id("1-1"), Groups: 1}, one, 0)
			e.StreamGroup("g", id("1-1"), 1, 0, 1)
		}},
		{"owned that is missing", func(e *rdb.Encoder) {
			e.BeginStream("s", rdb.StreamState{Last: id("1-1"), Groups: 2}, one, 0)
			e.StreamGroup("g", id("1-1"), 1, 0, 1)
			e.StreamConsumer("c", 1, 1, 1)
			e.StreamGroup("h", id("1-1"), 1, 0, 0)
		}},
		{"owned of nobody", func(e *rdb.Encoder) {
			e.BeginStream("s", rdb.StreamState{Last: id("1-1"), Groups: 1}, one, 0)
			e.StreamOwned(id("1-1"))
		}},
		{"pending of nothing", func(e *rdb.Encoder) { e.StreamPending(id("1-1"), 1, 1) }},
		{"negative number of groups", func(e *rdb.Encoder) { e.BeginStream("s", rdb.StreamState{Groups: -1}, one, 0) }},
		{"negative number of pending", func(e *rdb.Encoder) {
			e.BeginStream("s", rdb.StreamState{Last: id("1-1"), Groups: 1}, one, 0)
			e.StreamGroup("g", id("1-1"), 1, -1, 0)
		}},
		{"field within a stream", func(e *rdb.Encoder) {
			e.BeginStream("s", state, one, 0)
			e.Field("f", "v")
		}},
	}
	for _, tt := range tests {
		e := rdb.NewEncoder(&bytes.Buffer{}, nil)
		tt.calls(e)
		if err := e.End(); err == nil {
			t.Errorf("%s: no error", tt.name)
		}
	}
}

// Reading streams and deadlines of fields costs no allocation, however many entries there are.
func TestStreamAllocations(t *testing.T) {
	one := streamBodies[6].body + "\x18\x01h" + ms(100) + "\x03\x01\x01a\x011\x00\x01b\x012\x53\x25\x01c\x013" + "\x07\x01m" + aModule
	d := rdb.NewDecoder(bytes.NewReader(fileOf(14, strings.Repeat(one, 1500))), nil)
	read := func() {
		for range 3 {
			rec, err := d.Next()
			if err != nil {
				t.Fatal(err)
			}
			for ok := rec.Kind == rdb.Stream; ok && err == nil; {
				var p rdb.StreamPart
				p, ok, err = d.StreamPart()
				for more := p.Op == rdb.PartEntry; more && err == nil; {
					_, _, more, err = d.Field()
				}
			}
			for ok := rec.Kind == rdb.Hash; ok && err == nil; {
				_, _, _, ok, err = d.DatedField()
			}
			if rec.Kind == rdb.Module {
				_, err = d.Module()
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := testing.AllocsPerRun(1000, read); n != 0 {
		t.Errorf("%v allocations for a stream, a hash and a module's value", n)
	}
}

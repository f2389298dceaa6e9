package rdb_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/understudy-go/understudy/rdb"
)

// fileOf returns a whole file of the given version around body.
func fileOf(version int, body string) []byte {
	b := fmt.Appendf(nil, "REDIS%04d%s\xff", version, body)
	return binary.LittleEndian.AppendUint64(b, rdb.CRC64(b))
}

// str returns the plain form of a string, with its length in 32 bits.
func str[T string | []byte](s T) string {
	return string(binary.BigEndian.AppendUint32([]byte{0x80}, uint32(len(s)))) + string(s)
}

// ms returns eight bytes, low byte first.
func ms(n int64) string { return string(binary.LittleEndian.AppendUint64(nil, uint64(n))) }

var (
	long     = strings.Repeat("0123456789", 7000) // does not fit in the buffer
	aListp   = str(rdb.Pack("\x81a", "\x01", "\x81b", "\x02"))
	aZiplist = str(rdb.Zip("\x01a", "\xf2", "\x01b", "\xf3"))
	aZipmap  = str("\x02\x01a\x01\x001\x01b\x01\x002\xff")
	aList    = "list \"l\" len=2\n\t\"a\"\n\t\"1\"\n"
	aSet     = "set \"s\" len=2\n\t\"-5\"\n\t\"7\"\n"
	aSorted  = "sorted set \"z\" len=2\n\t\"a\" = \"1\"\n\t\"b\" = \"2.5\"\n"
	aHash    = "hash \"h\" len=2\n\t\"a\" = \"1\"\n\t\"b\" = \"2\"\n"
)

// bodies are contents of a file, with what they are decoded to. They are the seeds of fuzzing, too.
var bodies = []struct{ name, body, want string }{
	{"nothing", "", ""},
	{"aux", "\xfa\x03ver\xc0\x07\xfa\x01%\x00", "aux \"ver\" = \"7\"\naux \"%\" = \"\"\n"},
	{"aux that moves the buffer", "\xfa\x01n" + str(long), "aux \"n\" = " + short([]byte(long)) + "\n"},
	{"function", "\xf5\x05#!lua", "function \"#!lua\"\n"},
	{"select", "\xfe\x00\xfe\x0f\xfe\x40\xff", "db 0\ndb 15\ndb 255\n"},
	{"select highest", "\xfe\x80\x7f\xff\xff\xff", "db 2147483647\n"},
	{"resize", "\xfb\x02\x81\x00\x00\x00\x01\x00\x00\x00\x00", "size 2, 4294967296 with a deadline\n"},
	{"slot info", "\xf4\x4c\xe4\x01\x00\x00\x01a\x01b", "string \"a\" = \"b\"\n"},
	{"module data", "\xf7\x81\x01\x02\x03\x04\x05\x06\x07\x08" + "\x02\x02" + "\x01\x05" + "\x03abcd" + "\x04abcdefgh" +
		"\x05\x03abc" + "\x05\xc1\x00\x01" + "\x05\xc3\x05\x0b\x00a\xe0\x01\x00" + "\x00\x00\x01a\x01b", "string \"a\" = \"b\"\n"},

	{"length in 14 bits", "\x00\x40\x01a\x01b", "string \"a\" = \"b\"\n"},
	{"length in 32 bits", "\x00\x80\x00\x00\x00\x01a\x01b", "string \"a\" = \"b\"\n"},
	{"length in 64 bits", "\x00\x81\x00\x00\x00\x00\x00\x00\x00\x01a\x01b", "string \"a\" = \"b\"\n"},
	{"integers", "\x00\xc0\x80\xc0\x7f" + "\x00\xc1\x00\x80\xc1\xff\x7f" + "\x00\xc2\x00\x00\x00\x80\xc2\xff\xff\xff\x7f",
		"string \"-128\" = \"127\"\nstring \"-32768\" = \"32767\"\nstring \"-2147483648\" = \"2147483647\"\n"},
	{"compressed key and value", "\x00\xc3\x05\x0a\x00a\xe0\x00\x00" + "\xc3\x05\x0a\x00b\xe0\x00\x00", "string \"aaaaaaaaaa\" = \"bbbbbbbbbb\"\n"},
	{"compressed to nothing", "\x00\x01a\xc3\x00\x00", "string \"a\" = \"\"\n"},
	{"longer than the buffer", "\x00" + str(long) + str(long), "string " + short([]byte(long)) + " = " + short([]byte(long)) + "\n"},
	{"empty key and value", "\x00\x00\x00", "string \"\" = \"\"\n"},

	{"deadline in ms", "\xfc" + ms(4102444800123) + "\x00\x01a\x01b" + "\x00\x01c\x01d",
		"string \"a\" deadline=4102444800123 = \"b\"\nstring \"c\" = \"d\"\n"},
	{"deadline in seconds", "\xfd\xff\xff\xff\x7f\x00\x01a\x01b" + "\x00\x01c\x01d",
		"string \"a\" deadline=2147483647000 = \"b\"\nstring \"c\" = \"d\"\n"},
	{"deadline that means none", "\xfc" + ms(-1) + "\x00\x01a\x01b" + "\xfd\xff\xff\xff\xff\x00\x01c\x01d",
		"string \"a\" = \"b\"\nstring \"c\" = \"d\"\n"},
	{"deadline zero is past, not absent", "\xfc" + ms(0) + "\x00\x01a\x01b" + "\xfd\x00\x00\x00\x00\x00\x01c\x01d",
		"string \"a\" deadline=1 = \"b\"\nstring \"c\" deadline=1 = \"d\"\n"},
	{"hints", "\xf8\x40\x64\xfc" + ms(4102444800123) + "\xf9\xff\x00\x01a\x01b" + "\xf8\x00\x00\x01c\x01d" + "\x00\x01e\x01f",
		"string \"a\" deadline=4102444800123 idle=100 freq=255 = \"b\"\nstring \"c\" idle=0 = \"d\"\nstring \"e\" = \"f\"\n"},
	{"hints of a hash", "\xf9\x00\xfc" + ms(7) + "\x04\x01h\x01\x01f\x01v", "hash \"h\" deadline=7 freq=0 len=1\n\t\"f\" = \"v\"\n"},

	{"hash", "\x04\x01h\x02\x01a\xc0\x01\x00\x00", "hash \"h\" len=2\n\t\"a\" = \"1\"\n\t\"\" = \"\"\n"},
	{"hash without fields", "\x04\x01h\x00", "hash \"h\" len=0\n"},
	{"hash with long texts", "\x04\x01h\x01" + str(long) + str(long), "hash \"h\" len=1\n\t" + short([]byte(long)) + " = " + short([]byte(long)) + "\n"},
	{"hash listpack", "\x10\x01h" + aListp, aHash},
	{"hash listpack of numbers", "\x10\x01h" + str(rdb.Pack("\x01", "\x02")), "hash \"h\" len=1\n\t\"1\" = \"2\"\n"},
	{"hash listpack compressed", "\x10\x01h\xc3\x12\x1f" + "\x0a\x1f\x00\x00\x00\x02\x00\x81\x61\x02\x93\x61\xe0\x09\x00\x01\x14\xff",
		"hash \"h\" len=1\n\t\"a\" = \"aaaaaaaaaaaaaaaaaaa\"\n"},
	{"hash ziplist", "\x0d\x01h" + aZiplist, aHash},
	{"hash zipmap", "\x09\x01h" + aZipmap, aHash},
	{"hash of type 24, no deadlines", "\x18\x01h" + ms(0) + "\x02\x00\x01a\x011\x00\x01b\x012", aHash},
	{"hash of type 25, no deadlines", "\x19\x01h" + ms(0) + str(rdb.Pack("\x81a", "\x01", "\x00", "\x81b", "\x02", "\x00")), aHash},
	{"hash of type 25, then of pairs", "\x19\x01h" + ms(0) + str(rdb.Pack("\x81a", "\x01", "\x00", "\x81b", "\x02", "\x00")) + "\x10\x01h" + aListp, aHash + aHash},

	{"list", "\x01\x01l\x02\x01a\xc0\x01", aList},
	{"list without elements", "\x01\x01l\x00", "list \"l\" len=0\n"},
	{"list of long texts", "\x01\x01l\x02" + str(long) + str(long), "list \"l\" len=2\n\t" + short([]byte(long)) + "\n\t" + short([]byte(long)) + "\n"},
	{"list ziplist", "\x0a\x01l" + str(rdb.Zip("\x01a", "\xf2")), aList},
	{"list ziplist empty", "\x0a\x01l" + str(rdb.Zip()), "list \"l\" len=0\n"},
	{"list quicklist", "\x0e\x01l\x03" + str(rdb.Zip("\x01a")) + str(rdb.Zip()) + str(rdb.Zip("\xf2", "\x01b")), "list \"l\" len=-1\n\t\"a\"\n\t\"1\"\n\t\"b\"\n"},
	{"list quicklist without nodes", "\x0e\x01l\x00", "list \"l\" len=-1\n"},
	{"list quicklist 2", "\x12\x01l\x04\x02" + str(rdb.Pack("\x81a", "\x01")) + "\x01" + str(long) + "\x02" + str(rdb.Pack()) + "\x02" + str(rdb.Pack("\x81z")),
		"list \"l\" len=-1\n\t\"a\"\n\t\"1\"\n\t" + short([]byte(long)) + "\n\t\"z\"\n"},
	{"list quicklist 2, compressed nodes", "\x12\x01l\x02\x01\xc3\x05\x0a\x00a\xe0\x00\x00" + "\x01\x01b", "list \"l\" len=-1\n\t\"aaaaaaaaaa\"\n\t\"b\"\n"},

	{"set", "\x02\x01s\x02\xc0\xfb\xc0\x07", aSet},
	{"set without members", "\x02\x01s\x00", "set \"s\" len=0\n"},
	{"set intset", "\x0b\x01s" + str("\x02\x00\x00\x00\x02\x00\x00\x00\xfb\xff\x07\x00"), aSet},
	{"set listpack", "\x14\x01s" + str(rdb.Pack("\xdf\xfb", "\x07")), aSet},
	{"set listpack empty", "\x14\x01s" + str(rdb.Pack()), "set \"s\" len=0\n"},

	{"sorted set", "\x05\x01z\x02\x01a" + double(1) + "\x01b" + double(2.5), aSorted},
	{"sorted set without members", "\x05\x01z\x00", "sorted set \"z\" len=0\n"},
	{"sorted set of long texts", "\x05\x01z\x01" + str(long) + double(-1e300), "sorted set \"z\" len=1\n\t" + short([]byte(long)) + " = \"-1e+300\"\n"},
	{"sorted set of infinities", "\x05\x01z\x02\x01a" + double(math.Inf(1)) + "\x01b" + double(math.Inf(-1)), "sorted set \"z\" len=2\n\t\"a\" = \"+Inf\"\n\t\"b\" = \"-Inf\"\n"},
	{"sorted set in decimal", "\x03\x01z\x02\x01a\x011\x01b\x032.5", aSorted},
	{"sorted set in decimal, infinities", "\x03\x01z\x03\x01a\xfe\x01b\xff\x01c\x051e-07", "sorted set \"z\" len=3\n\t\"a\" = \"+Inf\"\n\t\"b\" = \"-Inf\"\n\t\"c\" = \"1e-07\"\n"},
	{"sorted set ziplist", "\x0c\x01z" + str(rdb.Zip("\x01a", "\xf2", "\x01b", "\x032.5")), aSorted},
	{"sorted set listpack", "\x11\x01z" + str(rdb.Pack("\x81a", "\x01", "\x81b", "\x832.5")), aSorted},
	{"sorted set listpack, infinities", "\x11\x01z" + str(rdb.Pack("\x05", "\x84-inf", "\x06", "\x83inf")), "sorted set \"z\" len=2\n\t\"5\" = \"-Inf\"\n\t\"6\" = \"+Inf\"\n"},
}

// double returns eight bytes of IEEE 754, low byte first.
func double(f float64) string { return ms(int64(math.Float64bits(f))) }

// decodeBody decodes a file of version 12 with that body; the line for its end is left out.
func decodeBody(body string) string {
	text := dump(rdb.NewDecoder(bytes.NewReader(fileOf(12, body)), nil))
	if i := strings.Index(text, "end of version"); i >= 0 {
		text = text[:i]
	}
	return text
}

func TestDecoderRecords(t *testing.T) {
	for _, tt := range bodies {
		if got := decodeBody(tt.body); got != tt.want {
			t.Errorf("%s: decodes to\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

// What the caller leaves unread is skipped: the next record is the right one, whatever was before it.
func TestDecoderSkips(t *testing.T) {
	for _, tt := range bodies {
		d := rdb.NewDecoder(bytes.NewReader(fileOf(12, tt.body+"\x00\x04last\x01!")), nil)
		var last rdb.Record
		for {
			rec, err := d.Next()
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
				break
			}
			if rec.Op == rdb.OpEnd {
				break
			}
			last = rec
			last.Key = bytes.Clone(rec.Key)
			switch rec.Kind { // a value that was read in part is skipped as well
			case rdb.Hash:
				d.Field()
			case rdb.List, rdb.Set:
				d.Element()
			case rdb.SortedSet:
				d.Member()
			}
		}
		if string(last.Key) != "last" {
			t.Errorf("%s: the key behind it reads %q", tt.name, last.Key)
		}
	}
}

// The key of a record outlives the reading of its value.
func TestDecoderKeepsKey(t *testing.T) {
	body := "\x04\x03key\x02" + str(long) + str(long) + str(long) + str(long) + "\x00\x05other\x01x"
	d := rdb.NewDecoder(bytes.NewReader(fileOf(9, body)), nil)
	rec, err := d.Next()
	if err != nil {
		t.Fatal(err)
	}
	for ok := true; ok; {
		if _, _, ok, err = d.Field(); err != nil {
			t.Fatal(err)
		}
	}
	if string(rec.Key) != "key" {
		t.Errorf("after reading the value, the key is %q", rec.Key)
	}
}

func TestDecoderVersions(t *testing.T) {
	tests := []struct {
		header string
		want   string // "" if it can be read
		code   int
	}{
		{"REDIS0005", "", 5},
		{"REDIS0009", "", 9},
		{"REDIS0010", "", 10},
		{"REDIS0012", "", 12},
		{"REDIS0004", "not supported: version 4, at offset 0", 4},
		{"REDIS0000", "not supported: version 0, at offset 0", 0},
		{"REDIS0015", "", 15},
		{"VALKEY080", "", 80},
		{"VALKEY081", "", 81},
		{"REDIS0016", "not supported: version 16, at offset 0", 16},
		{"REDIS0080", "not supported: version 80, at offset 0", 80},
		{"VALKEY011", "not supported: version 11 of Valkey, at offset 0", 11},
		{"VALKEY082", "not supported: version 82 of Valkey, at offset 0", 82},
		{"VALKEY08x", "header at offset 0: does not begin with the name", 0},
		{"REDIS00x9", "header at offset 0: does not begin with the name", 0},
		{"REDIS+009", "header at offset 0: does not begin with the name", 0},
		{"redis0009", "header at offset 0: does not begin with the name", 0},
		{"-ERR no such command", "header at offset 0: does not begin with the name", 0},
		{"REDIS000", "header at offset 0: unexpected EOF", 0},
		{"", "header at offset 0: unexpected EOF", 0},
	}
	for _, tt := range tests {
		file := tt.header
		if len(file) >= 9 {
			file += "\xff\x00\x00\x00\x00\x00\x00\x00\x00"
		}
		d := rdb.NewDecoder(strings.NewReader(file), nil)
		_, err := d.Next()
		var unsupported *rdb.UnsupportedError
		switch {
		case tt.want == "":
			if err != nil || d.Version() != tt.code {
				t.Errorf("%q: version %d, %v", tt.header, d.Version(), err)
			}
		case err == nil || !strings.Contains(err.Error(), tt.want):
			t.Errorf("%q: %v, want %s", tt.header, err, tt.want)
		case errors.As(err, &unsupported) && unsupported.Code != tt.code:
			t.Errorf("%q: code %d, want %d", tt.header, unsupported.Code, tt.code)
		}
	}
}

func TestDecoderUnsupported(t *testing.T) {
	const before = "\x00\x01a\x01b"
	tests := []struct {
		name    string
		version int
		body    string
		want    rdb.UnsupportedError // Offset counts from behind before
	}{
		{"type that is not decoded", 15, "\x1c\x01a\x01\x00", rdb.UnsupportedError{What: "value type 28 (array)", Code: 28, Key: "a"}},
		{"type of a release candidate", 12, "\x16\x01s", rdb.UnsupportedError{What: "value type 22 (hash with field deadlines, of a release candidate)", Code: 22, Key: "s"}},
		{"unknown type", 12, "\xc7\x01s", rdb.UnsupportedError{What: "value type 199", Code: 199, Key: "s"}},
		{"in another database", 12, "\xfe\x03\x06\x01m", rdb.UnsupportedError{Offset: 2, What: "value type 6 (module, of a release candidate)", Code: 6, Key: "m", DB: 3}},
		{"of a long key", 12, "\x63" + str(strings.Repeat("k", 200)), rdb.UnsupportedError{What: "value type 99", Code: 99, Key: strings.Repeat("k", 128)}},
		{"unknown opcode", 12, "\xf3\x01s", rdb.UnsupportedError{What: "opcode 243", Code: 243}},
		{"lowest opcode", 12, "\xc8\x01s", rdb.UnsupportedError{What: "opcode 200", Code: 200}},
		{"function of a release candidate", 12, "\xf6\x01s", rdb.UnsupportedError{What: "opcode 246 (function of a release candidate)", Code: 246}},
		{"field deadlines in an old version", 11, "\x18\x01h", rdb.UnsupportedError{What: "value type 24 (hash of another server)", Code: 24, Key: "h"}},
		{"stream in an old version", 12, "\x1a\x01s", rdb.UnsupportedError{What: "value type 26 (stream of another server)", Code: 26, Key: "s"}},
		{"behind hints", 12, "\xf9\x01\x40\x01s", rdb.UnsupportedError{Offset: 2, What: "value type 64", Code: 64, Key: "s"}},
	}
	for _, tt := range tests {
		d := rdb.NewDecoder(bytes.NewReader(fileOf(tt.version, before+tt.body)), nil)
		err := readAll(d)
		want := tt.want
		want.Offset += 9 + int64(len(before))
		var got *rdb.UnsupportedError
		if !errors.As(err, &got) || *got != want {
			t.Errorf("%s: %v, want %v", tt.name, err, &want)
		}
		if _, again := d.Next(); again != err {
			t.Errorf("%s: the next call returns %v, want the same again", tt.name, again)
		}
	}
}

func TestDecoderCorrupt(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"length of unknown form", "\x00\x82", "key at offset 10: invalid length"},
		{"length that is an error mark", "\x00\x81" + ms(-1), "key at offset 10: the length that is reserved"},
		{"string of unknown form", "\x00\xc4", "key at offset 10: unknown string form"},
		{"string form as a length", "\x04\x01h\xc0\x01", "hash length at offset 12: string form where a length belongs"},
		{"string longer than any memory", "\x00\x01a\x81\x7f\xff\xff\xff\xff\xff\xff\xff", "string value in database 0 at offset 12: longer than the limit: 9223372036854775807 bytes, limit 536870912"},
		{"string just above the limit", "\x00\x01a\x80\x20\x00\x00\x01", "string value in database 0 at offset 12: longer than the limit: 536870913 bytes, limit 536870912"},
		{"string at the limit", "\x00\x01a\x80\x20\x00\x00\x00", "string value at offset 12: unexpected EOF"},
		{"hash longer than any memory", "\x04\x01h\x81\x7f\xff\xff\xff\xff\xff\xff\xff", "hash field at offset"},
		{"hash of negative length", "\x04\x01h\x81\x80\x00\x00\x00\x00\x00\x00\x00", "hash length at offset 12: invalid length"},
		{"database", "\xfe\x80\x80\x00\x00\x00", "database number at offset 9: invalid database number"},
		{"idle time", "\xf8\x81\x80\x00\x00\x00\x00\x00\x00\x00\x00\x01a\x01b", "idle time at offset 9: invalid idle time"},
		{"module tag", "\xf7\x01\x06", "module data at offset 9: unknown tag"},
		{"module string", "\xf7\x01\x05\xc7", "module string at offset 12: unknown string form"},
		{"slot sizes", "\xf4\x01\x01\xc0", "slot sizes at offset 9: string form where a length belongs"},
		{"database size", "\xfb\x01\xc0", "database size at offset 9: string form where a length belongs"},
		{"compressed beyond the limit", "\x00\x01a\xc3\x80\x10\x00\x00\x00\x80\x20\x00\x00\x01", "string value in database 0 at offset 12: longer than the limit: 536870913 bytes, limit 536870912"},
		{"compressed length beyond the limit", "\x00\x01a\xc3\x80\x20\x00\x00\x01\x01", "string value in database 0 at offset 12: longer than the limit: 536870913 bytes, limit 536870912"},
		{"compressed beyond reason", "\x00\x01a\xc3\x03\x80\x10\x00\x00\x00abc", "string value at offset 12: compressed data cannot be as long"},
		{"compressed wrongly", "\x00\x01a\xc3\x02\x04\x20\x00", "string value at offset 12: compressed data refers to before"},
		{"listpack frame", "\x10\x01h\x01a", "hash listpack at offset 12: shorter than its frame"},
		{"listpack entry", "\x10\x01h" + str(rdb.Pack("\xf9")), "hash listpack at offset 12: entry at byte 6"},
		{"listpack odd", "\x10\x01h" + str(rdb.Pack("\x01")), "hash listpack at offset 12: has a field without a value"},
		{"listpack of triples incomplete", "\x19\x01h" + ms(0) + str(rdb.Pack("\x01", "\x02")), "hash listpack at offset 20: has a field without a value"},
		{"ziplist odd", "\x0d\x01h" + str(rdb.Zip("\xf2")), "hash ziplist at offset 12: has a field without a value"},
		{"zipmap odd", "\x09\x01h" + str("\xfe\x01a\xff"), "hash zipmap at offset 12: has a field without a value"},
		{"list longer than any memory", "\x01\x01l\x81\x7f\xff\xff\xff\xff\xff\xff\xff", "list element at offset"},
		{"list of negative length", "\x01\x01l\x81\x80\x00\x00\x00\x00\x00\x00\x00", "list length at offset 12: invalid length"},
		{"list ziplist frame", "\x0a\x01l\x01a", "list ziplist at offset 12: shorter than its frame"},
		{"quicklist longer than any memory", "\x0e\x01l\x81\x7f\xff\xff\xff\xff\xff\xff\xff", "list ziplist at offset"},
		{"quicklist frame", "\x0e\x01l\x02" + str(rdb.Zip("\xf2")) + "\x01a", "list ziplist at offset 31: shorter than its frame"},
		{"quicklist count", "\x0e\x01l\x01" + "\x0d\x0d\x00\x00\x00\x0a\x00\x00\x00\x02\x00\x00\xf2\xff", "list ziplist at offset 13: states 2 entries and has 1"},
		{"quicklist 2 container", "\x12\x01l\x01\x03" + str(rdb.Pack("\x01")), "list node at offset 13: unknown container"},
		{"quicklist 2 container form", "\x12\x01l\x01\xc0" + str(rdb.Pack("\x01")), "list node at offset 13: string form where a length belongs"},
		{"quicklist 2 plain node without bytes", "\x12\x01l\x01\x01\x00", "list node at offset 14: has no bytes"},
		{"quicklist 2 frame", "\x12\x01l\x01\x02\x01a", "list listpack at offset 14: shorter than its frame"},
		{"quicklist 2 entry", "\x12\x01l\x01\x02" + str(rdb.Pack("\xf9")), "list listpack at offset 14: entry at byte 6"},
		{"quicklist 2 plain node longer than any memory", "\x12\x01l\x01\x01\x81\x7f\xff\xff\xff\xff\xff\xff\xff", "list node in database 0 at offset 14: longer than the limit"},
		{"set longer than any memory", "\x02\x01s\x81\x7f\xff\xff\xff\xff\xff\xff\xff", "set member at offset"},
		{"intset frame", "\x0b\x01s\x01a", "set intset at offset 12: shorter than its frame"},
		{"intset order", "\x0b\x01s" + str("\x02\x00\x00\x00\x02\x00\x00\x00\x07\x00\x07\x00"), "set intset at offset 12: entry at byte 10 is not in order"},
		{"set listpack entry", "\x14\x01s" + str(rdb.Pack("\xf9")), "set listpack at offset 12: entry at byte 6"},
		{"sorted set longer than any memory", "\x05\x01z\x81\x7f\xff\xff\xff\xff\xff\xff\xff", "sorted set member at offset"},
		{"score NaN", "\x05\x01z\x01\x01a" + double(math.NaN()), "sorted set score at offset 15: has a score that is no number"},
		{"score NaN in decimal", "\x03\x01z\x01\x01a\xfd", "sorted set score at offset 15: has a score that is no number"},
		{"score that is no decimal", "\x03\x01z\x01\x01a\x030x1", "sorted set score at offset 15: is no number in decimal"},
		{"score without text", "\x03\x01z\x01\x01a\x00", "sorted set score at offset 15: is no number in decimal"},
		{"score out of range", "\x03\x01z\x01\x01a\x051e999", "sorted set score at offset 15: is no number in decimal"},
		{"score missing in a ziplist", "\x0c\x01z" + str(rdb.Zip("\x01a")), "sorted set ziplist at offset 12: has a member without a score"},
		{"score NaN in a listpack", "\x11\x01z" + str(rdb.Pack("\x81a", "\x83nan")), "sorted set listpack at offset 12: has a score that is no number"},
		{"score that is no decimal in a listpack", "\x11\x01z" + str(rdb.Pack("\x81a", "\x831_0")), "sorted set listpack at offset 12: is no number in decimal"},
		{"score that is not an entry", "\x11\x01z" + str(rdb.Pack("\x81a", "\xf9")), "sorted set listpack at offset 12: entry at byte 9"},
	}
	for _, tt := range tests {
		d := rdb.NewDecoder(bytes.NewReader(fileOf(12, tt.body)), nil)
		err := readAll(d)
		var corrupt *rdb.CorruptError
		var large *rdb.TooLargeError
		if long := strings.Contains(tt.want, "longer than the limit"); errors.As(err, &corrupt) == long || errors.As(err, &large) != long || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %T %v, want %s", tt.name, err, err, tt.want)
		}
		if d.Memory() > 1<<17 {
			t.Errorf("%s: took %d bytes of memory", tt.name, d.Memory())
		}
	}
}

func TestDecoderChecksum(t *testing.T) {
	file := fileOf(9, "\x00\x01a\x01b")
	wrong := bytes.Clone(file)
	wrong[13]++ // the value of the key
	err := readAll(rdb.NewDecoder(bytes.NewReader(wrong), nil))
	var corrupt *rdb.CorruptError
	if !errors.Is(err, rdb.ErrChecksum) || !errors.As(err, &corrupt) || corrupt.Offset != int64(len(file))-8 {
		t.Errorf("changed content: %v, want ErrChecksum", err)
	}
	clear(wrong[len(wrong)-8:])
	if err := readAll(rdb.NewDecoder(bytes.NewReader(wrong), nil)); err != nil {
		t.Errorf("footer of zeroes: %v, want it not checked", err)
	}
}

// After the end: io.EOF for ever, and no call gives a value.
func TestDecoderEnd(t *testing.T) {
	d := rdb.NewDecoder(bytes.NewReader(fileOf(9, "\x00\x01a\x01b")), nil)
	if err := readAll(d); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := d.Next(); err != io.EOF {
			t.Errorf("Next after the end: %v", err)
		}
	}
	if _, err := d.Text(); err != io.EOF {
		t.Errorf("Text after the end: %v", err)
	}
	if _, _, _, err := d.Field(); err != io.EOF {
		t.Errorf("Field after the end: %v", err)
	}
	if _, _, err := d.Element(); err != io.EOF {
		t.Errorf("Element after the end: %v", err)
	}
	if _, _, _, err := d.Member(); err != io.EOF {
		t.Errorf("Member after the end: %v", err)
	}
}

// Text and Field refuse what is not theirs, without harm to the reading.
func TestDecoderWrongCall(t *testing.T) {
	d := rdb.NewDecoder(bytes.NewReader(fileOf(9, "\x00\x01a\x01b"+"\x04\x01h\x01\x01f\x01v")), nil)
	if _, err := d.Text(); err == nil {
		t.Error("Text before Next gives no error")
	}
	d.Next()
	if _, _, _, err := d.Field(); err == nil {
		t.Error("Field of a string gives no error")
	}
	if _, _, err := d.Element(); err == nil {
		t.Error("Element of a string gives no error")
	}
	if _, _, _, err := d.Member(); err == nil {
		t.Error("Member of a string gives no error")
	}
	if v, err := d.Text(); string(v) != "b" || err != nil {
		t.Errorf("then Text gives %q, %v", v, err)
	}
	if _, err := d.Text(); err == nil {
		t.Error("Text again gives no error")
	}
	d.Next()
	if _, err := d.Text(); err == nil {
		t.Error("Text of a hash gives no error")
	}
	for _, want := range []bool{true, false, false} {
		if _, _, ok, err := d.Field(); ok != want || err != nil {
			t.Errorf("Field gives %v, %v, want %v", ok, err, want)
		}
	}
	if err := readAll(d); err != nil {
		t.Error(err)
	}
}

// What follows the file is neither consumed nor lost, wherever reads end.
func TestDecoderRest(t *testing.T) {
	file := fileOf(9, "\x00\x01a\x01b")
	const after = "the mark of forty bytes, then the stream"
	for n := 1; n <= len(file)+len(after); n++ {
		r := strings.NewReader(string(file) + after)
		d := rdb.NewDecoder(&pieces{r: r, size: n}, nil)
		for {
			rec, err := d.Next()
			if err != nil {
				t.Fatal(err)
			}
			if rec.Op == rdb.OpEnd {
				break
			}
			if d.Rest() != nil {
				t.Fatal("there is a rest before the end")
			}
		}
		left, _ := io.ReadAll(r)
		if got := string(d.Rest()) + string(left); got != after || d.Offset() != int64(len(file)) {
			t.Fatalf("reads of %d bytes: left is %q, at offset %d", n, got, d.Offset())
		}
	}
}

// pieces returns at most size bytes a read.
type pieces struct {
	r    io.Reader
	size int
}

func (p *pieces) Read(b []byte) (int, error) { return p.r.Read(b[:min(len(b), p.size)]) }

// A connection that falls silent after the file must not be waited for.
func TestDecoderReadsNoFurther(t *testing.T) {
	for _, path := range goldenFiles(t) {
		file := readFile(t, path)
		for _, size := range []int{1, 1000, 1 << 20} {
			silent := func([]byte) (int, error) {
				t.Fatalf("%s: read again after the whole file had come", path)
				return 0, nil
			}
			r := &pieces{r: io.MultiReader(bytes.NewReader(file), readerFunc(silent)), size: size}
			var unsupported *rdb.UnsupportedError
			if err := readAll(rdb.NewDecoder(r, nil)); err != nil && !errors.As(err, &unsupported) {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// An error of the reader comes out as it is, not as corruption.
func TestDecoderReaderError(t *testing.T) {
	broken := errors.New("broken")
	file := fileOf(9, "\xfa\x01a\x01b\x00\x01a\x01b\x04\x01h\x01\x01f\x01v")
	for n := range file {
		r := io.MultiReader(bytes.NewReader(file[:n]), iotest.ErrReader(broken))
		d := rdb.NewDecoder(r, nil)
		if err := readAll(d); err != broken {
			t.Fatalf("after %d bytes: %v, want the reader's error", n, err)
		}
		if _, err := d.Next(); err != broken {
			t.Fatalf("after %d bytes, next call: %v", n, err)
		}
	}
	empty := readerFunc(func([]byte) (int, error) { return 0, nil })
	if err := readAll(rdb.NewDecoder(empty, nil)); err != io.ErrNoProgress {
		t.Errorf("reader that returns nothing: %v", err)
	}
}

func TestDecoderMaxString(t *testing.T) {
	const head = "\xfe\x03" // database 3
	at := func(body string) int64 { return int64(9 + strings.Index(body, str(long))) }
	for _, tt := range []struct{ name, body, key string }{
		{"plain", head + "\x00\x06secret" + str(long), "secret"},
		{"key", head + "\x00" + str(long) + "\x01a", ""},
		{"key after a value", head + "\x00\x06secret\x01v\x00" + str(long) + "\x01a", ""},
		{"hash field", head + "\x04\x06secret\x01" + str(long) + "\x01v", "secret"},
		{"hash value", head + "\x04\x06secret\x01\x01f" + str(long), "secret"},
		{"list element", head + "\x01\x06secret\x01" + str(long), "secret"},
		{"list node", head + "\x12\x06secret\x01\x01" + str(long), "secret"},
		{"set member", head + "\x02\x06secret\x01" + str(long), "secret"},
		{"sorted set member", head + "\x05\x06secret\x01" + str(long) + double(1), "secret"},
		{"aux", head + "\xfa\x01a" + str(long), ""},
		{"function", head + "\xf5" + str(long), ""},
	} {
		for most, want := range map[int]error{len(long): nil, len(long) - 1: rdb.ErrTooLarge} {
			o := &rdb.DecoderOptions{MaxString: most}
			err := readAll(rdb.NewDecoder(bytes.NewReader(fileOf(10, tt.body)), o))
			if !errors.Is(err, want) {
				t.Errorf("%s of %d bytes with a limit of %d: %v", tt.name, len(long), most, err)
			}
			var large *rdb.TooLargeError
			if errors.As(err, &large) != (want != nil) || want == nil {
				continue
			}
			if large.Size != uint64(len(long)) || large.Limit != most || large.Key != tt.key || large.Offset != at(tt.body) || large.DB != 3 {
				t.Errorf("%s: %+v, want key %q at offset %d", tt.name, large, tt.key, at(tt.body))
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %q tells the key", tt.name, err)
			}
		}
	}
}

// A claimed length costs memory only as its bytes arrive.
func TestDecoderClaimedLength(t *testing.T) {
	const claimed = 500 << 20
	head := "REDIS0009\x00\x01a" + string(binary.BigEndian.AppendUint32([]byte{0x80}, claimed))
	for _, come := range []int{0, 1, 1 << 20} {
		d := rdb.NewDecoder(io.MultiReader(strings.NewReader(head), bytes.NewReader(make([]byte, come))), nil)
		if err := readAll(d); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes of %d: %v", come, claimed, err)
		}
		if most := 4*come + 1<<18; d.Memory() > most {
			t.Errorf("%d bytes of %d: took %d bytes of memory, want at most %d", come, claimed, d.Memory(), most)
		}
	}
}

// Reading keys costs no allocation, however many there are.
func TestDecoderAllocations(t *testing.T) {
	one := "\xfc" + ms(4102444800123) + "\x00\x05key:1\x0bhello world" + "\x00\xc0\x01\xc1\xe8\x03" + "\x00\x01l\xc3\x05\x0a\x00a\xe0\x00\x00" +
		"\x04\x01h\x01\x05field\x05value" + "\x10\x01h" + aListp + "\x0d\x01h" + aZiplist + "\x09\x01h" + aZipmap +
		"\x01\x01l\x01\x05value" + "\x12\x01l\x02\x01\x05value\x02" + str(rdb.Pack("\x81a", "\x01")) + "\x0b\x01s" + str("\x02\x00\x00\x00\x02\x00\x00\x00\xfb\xff\x07\x00") +
		"\x05\x01z\x01\x01a" + double(1) + "\x11\x01z" + str(rdb.Pack("\x81a", "\x01", "\x81b", "\x832.5"))
	file := fileOf(9, strings.Repeat(one, 2000))
	d := rdb.NewDecoder(bytes.NewReader(file), nil)
	read := func() {
		for range 12 {
			rec, err := d.Next()
			if err == nil && rec.Kind == rdb.String {
				_, err = d.Text()
			}
			for ok := rec.Kind == rdb.Hash; ok && err == nil; {
				_, _, ok, err = d.Field()
			}
			for ok := rec.Kind == rdb.List || rec.Kind == rdb.Set; ok && err == nil; {
				_, ok, err = d.Element()
			}
			for ok := rec.Kind == rdb.SortedSet; ok && err == nil; {
				_, _, ok, err = d.Member()
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := testing.AllocsPerRun(1000, read); n != 0 {
		t.Errorf("%v allocations for twelve keys", n)
	}
}

package rdb_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/understudy-go/understudy/rdb"
)

// valkeyFile returns a whole file of Valkey around body.
func valkeyFile(version int, body string) []byte {
	b := fmt.Appendf(nil, "VALKEY%03d%s\xff", version, body)
	return binary.LittleEndian.AppendUint64(b, rdb.CRC64(b))
}

// moduleNumber is that of the name ReJSON-RL, version 3, as it stands in a file.
const moduleNumber = "\x81\x45\xe2\x52\x38\xdf\x91\x2c\x03"

var (
	aModule   = moduleNumber + "\x05\x05hello\x02\x07\x01\x81\xff\xff\xff\xff\xff\xff\xff\xff\x03\x00\x00\x80\x3f\x04" + double(2.5) + "\x05\xc3\x05\x0a\x00a\xe0\x00\x00\x05\xc0\x0c\x00"
	aKey      = "\x00\x01k\x01v"
	aTemplate = "\xf2\x07\x02\x01a\xc0\x05"
)

const aKeyText = "string \"k\" = \"v\"\n"

// What only some servers write, with what it is decoded to.
var dialectFiles = []struct {
	name string
	file []byte
	l    rdb.Dialect
	want string
}{
	{"module", fileOf(9, "\x07\x01m"+aModule), rdb.Redis, "module \"m\" of ReJSON-RL, version 3 = " + short([]byte(aModule)) + "\n"},
	{"module of one byte", fileOf(9, "\x07\x01m\x00\x00"), rdb.Redis, "module \"m\" of AAAAAAAAA, version 0 = \"\\x00\\x00\"\n"},
	{"module with a long text", fileOf(9, "\x07\x01m"+moduleNumber+"\x05"+str(long)+"\x05"+str(long)+"\x00"), rdb.Redis,
		"module \"m\" of ReJSON-RL, version 3 = " + short([]byte(moduleNumber+"\x05"+str(long)+"\x05"+str(long)+"\x00")) + "\n"},
	{"metadata of a key", fileOf(13, "\xf3\x02abcd\x02\x07\x00efgh\x05\x01x\x00"+aKey+aKey), rdb.Redis,
		"string \"k\" meta=\"\\x02abcd\\x02\\a\\x00efgh\\x05\\x01x\\x00\" = \"v\"\n" + aKeyText},
	{"hash by a template", fileOf(15, aTemplate+"\xf2\x08\x01\x01c"+"\x1e\x01h"+str(rdb.Pack("\x07", "\x81x", "\x09"))+"\x20\x01i\x07\x01y\x01z"+"\x20\x01j\x08\xc0\x01"), rdb.Redis,
		"hash \"h\" len=2\n\t\"a\" = \"x\"\n\t\"5\" = \"9\"\nhash \"i\" len=2\n\t\"a\" = \"y\"\n\t\"5\" = \"z\"\nhash \"j\" len=1\n\t\"c\" = \"1\"\n"},
	{"hash by a template, long texts", fileOf(15, "\xf2\x01\x01"+str(long)+"\x20\x01h\x01"+str(long)), rdb.Redis,
		"hash \"h\" len=1\n\t" + short([]byte(long)) + " = " + short([]byte(long)) + "\n"},
	{"Valkey 8", fileOf(11, "\xfa\x0avalkey-ver\x058.0.0"+aKey), rdb.Valkey, "aux \"valkey-ver\" = \"8.0.0\"\n" + aKeyText},
	{"slot import", valkeyFile(80, "\xf3\x03job\x02\x00\x05\x4a\x00\x7f\xff"+aKey), rdb.Valkey, "slot import \"job\": [{0 5} {2560 16383}]\n" + aKeyText},
	{"slot info of Valkey", valkeyFile(81, "\xf4\x01\x02\x03"+aKey), rdb.Valkey, aKeyText},
	{"field deadlines of Valkey", valkeyFile(80, "\x16\x01h\x01\x01f\x01v"+ms(77)), rdb.Valkey, "hash \"h\" len=1\n\t\"f\" = \"v until 77\"\n"},
	{"KeyDB", fileOf(9, "\xfc"+ms(99)+"\xfa\x0bmvcc-tstamp\xc0\x07"+aKey+aKey), rdb.KeyDB,
		"aux \"mvcc-tstamp\" = \"7\"\nstring \"k\" deadline=99 = \"v\"\n" + aKeyText},
	{"Dragonfly", fileOf(9, "\xfa\x06df-ver\x021.\xdc\x01\x00\x00\x00"+aKey+"\xdc\x03\x00\x00\x00abcd"+aKey), rdb.Dragonfly, "aux \"df-ver\" = \"1.\"\n" + aKeyText + aKeyText},
}

func TestDialects(t *testing.T) {
	for _, tt := range dialectFiles {
		for name, d := range map[string]*rdb.Decoder{
			"":                   rdb.NewDecoder(bytes.NewReader(tt.file), nil),
			" byte by byte":      rdb.NewDecoder(iotest.OneByteReader(bytes.NewReader(tt.file)), nil),
			" in a small buffer": rdb.NewDecoderSize(bytes.NewReader(tt.file), 0),
		} {
			if got, _, _ := strings.Cut(dump(d), "end of"); got != tt.want {
				t.Errorf("%s%s: decodes to\n%s\nwant\n%s", tt.name, name, got, tt.want)
			}
			if d.Dialect() != tt.l {
				t.Errorf("%s%s: a file of %v, want %v", tt.name, name, d.Dialect(), tt.l)
			}
		}
		d := rdb.NewDecoder(bytes.NewReader(tt.file), nil) // values are skipped
		for {
			rec, err := d.Next()
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			if err != nil || rec.Op == rdb.OpEnd {
				break
			}
		}
	}
}

func TestDumpMetadata(t *testing.T) {
	d := rdb.NewDumpDecoder(payloadOf(13, "\xf3\x01abcd\x02\x07\x00\x00\x01v"), nil)
	if got, want := dump(d), "string \"\" meta=\"\\x01abcd\\x02\\a\\x00\" = \"v\"\n"; !strings.HasPrefix(got, want) {
		t.Errorf("decodes to %s, want %s", got, want)
	}
	err := readAll(rdb.NewDumpDecoder(payloadOf(12, "\xf3\x01abcd\x02\x07\x00\x00\x01v"), nil))
	var unsupported *rdb.UnsupportedError
	if !errors.As(err, &unsupported) || unsupported.What != "opcode 243" {
		t.Errorf("before there was any: %v", err)
	}
}

// One number, several servers: the error says what it is to the one whose file it is, and is never a guess.
func TestDialectsUnsupported(t *testing.T) {
	const dragonfly, keydb, valkey8 = "\xfa\x06df-ver\x021.", "\xfa\x0bmvcc-tstamp\xc0\x07", "\xfa\x0avalkey-ver\x058.0.0"
	tests := []struct {
		name, want string
		file       []byte
	}{
		{"22 of Redis", "value type 22 (hash with field deadlines, of a release candidate)", fileOf(12, "\x16\x01k\x00")},
		{"23 of Redis", "value type 23 (hash with field deadlines, of a release candidate)", fileOf(12, "\x17\x01k\x00")},
		{"23 of Valkey", "value type 23 (hash by path)", valkeyFile(81, "\x17\x01k\x00")},
		{"24 of Valkey", "value type 24 (hash of another server)", valkeyFile(80, "\x18\x01k"+ms(0)+"\x00")},
		{"26 of Valkey", "value type 26 (stream of another server)", valkeyFile(80, "\x1a\x01k\x00")},
		{"28", "value type 28 (array)", fileOf(14, "\x1c\x01k\x00")},
		{"29", "value type 29 (hash with a template)", fileOf(15, "\x1d\x01k\x00")},
		{"30 before it was", "value type 30 (hash of another server)", fileOf(14, "\x1e\x01k\x00")},
		{"30 of Dragonfly", "value type 30 (JSON)", fileOf(9, dragonfly+"\x1e\x01k\x00")},
		{"32 of Dragonfly", "value type 32 (set with member deadlines)", fileOf(9, dragonfly+"\x20\x01k\x00")},
		{"64 of KeyDB", "value type 64 (cron job)", fileOf(9, keydb+"\x40\x01k\x00")},
		{"64 of Redis", "value type 64", fileOf(9, "\x40\x01k\x00")},
		{"deadline of a part", "deadline of a part of a key (KeyDB)", fileOf(9, aKey+"\xfa\x13keydb-subexpire-key\x01m")},
		{"243 of Redis 8.0", "opcode 243", fileOf(12, "\xf3\x01k\x00")},
		{"243 of Valkey 8", "slot import at offset", fileOf(11, valkey8+"\xf3\x01j\x7f\xff")},
		{"242 of Redis 8.8", "opcode 242", fileOf(14, "\xf2\x01k\x00")},
		{"242 of Valkey", "opcode 242 (command within the snapshot)", valkeyFile(81, "\xf2\x01k\x00")},
		{"201 of Dragonfly", "opcode 201 (compressed blob)", fileOf(9, dragonfly+"\xc9")},
		{"201 of Redis", "opcode 201", fileOf(9, "\xc9")},
		{"220 of Dragonfly, new bit", "opcode 220 (unknown properties of a key)", fileOf(9, dragonfly+"\xdc\x04\x00\x00\x00"+aKey)},
		{"220 of Redis", "opcode 220", fileOf(9, "\xdc\x01\x00\x00\x00"+aKey)},
	}
	for _, tt := range tests {
		err := readAll(rdb.NewDecoder(bytes.NewReader(tt.file), nil))
		var unsupported *rdb.UnsupportedError
		if errors.As(err, &unsupported) {
			if unsupported.What != tt.want {
				t.Errorf("%s: %q, want %q", tt.name, unsupported.What, tt.want)
			}
		} else if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestDialectsCorrupt(t *testing.T) {
	tests := []struct {
		name, want string
		file       []byte
	}{
		{"module tag", "value of the module ReJSON-RL at offset 12: unknown tag", fileOf(9, "\x07\x01m"+moduleNumber+"\x06\x00")},
		{"module cut", "value of the module ReJSON-RL at offset 12: unexpected EOF", []byte("REDIS0009\x07\x01m" + moduleNumber + "\x04abc")},
		{"module text cut", "module string at offset 22: unexpected EOF", []byte("REDIS0009\x07\x01m" + moduleNumber + "\x05\x05abc")},
		{"metadata of no class", "metadata of a key at offset 9: names no class", fileOf(13, "\xf3\x00"+aKey)},
		{"metadata tag", "metadata of a key at offset 9: unknown tag", fileOf(13, "\xf3\x01abcd\x07"+aKey)},
		{"slots", "slot import at offset 9: invalid range", valkeyFile(80, "\xf3\x01j\x01\x06\x05"+aKey)},
		{"slot beyond the last", "slot import at offset 9: invalid range", valkeyFile(80, "\xf3\x01j\x01\x06\x80\x00\x00\x40\x00"+aKey)},
		{"ranges beyond any memory", "slot import at offset 9: more ranges than slots", valkeyFile(80, "\xf3\x01j\x80\x7f\xff\xff\xff"+aKey)},
		{"template twice", "hash template at offset 16: was there already", fileOf(15, aTemplate+aTemplate)},
		{"template without names", "hash template at offset 9: has no names", fileOf(15, "\xf2\x07\x00")},
		{"no such template", "hash by a template at offset 12: refers to a template", fileOf(15, "\x20\x01h\x07\x01y\x01z")},
		{"template by name", "hash by a template at offset 19: refers to a template", fileOf(15, aTemplate+"\x1e\x01h"+str(rdb.Pack("\x81a")))},
		{"values missing", "hash listpack at offset 19: does not have as many values", fileOf(15, aTemplate+"\x1e\x01h"+str(rdb.Pack("\x07", "\x01")))},
		{"values too many", "hash listpack at offset 19: does not have as many values", fileOf(15, aTemplate+"\x1e\x01h"+str(rdb.Pack("\x07", "\x01", "\x02", "\x03")))},
	}
	for _, tt := range tests {
		err := readAll(rdb.NewDecoder(bytes.NewReader(tt.file), nil))
		var corrupt *rdb.CorruptError
		if !errors.As(err, &corrupt) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

// What a module stored comes out as it went in, from file to file and to the payload of DUMP.
func TestModuleRoundTrip(t *testing.T) {
	for _, value := range []string{aModule, "\x00\x00", moduleNumber + "\x05" + str(long) + "\x05" + str(long) + "\x00"} {
		in := fileOf(9, "\xfc"+ms(99)+"\x07\x01m"+value+aKey)
		out := encode(t, nil, func(e *rdb.Encoder) {
			d := rdb.NewDecoder(bytes.NewReader(in), nil)
			rec, err := d.Next()
			if err != nil {
				t.Fatal(err)
			}
			p, err := d.Module()
			if err != nil || string(p) != value {
				t.Fatalf("Module() = %.100q, %v, want %.100q", p, err, value)
			}
			if _, err := d.Module(); err == nil {
				t.Error("Module again gives no error")
			}
			e.Module(string(rec.Key), string(p), rec.Deadline)
			e.String("k", "v", 0)
		})
		if !bytes.Equal(in, out) {
			t.Errorf("got %.200q, want %.200q", out, in)
		}
		var payload bytes.Buffer
		e := rdb.NewDumpEncoder(&payload, nil)
		e.Module("", value, 0)
		if err := e.End(); err != nil {
			t.Fatal(err)
		}
		d := rdb.NewDumpDecoder(payload.Bytes(), nil)
		if rec, err := d.Next(); err != nil || rec.Kind != rdb.Module {
			t.Fatal(rec.Kind, err)
		}
		if p, err := d.Module(); err != nil || string(p) != value {
			t.Errorf("from a payload: %.100q, %v, want %.100q", p, err, value)
		}
	}
	e := rdb.NewEncoder(&bytes.Buffer{}, nil)
	if e.Module("m", "\x00", 0) == nil {
		t.Error("what is no module's value is written")
	}
}

// The value of a module, what modules store about a key, and the templates of a file have the limit of a string.
func TestOpaqueMaxString(t *testing.T) {
	for name, tt := range map[string]struct {
		file []byte
		size int
	}{
		"module":   {fileOf(13, "\x07\x06secret"+moduleNumber+"\x05"+str(long)+"\x05"+str(long)+"\x00"), len(moduleNumber) + 2*len(long) + 2*6 + 1},
		"metadata": {fileOf(13, "\xf3\x01abcd\x05"+str(long)+"\x05"+str(long)+"\x00"+aKey), 5 + 2*len(long) + 2*6 + 1},
		"template": {fileOf(15, "\xf2\x01\x02"+str(long)+str(long)), 100 + 2*len(long) + 2},
	} {
		for most, want := range map[int]error{tt.size: nil, tt.size - 20: rdb.ErrTooLarge, len(long) - 1: rdb.ErrTooLarge} {
			err := readAll(rdb.NewDecoder(bytes.NewReader(tt.file), &rdb.DecoderOptions{MaxString: most}))
			if !errors.Is(err, want) {
				t.Errorf("%s of %d bytes with a limit of %d: %v, want %v", name, tt.size, most, err, want)
			}
		}
	}
}

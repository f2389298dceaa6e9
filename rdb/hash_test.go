package rdb_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/rdb"
)

const datedText = "hash \"h\" len=3\n\t\"a\" = \"1 until 100\"\n\t\"b\" = \"2\"\n\t\"c\" = \"3 until 5000\"\n"

// asValkey makes a file of Valkey 9 of one of Redis.
func asValkey(file []byte) []byte {
	file = fileOf(80, string(file[9:len(file)-9]))
	copy(file, "VALKEY080")
	clear(file[len(file)-8:])
	return file
}

func TestDatedHash(t *testing.T) {
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"type 24", fileOf(12, "\x18\x01h"+ms(100)+"\x03\x01\x01a\x011\x00\x01b\x012\x53\x25\x01c\x013"), datedText},
		{"type 24, long texts", fileOf(12, "\x18\x01h"+ms(100)+"\x02\x01"+str(long)+str(long)+"\x02"+str(long)+"\x01v"),
			"hash \"h\" len=2\n\t" + short([]byte(long)) + " = " + short([]byte(long+" until 100")) + "\n\t" + short([]byte(long)) + " = \"v until 101\"\n"},
		{"type 24, before time began", fileOf(12, "\x18\x01h"+ms(0)+"\x01\x01\x01a\x011"), "hash \"h\" len=1\n\t\"a\" = \"1 until 1\"\n"},
		{"type 25", fileOf(12, "\x19\x01h"+ms(100)+str(rdb.Pack("\x81a", "\x01", "\x64", "\x81b", "\x02", "\x00", "\x81c", "\x03", "\xf1\x88\x13"))), datedText},
		{"type 22", asValkey(fileOf(12, "\x16\x01h\x03\x01a\x011"+ms(100)+"\x01b\x012"+ms(-1)+"\x01c\x013"+ms(5000))), datedText},
		{"type 22, long texts", asValkey(fileOf(12, "\x16\x01h\x01"+str(long)+str(long)+ms(100))),
			"hash \"h\" len=1\n\t" + short([]byte(long)) + " = " + short([]byte(long+" until 100")) + "\n"},
	}
	for _, tt := range tests {
		for _, size := range []int{0, 20, 1 << 16} {
			got, _, _ := strings.Cut(dump(rdb.NewDecoderSize(bytes.NewReader(tt.file), size)), "end of")
			if got != tt.want {
				t.Errorf("%s through a buffer of %d bytes: decodes to\n%s\nwant\n%s", tt.name, size, got, tt.want)
			}
		}
		// Who does not keep deadlines must not lose them unheard.
		d := rdb.NewDecoder(bytes.NewReader(tt.file), nil)
		_, err := d.Next()
		for ok := true; ok && err == nil; {
			_, _, ok, err = d.Field()
		}
		var unsupported *rdb.UnsupportedError
		if !errors.As(err, &unsupported) || unsupported.What != "hash field deadlines" || unsupported.Key != "h" {
			t.Errorf("%s read by Field: %v, want an UnsupportedError", tt.name, err)
		}
		if _, again := d.Next(); again != err {
			t.Errorf("%s: the next call returns %v, want %v again", tt.name, again, err)
		}
		// Left unread, it is skipped.
		d = rdb.NewDecoder(bytes.NewReader(tt.file), nil)
		for _, want := range []rdb.Op{rdb.OpKey, rdb.OpEnd} {
			if rec, err := d.Next(); rec.Op != want || err != nil {
				t.Errorf("%s skipped: %v, %v", tt.name, rec.Op, err)
			}
		}
	}
}

func TestDatedHashCorrupt(t *testing.T) {
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"earliest is no time", fileOf(12, "\x18\x01h"+ms(-1)+"\x01\x00\x01a\x011"), "hash field deadlines at offset 12: has a deadline that is none"},
		{"beyond all time", fileOf(12, "\x18\x01h"+ms(math.MaxInt64)+"\x01\x02\x01a\x011"), "hash field deadline at offset 21: has a deadline that is none"},
		{"text in a listpack", fileOf(12, "\x19\x01h"+ms(1)+str(rdb.Pack("\x81a", "\x01", "\x81b"))), "hash listpack at offset 20: has a deadline that is none"},
		{"negative in a listpack", fileOf(12, "\x19\x01h"+ms(1)+str(rdb.Pack("\x81a", "\x01", "\xdf\xff"))), "hash listpack at offset 20: has a deadline that is none"},
		{"missing in a listpack", fileOf(12, "\x19\x01h"+ms(1)+str(rdb.Pack("\x81a", "\x01"))), "hash listpack at offset 20: has a field without a value"},
	}
	for _, tt := range tests {
		err := readAll(rdb.NewDecoder(bytes.NewReader(tt.file), nil))
		var corrupt *rdb.CorruptError
		if !errors.As(err, &corrupt) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestDatedHashRoundTrip(t *testing.T) {
	write := func(e *rdb.Encoder) {
		e.BeginDatedHash("h", 3, 100, 0)
		e.DatedField("a", "1", 100)
		e.DatedField("b", "2", 0)
		e.DatedField("c", "3", 5000)
	}
	file := encode(t, &rdb.EncoderOptions{Version: 12}, write)
	if got, _, _ := strings.Cut(dump(rdb.NewDecoder(bytes.NewReader(file), nil)), "end of"); got != datedText {
		t.Errorf("decodes to\n%s\nwant\n%s", got, datedText)
	}
	// Valkey's form, byte for byte: its type 22, with deadlines of eight bytes.
	valkey := encode(t, &rdb.EncoderOptions{Version: 80}, write)
	want := "VALKEY080\x16\x01h\x03" + "\x01a\xc0\x01" + "d\x00\x00\x00\x00\x00\x00\x00" +
		"\x01b\xc0\x02" + strings.Repeat("\xff", 8) + "\x01c\xc0\x03" + "\x88\x13\x00\x00\x00\x00\x00\x00" + "\xff"
	if got := string(valkey[:len(valkey)-8]); got != want {
		t.Errorf("for Valkey %q, want %q", got, want)
	}
	if got, _, _ := strings.Cut(dump(rdb.NewDecoder(bytes.NewReader(valkey), nil)), "end of"); got != datedText {
		t.Errorf("for Valkey decodes to\n%s\nwant\n%s", got, datedText)
	}
	farthest := encode(t, &rdb.EncoderOptions{Version: 12}, func(e *rdb.Encoder) {
		e.BeginDatedHash("h", 1, 1, 0)
		e.DatedField("a", "1", math.MaxInt64)
	})
	if got := dump(rdb.NewDecoder(bytes.NewReader(farthest), nil)); !strings.Contains(got, "until 9223372036854775807") {
		t.Errorf("decodes to\n%s", got)
	}
}

func TestDatedHashEncoderRefuses(t *testing.T) {
	for version, holds := range map[int]bool{0: false, 9: false, 11: false, 12: true} {
		e := rdb.NewEncoder(io.Discard, &rdb.EncoderOptions{Version: version})
		if e.HoldsFieldDeadlines() != holds {
			t.Errorf("version %d: HoldsFieldDeadlines() = %v", version, !holds)
		}
		if err := e.BeginDatedHash("h", 1, 1, 0); (err == nil) != holds {
			t.Errorf("version %d: %v", version, err)
		}
	}
	for name, calls := range map[string]func(*rdb.Encoder){
		"before the earliest": func(e *rdb.Encoder) { e.BeginDatedHash("h", 1, 5, 0); e.DatedField("f", "v", 4) },
		"in a plain hash":     func(e *rdb.Encoder) { e.BeginHash("h", 1, 0); e.DatedField("f", "v", 4) },
		"in a plain hash behind another": func(e *rdb.Encoder) {
			e.BeginDatedHash("h", 1, 1, 0)
			e.DatedField("f", "v", 4)
			e.BeginHash("i", 1, 0)
			e.DatedField("f", "v", 4)
		},
		"no earliest": func(e *rdb.Encoder) { e.BeginDatedHash("h", 1, 0, 0); e.DatedField("f", "v", 0) },
		"no fields":   func(e *rdb.Encoder) { e.BeginDatedHash("h", 0, 1, 0) },
	} {
		e := rdb.NewEncoder(io.Discard, &rdb.EncoderOptions{Version: 12})
		calls(e)
		if e.End() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

package rdb_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/rdb"
)

// payloadOf returns the payload of DUMP around a type and a value.
func payloadOf(version int, value string) []byte {
	b := binary.LittleEndian.AppendUint16([]byte(value), uint16(version))
	return binary.LittleEndian.AppendUint64(b, rdb.CRC64(b))
}

func TestDumpBytes(t *testing.T) {
	tests := []struct {
		name  string
		calls func(e *rdb.Encoder)
		value string
	}{
		{"string", func(e *rdb.Encoder) { e.String("not written", "hello", 77) }, "\x00\x05hello"},
		{"list", func(e *rdb.Encoder) { e.BeginList("k", 2, 0); e.Element("a"); e.Element("1") }, "\x01\x02\x01a\xc0\x01"},
		{"set", func(e *rdb.Encoder) { e.BeginSet("k", 1, 0); e.Element("a") }, "\x02\x01\x01a"},
		{"sorted set", func(e *rdb.Encoder) { e.BeginSortedSet("k", 1, 0); e.Member("a", 2.5) }, "\x05\x01\x01a" + double(2.5)},
		{"hash", func(e *rdb.Encoder) { e.BeginHash("k", 1, 0); e.Field("f", "v") }, "\x04\x01\x01f\x01v"},
		{"longer than the buffer", func(e *rdb.Encoder) { e.String("k", long, 0) }, "\x00" + str(long)},
	}
	for _, tt := range tests {
		var b bytes.Buffer
		e := rdb.NewDumpEncoder(&b, &rdb.EncoderOptions{NoChecksum: true})
		tt.calls(e)
		if err := e.End(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if want := payloadOf(9, tt.value); !bytes.Equal(b.Bytes(), want) {
			t.Errorf("%s: got %.100q, want %.100q", tt.name, b.Bytes(), want)
		}
	}
}

// A payload is one value and nothing else.
func TestDumpMisuse(t *testing.T) {
	for name, calls := range map[string]func(e *rdb.Encoder){
		"no value":        func(*rdb.Encoder) {},
		"two values":      func(e *rdb.Encoder) { e.String("a", "b", 0); e.String("c", "d", 0) },
		"half a value":    func(e *rdb.Encoder) { e.BeginList("l", 2, 0); e.Element("a") },
		"aux":             func(e *rdb.Encoder) { e.Aux("a", "b"); e.String("a", "b", 0) },
		"function":        func(e *rdb.Encoder) { e.Function("#!"); e.String("a", "b", 0) },
		"database":        func(e *rdb.Encoder) { e.SelectDB(0); e.String("a", "b", 0) },
		"size":            func(e *rdb.Encoder) { e.ResizeDB(1, 1); e.String("a", "b", 0) },
		"aux behind":      func(e *rdb.Encoder) { e.String("a", "b", 0); e.Aux("a", "b") },
		"version unknown": func(e *rdb.Encoder) { *e = *rdb.NewDumpEncoder(io.Discard, &rdb.EncoderOptions{Version: 13}) },
	} {
		e := rdb.NewDumpEncoder(io.Discard, nil)
		calls(e)
		if err := e.End(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Every value that a file may hold is read from a payload as well, and gives the same, however long.
func TestDumpDecodes(t *testing.T) {
	for _, tt := range bodies {
		if len(tt.body) < 3 || tt.body[1] != 1 || tt.body[0] == 0 || strings.Count(tt.want, "len=") != 1 {
			continue // not one collection with a key of one byte
		}
		d := rdb.NewDumpDecoder(payloadOf(12, tt.body[:1]+tt.body[3:]), nil)
		got := dump(d)
		_, want, _ := strings.Cut(tt.want, "\" len=")
		if _, got, _ = strings.Cut(got, "\"\" len="); got != want+fmt.Sprintf("end of version 12 at %d\n", len(tt.body)-2) {
			t.Errorf("%s: decodes to\n%s\nwant\n%s", tt.name, got, want)
		}
		if _, err := d.Next(); err != io.EOF {
			t.Errorf("%s: then %v, want io.EOF", tt.name, err)
		}
	}
}

func TestDumpRefuses(t *testing.T) {
	good := payloadOf(10, "\x00\x05hello")
	changed := bytes.Clone(good)
	changed[3]++
	unchecked := append(bytes.Clone(good[:len(good)-8]), make([]byte, 8)...)
	tests := []struct {
		name    string
		payload []byte
		want    string
	}{
		{"nothing", nil, "checksum at offset 0: checksum mismatch: shorter"},
		{"footer cut", good[:9], "checksum at offset 0: checksum mismatch: shorter"},
		{"footer alone", payloadOf(10, ""), "value type at offset 0: unexpected EOF"},
		{"changed byte", changed, "checksum at offset 9: checksum mismatch"},
		{"checksum absent", unchecked, "checksum at offset 9: checksum mismatch"},
		{"version of the future", payloadOf(16, "\x00\x05hello"), "not supported: version 16, at offset 7"},
		{"version of a future Valkey", payloadOf(82, "\x00\x05hello"), "not supported: version 82, at offset 7"},
		{"bytes behind", payloadOf(10, "\x00\x05hello!"), "payload at offset 7: bytes behind the value"},
		{"value cut", payloadOf(10, "\x00\x06hello"), "string value at offset 1: unexpected EOF"},
		{"array", payloadOf(14, "\x1c\x00"), "not supported: value type 28 (array), at offset 0"},
		{"opcode", payloadOf(10, "\xfc\x00"), "not supported: opcode 252, at offset 0"},
		{"longer than any memory", payloadOf(10, "\x01\x81\x7f\xff\xff\xff\xff\xff\xff\xff"), "list element at offset 10: unexpected EOF"},
	}
	for _, tt := range tests {
		err := readAll(rdb.NewDumpDecoder(tt.payload, nil))
		var corrupt *rdb.CorruptError
		var unsupported *rdb.UnsupportedError
		if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.As(err, &corrupt) && !errors.As(err, &unsupported) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

// Real servers RESTORE what was encoded, and what they DUMP is decoded.
func TestServersRestore(t *testing.T) {
	for _, program := range []string{"redis7-server", "redis8-server"} {
		t.Run(program, func(t *testing.T) {
			s := startServer(t, peer(t, program), shortDir(t), "--proto-max-bulk-len", "64mb")
			for _, keys := range sample().dbs {
				for key, want := range keys {
					var b bytes.Buffer
					e := rdb.NewDumpEncoder(&b, &rdb.EncoderOptions{Compress: len(key)%2 == 0})
					encodeEntry(e, key, want)
					if err := e.End(); err != nil {
						t.Fatal(err)
					}
					s.do("RESTORE", "k", "0", b.String(), "REPLACE")
					want.deadline = 0
					if got := s.entry("k"); !got.equal(want) {
						t.Fatalf("%.50q: the server has %.100v, want %.100v", key, got, want)
					}
					if got := restore(t, s.do("DUMP", "k").(string)); !got.equal(want) {
						t.Fatalf("%.50q: decoded %.100v, want %.100v", key, got, want)
					}
				}
			}
		})
	}
}

func restore(t *testing.T, payload string) entry {
	d := rdb.NewDumpDecoder([]byte(payload), nil)
	rec, err := d.Next()
	if err != nil {
		t.Fatal(err)
	}
	e, err := decodeEntry(d, rec)
	if err != nil {
		t.Fatal(err)
	}
	if rec, err := d.Next(); rec.Op != rdb.OpEnd || err != nil {
		t.Fatalf("behind the value: %v, %v", rec.Op, err)
	}
	return e
}

func TestFunctionsPayload(t *testing.T) {
	tests := []struct {
		name    string
		payload []byte
		want    string
	}{
		{"none", payloadOf(10, ""), "end of version 10 at 0\n"},
		{"two", payloadOf(11, "\xf5\x03one\xf5\xc3\x05\x0a\x00a\xe0\x00\x00"), "function \"one\"\nfunction \"aaaaaaaaaa\"\nend of version 11 at 14\n"},
		{"key", payloadOf(10, "\x00\x01v"), "error: rdb: opcode at offset 0: where only function libraries belong\n"},
		{"release candidate", payloadOf(10, "\xf6\x01v"), "error: rdb: not supported: opcode 246 (function of a release candidate), at offset 0\n"},
		{"cut", payloadOf(10, "\xf5\x03on"), "error: rdb: function library at offset 1: unexpected EOF\n"},
	}
	for _, tt := range tests {
		if got := dump(rdb.NewFunctionsDecoder(tt.payload, nil)); got != tt.want {
			t.Errorf("%s: decodes to %q, want %q", tt.name, got, tt.want)
		}
	}
	var b bytes.Buffer
	e := rdb.NewFunctionsEncoder(&b, nil)
	e.Function("one")
	e.Function(strings.Repeat("two", 1000))
	if err := e.End(); err != nil {
		t.Fatal(err)
	}
	want := "function \"one\"\nfunction " + short([]byte(strings.Repeat("two", 1000))) + "\n"
	if got := dump(rdb.NewFunctionsDecoder(b.Bytes(), nil)); !strings.HasPrefix(got, want) {
		t.Errorf("what was written decodes to %q, want %q", got, want)
	}
	e = rdb.NewFunctionsEncoder(&b, nil)
	if e.String("", "v", 0) == nil {
		t.Error("a value among libraries is written")
	}
}

package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/rdb"
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/backlog"
)

// reJSON is the number of the type ReJSON-RL, as it stands in a file.
const reJSON = "\x81\x45\xe2\x52\x38\xdf\x91\x2c\x03"

// opaqueValue is a value of the type ReJSON-RL, as package rdb hands it out, of about n bytes.
func opaqueValue(n int) string {
	return reJSON + "\x05\x80" + string([]byte{0, byte(n >> 16), byte(n >> 8), byte(n)}) + strings.Repeat("j", n) + "\x00"
}

// opaqueStore is a store that has loaded two keys of a module, one small and one large.
func opaqueStore(t testing.TB) *Store {
	t.Helper()
	s := newStore(t, nil)
	s.Replication().Demote()
	l := s.Replication().NewLoader()
	err := l.LoadRDB(bytes.NewReader(encode(t, func(e *rdb.Encoder) {
		e.SelectDB(0)
		e.Module("small", opaqueValue(10), 4102444800000)
		e.Module("large", opaqueValue(5000), 0)
	})))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Commit(backlog.History{ID: backlog.NewID(), SecondaryLimit: -1}); err != nil {
		t.Fatal(err)
	}
	s.Replication().Promote()
	return s
}

// modulesOf reads the values of modules in a file, by key.
func modulesOf(t testing.TB, file []byte) map[string]string {
	t.Helper()
	values := map[string]string{}
	d := rdb.NewDecoder(bytes.NewReader(file), nil)
	for {
		rec, err := d.Next()
		if err == io.EOF {
			return values
		}
		if err != nil {
			t.Fatal(err)
		}
		if rec.Kind == rdb.Module {
			v, err := d.Module()
			if err != nil {
				t.Fatal(err)
			}
			values[fmt.Sprintf("%s %d", rec.Key, rec.Deadline)] = string(v)
		}
	}
}

// What a module stored is kept, named and written as it came; as a key it is like any
// other, as a value it is nobody's.
func TestOpaqueValues(t *testing.T) {
	s := opaqueStore(t)
	c := s.NewSession(nil)
	const wrong = "-WRONGTYPE Operation against a key holding the wrong kind of value"
	for _, tt := range []struct{ command, want string }{
		{"TYPE small", "ReJSON-RL"},
		{"TYPE large", "ReJSON-RL"},
		{"OBJECT ENCODING small", `"raw"`},
		{"GET small", wrong},
		{"APPEND small x", wrong},
		{"STRLEN large", wrong},
		{"HGET small f", wrong},
		{"LPUSH small x", wrong},
		{"SADD small x", wrong},
		{"ZADD small 1 x", wrong},
		{"SORT small", wrong},
		{"SCAN 0 TYPE rejson-rl COUNT 100", `["0" ["small" "large"]]`},
		{"PEXPIRETIME small", "4102444800000"},
		{"COPY large copied", "1"},
		{"RENAME large moved", "OK"},
		{"EXPIREAT moved 4102444801", "1"},
		{"PERSIST small", "1"},
		{"DEL nosuch", "0"},
		{"DBSIZE", "3"},
	} {
		got := c.Do(argv(strings.Fields(tt.command)...)).String()
		if alternative := strings.ReplaceAll(tt.want, `"small" "large"`, `"large" "small"`); got != tt.want && got != alternative {
			t.Errorf("%s = %s, want %s", tt.command, got, tt.want)
		}
	}
	if n := do(t, c, "MEMORY USAGE moved").Int; n < 5000 {
		t.Errorf("the memory of 5000 bytes is %d", n)
	}
	got := modulesOf(t, file(t, s))
	want := map[string]string{"small 0": opaqueValue(10), "moved 4102444801000": opaqueValue(5000), "copied 0": opaqueValue(5000)}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the file has %.300q, want %.300q", got, want)
	}
	if got := do(t, c, "DEL small moved copied").String(); got != "3" {
		t.Errorf("DEL = %s", got)
	}
}

// DUMP and RESTORE carry such a value, in the stream too.
func TestOpaqueDump(t *testing.T) {
	s := opaqueStore(t)
	payload, err := s.DB(0).Dump("large")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DB(0).Restore("again", payload, 0, false); err != nil {
		t.Fatal(err)
	}
	r, a := newReplica(t, nil)
	if err := apply(t, a, string(resp.AppendCommand(nil, "RESTORE", "k", "0", payload, "ABSTTL"))); err != nil {
		t.Fatal(err)
	}
	for _, db := range []DB{s.DB(0), r.DB(0)} {
		for key, kind := range db.Keys() {
			if is, err := db.Dump(key); kind != Module || key != "small" && is != payload || err != nil {
				t.Errorf("%s is %v: %.100q, %v", key, kind, is, err)
			}
		}
	}
	if err := s.DB(0).Restore("cut", payload[:len(payload)-30]+payload[len(payload)-10:], 0, false); err == nil {
		t.Error("a payload that was cut is restored")
	}
}

// A snapshot has what was there at its cut, and equal data have equal digests.
func TestOpaqueSnapshot(t *testing.T) {
	s, same := opaqueStore(t), opaqueStore(t)
	sn := s.Snapshot()
	defer sn.Close()
	if a, b := s.Digest(), same.Digest(); a != b || a == newStore(t, nil).Digest() {
		t.Errorf("digests %s and %s", a, b)
	}
	c := s.NewSession(nil)
	do(t, c, "DEL small")
	do(t, c, "SET large text")
	var b bytes.Buffer
	if err := sn.WriteRDB(&b, nil); err != nil {
		t.Fatal(err)
	}
	if got := modulesOf(t, b.Bytes()); len(got) != 2 || got["large 0"] != opaqueValue(5000) {
		t.Errorf("the snapshot has %.200q", got)
	}
	if s.Digest() == same.Digest() {
		t.Error("the digest does not see the value of a module")
	}
}

// What modules store about a key is no part of its value, and would be lost: it stops the
// loading, and names the key.
func TestKeyMetadataIsRefused(t *testing.T) {
	l := newStore(t, nil).Replication().NewLoader()
	err := l.LoadRDB(strings.NewReader("REDIS0013\xfe\x00\xf3\x01abcd\x02\x07\x00\x00\x06basket\x01v\xff\x00\x00\x00\x00\x00\x00\x00\x00"))
	var unsupported *rdb.UnsupportedError
	if !errors.As(err, &unsupported) || unsupported.Key != "basket" {
		t.Errorf("LoadRDB = %v, want an UnsupportedError of the key", err)
	}
}

// What newer servers keep in a stream stops the loading as well.
func TestStreamsOfTheFutureAreRefused(t *testing.T) {
	const pending = "\x01\x01g\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01" +
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
	for name, file := range map[string]string{
		"producer": "REDIS0013\xfe\x00\x1a\x06basket\x00\x00\x01\x01\x00\x00\x00\x00\x00\x00\x01\x05\x01\x01p\x00\x00\x00\xff",
		"released": "REDIS0014\xfe\x00\x1b\x06basket\x00\x00\x01\x01\x00\x00\x00\x00\x00" + pending + "\x01\x05\x00\x00\x00\xff",
	} {
		l := newStore(t, nil).Replication().NewLoader()
		err := l.LoadRDB(strings.NewReader(file + "\x00\x00\x00\x00\x00\x00\x00\x00"))
		var unsupported *rdb.UnsupportedError
		if !errors.As(err, &unsupported) || unsupported.Key != "basket" {
			t.Errorf("%s: LoadRDB = %v, want an UnsupportedError of the key", name, err)
		}
	}
	l := newStore(t, nil).Replication().NewLoader()
	if err := l.LoadRDB(strings.NewReader("REDIS0013\xfe\x00\x1a\x06basket\x00\x00\x01\x01\x00\x00\x00\x00\x00\x00\x01\x05\x00\x00\x00\xff\x00\x00\x00\x00\x00\x00\x00\x00")); err != nil {
		t.Errorf("without producers: %v", err)
	}
}

// Keys of slots that are being imported are keys of the primary.
func TestSlotImportIsPassedOver(t *testing.T) {
	s := newStore(t, nil)
	s.Replication().Demote()
	l := s.Replication().NewLoader()
	if err := l.LoadRDB(strings.NewReader("VALKEY080\xf3\x03job\x01\x00\x05\xfe\x00\x00\x01k\x01v\xff\x00\x00\x00\x00\x00\x00\x00\x00")); err != nil {
		t.Fatal(err)
	}
	if err := l.Commit(backlog.History{ID: backlog.NewID(), SecondaryLimit: -1}); err != nil {
		t.Fatal(err)
	}
	if v, err := s.DB(0).Get("k"); v != "v" {
		t.Errorf("k = %q, %v", v, err)
	}
}

// FUNCTION RESTORE in the stream: policies, and what stops a replica.
func TestLibrariesAreRestored(t *testing.T) {
	code := func(name, body string) string { return "#!lua name=" + name + "\n" + body }
	payload := func(libs ...string) string {
		var b bytes.Buffer
		e := rdb.NewFunctionsEncoder(&b, nil)
		for _, l := range libs {
			e.Function(l)
		}
		if err := e.End(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	tests := []struct {
		name, payload, policy string
		want                  libraries // nil: refused
	}{
		{"append by default", payload(code("b", "2")), "", libraries{"a": code("a", "1"), "b": code("b", "2")}},
		{"append", payload(code("b", "2"), code("c", "3")), "append", libraries{"a": code("a", "1"), "b": code("b", "2"), "c": code("c", "3")}},
		{"append what is there", payload(code("b", "2"), code("a", "2")), "", nil},
		{"replace", payload(code("b", "2"), code("a", "2")), "REPLACE", libraries{"a": code("a", "2"), "b": code("b", "2")}},
		{"flush", payload(code("b", "2")), "Flush", libraries{"b": code("b", "2")}},
		{"nothing", payload(), "FLUSH", libraries{}},
		{"no name", payload("#!lua\nx"), "", nil},
		{"no policy", payload(code("b", "2")), "ALWAYS", nil},
		{"damaged", strings.Replace(payload(code("b", "2")), "b", "c", 1), "", nil},
		{"no payload", "x", "", nil},
	}
	for _, tt := range tests {
		s, a := newReplica(t, nil)
		s.mu.functions = libraries{"a": code("a", "1")}
		words := []string{"FUNCTION", "RESTORE", tt.payload}
		if tt.policy != "" {
			words = append(words, tt.policy)
		}
		err := apply(t, a, string(resp.AppendCommand(nil, words...)))
		want := tt.want
		if want == nil {
			want = libraries{"a": code("a", "1")}
		}
		if (err != nil) != (tt.want == nil) || fmt.Sprint(s.mu.functions) != fmt.Sprint(want) {
			t.Errorf("%s: %v, and the libraries are %q, want %q", tt.name, err, s.mu.functions, want)
		}
	}
}

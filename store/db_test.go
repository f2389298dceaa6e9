package store

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/understudy-go/understudy/resp"
)

func TestDoErrors(t *testing.T) {
	s := newStore(t, &Options{Databases: 2})
	_ = s.DB(0).Set("k", "v", 0)
	sn := s.Snapshot()
	defer sn.Close()
	for _, tt := range []struct {
		line, want string
	}{
		{"", "ERR empty command"},
		{"NONSENSE a b", "ERR unknown command 'NONSENSE', with args beginning with: 'a' 'b' "},
		{"REPLCONF GETACK *", "ERR unknown command 'REPLCONF', with args beginning with: 'GETACK' '*' "},
		{"MULTI", "ERR MULTI belongs to a session"},
		{"GET", "ERR wrong number of arguments for 'get' command"},
		{"HGET k f", ErrWrongType.Text()},
		{"HKEYS k", ErrWrongType.Text()},
	} {
		for name, run := range map[string]func(...string) (resp.Value, error){"DB": s.DB(0).Do, "SnapshotDB": sn.DB(0).Do} {
			if v, err := run(strings.Fields(tt.line)...); err == nil || err.Error() != tt.want {
				t.Errorf("%s.Do(%q) = %v, %v, want %s", name, tt.line, v, err, tt.want)
			}
		}
	}
	if _, err := sn.DB(0).Do("SET", "k", "w"); err == nil {
		t.Errorf("a snapshot takes a SET")
	}
	for _, n := range []int{-1, 2} {
		_, err := s.DB(n).Get("k")
		_, err2 := sn.DB(n).Get("k")
		_, err3 := s.DB(n).MGet("k")
		err4 := s.DB(n).Set("k", "v", 0)
		for _, err := range []error{err, err2, err3, err4} {
			if !errors.Is(err, ErrNoDatabase) {
				t.Errorf("database %d: %v", n, err)
			}
		}
		if s.DB(n).Exists("k") || s.DB(n).Len() != 0 {
			t.Errorf("database %d has keys", n)
		}
		for range s.DB(n).Keys() {
			t.Errorf("database %d yields keys", n)
		}
	}
}

func TestTypedReads(t *testing.T) {
	s := sample(t)
	db := s.DB(0)
	for key, want := range map[string]Kind{"text": String, "long": String, "small": Hash, "big": Hash, "none": None} {
		if got := db.Kind(key); got != want || db.Exists(key) != (want != None) {
			t.Errorf("Kind(%q) = %v, want %v", key, got, want)
		}
	}
	for _, key := range []string{"small", "big"} {
		if _, err := db.Get(key); err != ErrWrongType {
			t.Errorf("Get(%q) = %v", key, err)
		}
	}
	if _, err := db.HGet("small", "none"); err != ErrNotFound {
		t.Errorf("HGet of no field = %v", err)
	}
	if _, err := db.HGet("none", "f"); err != ErrNotFound {
		t.Errorf("HGet of no key = %v", err)
	}
	if n, err := db.Strlen("none"); n != 0 || err != nil {
		t.Errorf("Strlen = %d, %v", n, err)
	}
	if _, err := db.HSet("k", "f"); err == nil {
		t.Errorf("HSet takes half a pair")
	}
	for _, name := range []string{"small", "big"} {
		keys, _ := db.Do("HKEYS", name)
		vals, _ := db.Do("HVALS", name)
		all, _ := db.Do("HGETALL", name)
		if len(keys.Elems) == 0 || len(keys.Elems) != len(vals.Elems) || 2*len(keys.Elems) != len(all.Elems) {
			t.Errorf("%s: HKEYS %d, HVALS %d, HGETALL %d", name, len(keys.Elems), len(vals.Elems), len(all.Elems))
		}
	}
	if v, err := db.Do("HSTRLEN", "big", "f10"); v.Int != 3 || err != nil {
		t.Errorf("HSTRLEN = %v, %v", v, err)
	}
}

// A key that is alone among keys past their deadline is found.
func TestRandomKeyAmongExpired(t *testing.T) {
	clock := newClock()
	s := newStore(t, &Options{Clock: clock.now})
	if v, err := s.DB(0).Do("RANDOMKEY"); !v.IsNull() || err != nil {
		t.Errorf("of an empty database: %v, %v", v, err)
	}
	for i := range 3000 {
		_ = s.DB(0).Set("dead"+strings.Repeat("x", i%50)+string(rune('a'+i/50)), "v", time.Millisecond)
	}
	clock.advance(time.Second)
	if v, err := s.DB(0).Do("RANDOMKEY"); !v.IsNull() || err != nil {
		t.Errorf("of expired keys: %v, %v", v, err)
	}
	_ = s.DB(0).Set("alive", "v", 0)
	if v, err := s.DB(0).Do("RANDOMKEY"); v.Str != "alive" || err != nil {
		t.Errorf("= %v, %v, want alive", v, err)
	}
}

// The digests are those of DEBUG DIGEST of redis-server 7.0.
func TestDigest(t *testing.T) {
	s := newStore(t, nil)
	if got, want := s.Digest(), strings.Repeat("0", 40); got != want {
		t.Errorf("of an empty store: %s, want %s", got, want)
	}
	_ = s.DB(0).Set("text", "value", 0)
	_, _ = s.DB(0).HSet("h", "f", "v", "g", "w")
	_ = s.DB(3).Set("d", "v", 0)
	_, _ = s.DB(3).Expire("d", time.UnixMilli(99999999999999))
	if got, want := s.Digest(), "a3afcdc97491e088b6f9bbcd9841068e2ee04f45"; got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
}

func TestOptions(t *testing.T) {
	if err := (&Options{}).Validate(); err != nil {
		t.Errorf("the zero value: %v", err)
	}
	bad := &Options{Databases: -1, BacklogBytes: -1, TransactionBytes: -1}
	err := bad.Validate()
	for _, word := range []string{"Databases", "BacklogBytes", "TransactionBytes"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("Validate does not name %s: %v", word, err)
		}
	}
	if n := New(bad).Databases(); n != defaultDatabases {
		t.Errorf("%d databases", n)
	}
}

// WAIT waits for the offset of the session's own last write, not for others'.
func TestSessionOffset(t *testing.T) {
	s := newStore(t, nil)
	c := s.NewSession(nil)
	if c.Offset() != 0 || c.Store() != s {
		t.Errorf("a new session is at %d", c.Offset())
	}
	do(t, c, "SET k v")
	at := s.backlog.Offset()
	_ = s.DB(0).Set("k", "w", 0)
	do(t, c, "GET k")
	if c.Offset() != at {
		t.Errorf("after a write and a read: %d, want %d", c.Offset(), at)
	}
	do(t, c, "MULTI")
	do(t, c, "INCR n")
	do(t, c, "EXEC")
	if c.Offset() != s.backlog.Offset() {
		t.Errorf("after EXEC: %d, want %d", c.Offset(), s.backlog.Offset())
	}
}

// The errors of Do are those of the typed methods.
func TestErrorsOfDo(t *testing.T) {
	db := newStore(t, nil).DB(0)
	_ = db.Set("k", "v", 0)
	for line, want := range map[string]error{"RENAME x y": ErrNoKey, "INCR k": ErrNotInteger, "LPUSH k v": ErrWrongType} {
		if _, err := db.Do(strings.Fields(line)...); !errors.Is(err, want) || errors.Is(err, ErrSyntax) {
			t.Errorf("%s: %v, want %v", line, err, want)
		}
	}
}

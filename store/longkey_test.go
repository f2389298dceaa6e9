package store

import (
	"bytes"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/store/backlog"
)

// A key may be as long as a value, whatever stands at it. Entries have room for the length of keys below 16 MiB only; beyond that
// they are built in another way.
func TestLongKeys(t *testing.T) {
	for _, n := range []int{1<<24 - 1, 1 << 24} {
		s := newStore(t, nil)
		key := strings.Repeat("k", n)
		for _, c := range []struct {
			args []string
			want string
		}{
			{[]string{"SET", key, "v"}, "OK"},
			{[]string{"GET", key}, `"v"`},
			{[]string{"DEL", key}, "1"},
			{[]string{"HSET", key, "f", "1"}, "1"},
			{[]string{"HGET", key, "f"}, `"1"`},
			{[]string{"PEXPIREAT", key, "99999999999999"}, "1"},
			{[]string{"HINCRBY", key, "f", "1"}, "2"},
			{[]string{"RENAME", key, "short"}, "OK"},
			{[]string{"HGET", "short", "f"}, `"2"`},
			{[]string{"RENAME", "short", key}, "OK"},
			{[]string{"EXISTS", key, "short"}, "1"},
		} {
			v, err := s.DB(0).Do(c.args...)
			if err != nil || v.String() != c.want {
				t.Errorf("key of %d bytes: %s = %.80s, %v, want %s", n, c.args[0], v, err, c.want)
			}
		}
		other := newStore(t, nil)
		l := other.Replication().NewLoader()
		var file bytes.Buffer
		sn := s.Snapshot()
		if err := sn.WriteRDB(&file, nil); err != nil {
			t.Fatal(err)
		}
		sn.Close()
		if err := l.LoadRDB(&file); err != nil {
			t.Fatal(err)
		}
		if err := l.Commit(backlog.History{ID: backlog.NewID(), SecondaryLimit: -1, StreamDB: -1}); err != nil {
			t.Fatal(err)
		}
		if v, err := other.DB(0).HGet(key, "f"); v != "2" || err != nil {
			t.Errorf("key of %d bytes: the loaded hash has %q, %v", n, v, err)
		}
	}
}

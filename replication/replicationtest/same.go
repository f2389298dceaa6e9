package replicationtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// maxDiffs bounds what a failure prints.
const maxDiffs = 20

// Same fails the test unless a and b hold the same: every key of every database with type, value and deadline, and the same replication ID and offset. Each is
// read from one snapshot, so writers may go on; they then differ by what was written, of course.
func Same(t testing.TB, a, b *store.Store) {
	t.Helper()
	if diffs := Diff(a, b); len(diffs) > 0 {
		t.Errorf("the stores differ:\n%s", strings.Join(diffs[:min(len(diffs), maxDiffs)], "\n"))
	}
}

// Diff returns one line for each difference that Same would complain about.
func Diff(a, b *store.Store) []string {
	x, y := a.Snapshot(), b.Snapshot()
	defer x.Close()
	defer y.Close()
	var diffs []string
	hx, hy := x.History(), y.History()
	if hx.ID != hy.ID || hx.Offset != hy.Offset {
		diffs = append(diffs, fmt.Sprintf("history: %s at %d, %s at %d", hx.ID, hx.Offset, hy.ID, hy.Offset))
	}
	if a.Databases() != b.Databases() {
		diffs = append(diffs, fmt.Sprintf("databases: %d, %d", a.Databases(), b.Databases()))
	}
	for n := range min(a.Databases(), b.Databases()) {
		diffs = append(diffs, diffDB(n, dump(x.DB(n)), dump(y.DB(n)))...)
	}
	return diffs
}

func diffDB(n int, x, y map[string]string) []string {
	var diffs []string
	for _, key := range slices.Sorted(maps.Keys(x)) {
		if other, ok := y[key]; !ok || other != x[key] {
			diffs = append(diffs, fmt.Sprintf("db %d, key %q: %s, %s", n, key, brief(x[key]), brief(other)))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(y)) {
		if _, ok := x[key]; !ok {
			diffs = append(diffs, fmt.Sprintf("db %d, key %q: nothing, %s", n, key, brief(y[key])))
		}
	}
	return diffs
}

// brief is a description as a failure prints it: one of megabytes says less than its two ends.
func brief(s string) string {
	const most = 400
	switch {
	case s == "":
		return "nothing"
	case len(s) > most:
		return fmt.Sprintf("%s ... (%d bytes) ... %s", s[:most/2], len(s), s[len(s)-most/2:])
	}
	return s
}

// dump describes every key: type, value, deadline.
func dump(db store.SnapshotDB) map[string]string {
	keys := make(map[string]string)
	for key := range db.Keys() {
		kind := do(db, "TYPE", key)
		keys[key] = fmt.Sprintf("%s %s until %s", kind, value(db, kind, key), do(db, "PEXPIRETIME", key))
	}
	return keys
}

// value describes a value so that equal ones look equal: hashes and sets have no order.
func value(db store.SnapshotDB, kind, key string) string {
	switch kind {
	case "string":
		return fmt.Sprintf("%q", do(db, "GET", key))
	case "hash":
		v, err := db.Do("HGETALL", key)
		if err != nil {
			return err.Error()
		}
		var fields []string
		for i := 0; i+1 < len(v.Elems); i += 2 {
			fields = append(fields, fmt.Sprintf("%q=%q", v.Elems[i].Str, v.Elems[i+1].Str))
		}
		slices.Sort(fields)
		return strings.Join(fields, " ") + deadlines(db, key, v)
	case "list":
		return strings.Join(elements(db, "LRANGE", key, "0", "-1"), " ")
	case "set":
		return strings.Join(slices.Sorted(slices.Values(elements(db, "SMEMBERS", key))), " ")
	case "zset":
		return strings.Join(elements(db, "ZRANGE", key, "0", "-1", "WITHSCORES"), " ")
	case "stream":
		return do(db, "XINFO", "STREAM", key) + do(db, "XRANGE", key, "-", "+") + groups(db, key)
	}
	return do(db, "DUMP", key)
}

// deadlines are those of the fields in pairs, the reply of HGETALL, "" if there are none.
func deadlines(db store.SnapshotDB, key string, pairs resp.Value) string {
	var lines []string
	for i := 0; i+1 < len(pairs.Elems); i += 2 {
		field := pairs.Elems[i].Str
		if at := do(db, "HPEXPIRETIME", key, "FIELDS", "1", field); at != "[-1]" {
			lines = append(lines, fmt.Sprintf(" %q until %s", field, at))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// groups describe those of a stream: how far each is, its consumers, and what is pending for whom since when. When a consumer was seen last is left out: no stream
// tells that.
func groups(db store.SnapshotDB, key string) string {
	var b strings.Builder
	b.WriteString(do(db, "XINFO", "GROUPS", key))
	full, _ := db.Do("XINFO", "STREAM", key, "FULL", "COUNT", "0")
	for _, g := range under(full, "groups").Elems {
		fmt.Fprintf(&b, " %v: %v", under(g, "name").Str, plain(under(g, "pending")))
		for _, c := range under(g, "consumers").Elems {
			fmt.Fprintf(&b, " %q", under(c, "name").Str)
		}
	}
	return b.String()
}

// under is what stands behind a name in a reply of names and values.
func under(v resp.Value, name string) resp.Value {
	for i := 0; i+1 < len(v.Elems); i += 2 {
		if v.Elems[i].Str == name {
			return v.Elems[i+1]
		}
	}
	return resp.Value{}
}

// elements are those of a reply that is a list, quoted; of members with scores both.
func elements(db store.SnapshotDB, args ...string) []string {
	v, err := db.Do(args...)
	if err != nil {
		return []string{err.Error()}
	}
	var list []string
	for _, e := range v.Elems {
		list = append(list, fmt.Sprintf("%q", fmt.Sprint(plain(e))))
	}
	return list
}

func do(db store.SnapshotDB, args ...string) string {
	v, err := db.Do(args...)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(plain(v))
}

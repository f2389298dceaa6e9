package realserver

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// maxDatabases is how far a walk goes; a server that has fewer ends it with an error to SELECT.
const maxDatabases = 16

// Key names a key in a database.
type Key struct {
	DB   int
	Name string
}

// Entry is everything that two equal keys have in common.
type Entry struct {
	Type     string
	Value    string            // of a string; of a list, set or sorted set its elements in a fixed order, quoted
	Fields   map[string]string // of a hash: values, and behind one until when the field lives, see [FieldDeadline]
	Deadline int64             // Unix time in milliseconds; -1 when the key never expires
}

// Dataset is the content of a server: every key of every database.
type Dataset map[Key]Entry

// Dump walks every key of every database. Keys that change meanwhile are seen as they were at some moment, so compare only
// where nobody writes, or try again. A key that expires during the walk is left out.
//
// The walk selects databases. A [Server] is walked on a connection of its own; any other Doer must not be used meanwhile and
// is left on database 0.
func Dump(d Doer) (Dataset, error) {
	if s, ok := d.(*Server); ok {
		c, err := s.open()
		if err != nil {
			return nil, err
		}
		defer c.Close()
		d = c
	}
	set := Dataset{}
	for db := range maxDatabases {
		_, err := reply[string](d, "SELECT", strconv.Itoa(db))
		if db > 0 && isReply(err) {
			break // fewer databases than the most
		}
		if err != nil {
			return nil, fmt.Errorf("select %d: %w", db, err)
		}
		if err := dumpDatabase(d, db, set); err != nil {
			return nil, fmt.Errorf("database %d: %w", db, err)
		}
	}
	_, err := reply[string](d, "SELECT", "0")
	return set, err
}

func dumpDatabase(d Doer, db int, set Dataset) error {
	for cursor := "0"; ; {
		page, err := reply[[]any](d, "SCAN", cursor, "COUNT", "1000")
		if err != nil {
			return fmt.Errorf("scan: %w", err)
		}
		next, names, err := scanPage(page)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := dumpKey(d, Key{db, name}, set); err != nil {
				return fmt.Errorf("key %q: %w", name, err)
			}
		}
		if next == "0" {
			return nil
		}
		cursor = next
	}
}

func scanPage(page []any) (cursor string, names []string, err error) {
	if len(page) != 2 {
		return "", nil, fmt.Errorf("scan: %d elements in the reply, want 2", len(page))
	}
	cursor, ok := page[0].(string)
	list, ok2 := page[1].([]any)
	if !ok || !ok2 {
		return "", nil, fmt.Errorf("scan: reply of %T and %T", page[0], page[1])
	}
	names, err = texts(list)
	return cursor, names, err
}

// dumpKey adds one key. SCAN may name a key twice; the second time overwrites.
func dumpKey(d Doer, k Key, set Dataset) error {
	kind, err := reply[string](d, "TYPE", k.Name)
	if err != nil || kind == "none" {
		return err
	}
	entry := Entry{Type: kind}
	gone, err := entry.read(d, k.Name)
	if gone || err != nil {
		return err
	}
	if entry.Deadline, err = reply[int64](d, "PEXPIRETIME", k.Name); err != nil {
		return err
	}
	if entry.Deadline != -2 { // -2: expired since TYPE
		set[k] = entry
	}
	return nil
}

// read fetches the value by the entry's type; gone tells that the key went away since.
func (e *Entry) read(d Doer, name string) (gone bool, err error) {
	switch e.Type {
	case "string":
		v := d.Do("GET", name)
		if v == nil {
			return true, nil
		}
		e.Value, err = as[string](v)
	case "hash":
		if e.Fields, err = readHash(d, name); err == nil && len(e.Fields) > 0 {
			err = readDeadlines(d, name, e.Fields)
		}
		return len(e.Fields) == 0, err
	case "list":
		return e.readElements(d, false, "LRANGE", name, "0", "-1")
	case "set":
		return e.readElements(d, true, "SMEMBERS", name)
	case "zset":
		return e.readSorted(d, name)
	case "stream":
		return e.readStream(d, name)
	default:
		err = fmt.Errorf("no way to read type %q", e.Type)
	}
	return false, err
}

func readHash(d Doer, name string) (map[string]string, error) {
	list, err := replyTexts(d, "HGETALL", name)
	if err != nil {
		return nil, err
	}
	if len(list)%2 != 0 {
		return nil, fmt.Errorf("HGETALL: %d elements", len(list))
	}
	fields := map[string]string{}
	for pair := range slices.Chunk(list, 2) {
		fields[pair[0]] = pair[1]
	}
	return fields, nil
}

const untilMark = "\x00 until "

// FieldDeadline takes a value of Entry.Fields apart. The deadline is Unix time in milliseconds, 0 for none.
func FieldDeadline(v string) (value string, deadline int64) {
	if i := strings.LastIndex(v, untilMark); i >= 0 {
		if n, err := strconv.ParseInt(v[i+len(untilMark):], 10, 64); err == nil {
			return v[:i], n
		}
	}
	return v, 0
}

// readDeadlines adds to values when fields expire. To servers before Redis 7.4 the question is an unknown command, and no
// field does.
func readDeadlines(d Doer, name string, values map[string]string) error {
	fields := slices.Sorted(maps.Keys(values))
	args := append([]string{"HPEXPIRETIME", name, "FIELDS", strconv.Itoa(len(fields))}, fields...)
	times, err := reply[[]any](d, args...)
	if isReply(err) {
		return nil
	}
	for i, v := range times {
		if at, ok := v.(int64); ok && at > 0 && i < len(fields) {
			values[fields[i]] += untilMark + strconv.FormatInt(at, 10)
		}
	}
	return err
}

// readElements keeps a collection as one text, sorted where its own order has no meaning.
func (e *Entry) readElements(d Doer, unordered bool, args ...string) (gone bool, err error) {
	list, err := replyTexts(d, args...)
	if err != nil || len(list) == 0 {
		return true, err
	}
	if unordered {
		slices.Sort(list)
	}
	e.Value = fmt.Sprintf("%q", list)
	return false, nil
}

// readSorted is readElements for members and their scores, which servers print with more or fewer digits.
func (e *Entry) readSorted(d Doer, name string) (gone bool, err error) {
	list, err := replyTexts(d, "ZRANGE", name, "0", "-1", "WITHSCORES")
	if err != nil || len(list) == 0 {
		return true, err
	}
	for i := 1; i < len(list); i += 2 {
		score, err := strconv.ParseFloat(list[i], 64)
		if err != nil {
			return false, fmt.Errorf("ZRANGE: score %q", list[i])
		}
		list[i] = strconv.FormatFloat(score, 'g', -1, 64)
	}
	e.Value = fmt.Sprintf("%q", list)
	return false, nil
}

// readStream keeps all that a stream has, in the words of XINFO STREAM FULL: entries, what it remembers of others, groups and
// what is pending in them. When a consumer was last seen is each server's own.
func (e *Entry) readStream(d Doer, name string) (gone bool, err error) {
	list, err := reply[[]any](d, "XINFO", "STREAM", name, "FULL", "COUNT", "0")
	if isReply(err) {
		return true, nil
	}
	e.Value = streamText(list)
	return false, err
}

// streamText is a reply as text. Behind a name of what is left out, so is the value.
func streamText(list []any) string {
	var b strings.Builder
	b.WriteByte('[')
	for i := 0; i < len(list); i++ {
		switch v := list[i].(type) {
		case []any:
			b.WriteString(streamText(v))
		case string:
			if slices.Contains(ownFields, v) && i+1 < len(list) {
				i++
				continue
			}
			fmt.Fprintf(&b, "%q ", v)
		default:
			fmt.Fprintf(&b, "%v ", v)
		}
	}
	b.WriteByte(']')
	return b.String()
}

// ownFields are what differs between servers with the same data.
var ownFields = []string{"radix-tree-keys", "radix-tree-nodes", "seen-time", "active-time"}

// Diff returns the first differences between two data sets, one a line, or "" when they are equal. Type, value and deadline
// all count.
func Diff(a, b Dataset) string {
	const most = 10
	var lines []string
	for _, k := range unionKeys(a, b) {
		ea, inA := a[k]
		eb, inB := b[k]
		switch {
		case !inB:
			lines = append(lines, fmt.Sprintf("db %d %q: only left: %s", k.DB, k.Name, ea))
		case !inA:
			lines = append(lines, fmt.Sprintf("db %d %q: only right: %s", k.DB, k.Name, eb))
		case !ea.equal(eb):
			lines = append(lines, fmt.Sprintf("db %d %q: left %s, right %s", k.DB, k.Name, ea, eb))
		}
	}
	if len(lines) > most {
		lines = append(lines[:most], fmt.Sprintf("... %d differences in all (%d keys left, %d right)", len(lines), len(a), len(b)))
	}
	return strings.Join(lines, "\n")
}

func unionKeys(a, b Dataset) []Key {
	all := maps.Clone(a)
	if all == nil {
		all = Dataset{}
	}
	maps.Copy(all, b)
	return slices.SortedFunc(maps.Keys(all), func(x, y Key) int {
		return cmp.Or(cmp.Compare(x.DB, y.DB), cmp.Compare(x.Name, y.Name))
	})
}

func (e Entry) equal(o Entry) bool {
	return e.Type == o.Type && e.Value == o.Value && e.Deadline == o.Deadline && maps.Equal(e.Fields, o.Fields)
}

// String shows the entry on one line; long values are shortened, with their length.
func (e Entry) String() string {
	const most = 120
	text := strconv.Quote(e.Value)
	if e.Type == "hash" {
		text = fmt.Sprintf("%q", e.Fields)
	}
	if len(text) > most {
		text = fmt.Sprintf("%s...(%d bytes)", text[:most], len(text))
	}
	if e.Deadline >= 0 {
		text += fmt.Sprintf(" until %d", e.Deadline)
	}
	return e.Type + " " + text
}

// AwaitEqual returns when two servers hold the same data, and ends the test with the differences when they do not in time.
// Nobody may write meanwhile.
func AwaitEqual(t testing.TB, timeout time.Duration, a, b Doer) {
	t.Helper()
	last := ""
	same := func() bool {
		da, errA := Dump(a)
		db, errB := Dump(b)
		if errA != nil || errB != nil {
			last = fmt.Sprintf("left: %v, right: %v", errA, errB)
			return false
		}
		last = Diff(da, db)
		return last == ""
	}
	if err := poll(timeout, nil, same); err != nil {
		t.Fatalf("data sets differ after %v:\n%s", timeout, last)
	}
}

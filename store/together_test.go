package store

import (
	"fmt"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/internal/table"
)

// Members that one command changes change together, also when it is not worth a
// transaction: in a large set, members "a" to "d" always have one score, which grows, or
// are all absent.
func TestMembersChangeTogether(t *testing.T) {
	b := &bench{t: t, s: newStore(t, nil)}
	db, scans := b.s.DB(0), b.s.NewSession(nil)
	names := []string{"a", "b", "c", "d"}
	for i := range 300 { // far apart in the tree, and more than one bucket of the table
		if _, err := db.ZAdd("z", Scored{float64(i) * 100, fmt.Sprint("m", i)}); err != nil {
			t.Fatal(err)
		}
	}
	write := func(score int) {
		items := make([]Scored, len(names))
		for i, name := range names {
			items[i] = Scored{float64(score * 7 % 30_000), name}
		}
		if _, err := db.ZAdd("z", items...); err != nil {
			t.Error(err)
		}
		if score%5 == 0 {
			if n, err := db.ZRem("z", names...); n != len(names) || err != nil {
				t.Errorf("ZRem = %d, %v", n, err)
			}
		}
	}
	together := func(scores []float64) error {
		if len(scores) != 0 && len(scores) != len(names) {
			return fmt.Errorf("%d of %d members", len(scores), len(names))
		}
		for _, f := range scores {
			if f != scores[0] {
				return fmt.Errorf("scores %v", scores)
			}
		}
		return nil
	}
	b.read("ZSCAN", func() error {
		v := scans.Do(argv("ZSCAN", "z", "0", "MATCH", "[a-d]", "COUNT", "100000"))
		if len(v.Elems) != 2 {
			return fmt.Errorf("reply %v", v)
		}
		var scores []float64
		for i := 1; i < len(v.Elems[1].Elems); i += 2 {
			var f float64
			if _, err := fmt.Sscan(v.Elems[1].Elems[i].Str, &f); err != nil {
				return err
			}
			scores = append(scores, f)
		}
		return together(scores)
	})
	c := b.s.NewSession(nil)
	b.read("ZMSCORE", func() error {
		var scores []float64
		for _, e := range c.Do(argv("ZMSCORE", "z", "a", "b", "c", "d")).Elems {
			if e.Kind != resp.Null {
				scores = append(scores, e.Float)
			}
		}
		return together(scores)
	})
	b.read("ZRange", func() error {
		var scores []float64
		seq, err := db.ZRange("z", ByRank(0, -1))
		for member, score := range seq {
			if len(member) == 1 {
				scores = append(scores, score)
			}
		}
		return firstError(err, together(scores))
	})
	b.writeBeside(fewer(3000, 300), write)
}

// One call of a scan shows all or nothing of a command that changed several elements, or
// keys, however far apart they stand.
func TestScansShowWholeCommands(t *testing.T) {
	b := &bench{t: t, s: newStore(t, nil)}
	db := b.s.DB(0)
	names := []string{"a", "b", "c", "d"}
	for i := range 2000 { // many buckets
		name := fmt.Sprint("m", i)
		_, _ = db.HSet("hash", name, "v")
		_, _ = db.SAdd("set", name)
		_ = b.s.DB(1).Set(name, "v", 0)
	}
	whole := func(db int, cmd ...string) func() error {
		c := b.s.NewSession(nil)
		_ = c.Do(argv("SELECT", fmt.Sprint(db)))
		return func() error {
			found := map[string]string{}
			v := c.Do(argv(append(cmd, "0", "MATCH", "[a-d]", "COUNT", "1000000")...))
			if len(v.Elems) != 2 {
				return fmt.Errorf("reply %v", v)
			}
			for _, e := range v.Elems[1].Elems {
				found[e.Str] = e.Str
			}
			delete(found, "old")
			delete(found, "new")
			if n := len(found); n != 0 && n != len(names) {
				return fmt.Errorf("%v", v)
			}
			if s := v.String(); strings.Contains(s, "old") && strings.Contains(s, "new") {
				return fmt.Errorf("two values: %v", v)
			}
			return nil
		}
	}
	b.read("HSCAN", whole(0, "HSCAN", "hash"))
	b.read("SSCAN", whole(0, "SSCAN", "set"))
	b.read("SCAN", whole(1, "SCAN"))
	b.writeBeside(fewer(1500, 300), func(n int) {
		value := "old"
		if n%2 == 0 {
			value = "new"
		}
		_, _ = db.HSet("hash", "a", value, "b", value, "c", value, "d", value)
		_, _ = db.SAdd("set", names...)
		_, _ = db.SRem("set", names...)
		_, _ = b.s.DB(1).Do("MSET", "a", "v", "b", "v", "c", "v", "d", "v")
		_, _ = b.s.DB(1).Del(names...)
	})
}

// A scan that meets a change newer than what it reads starts over.
func TestScanNoticesChanges(t *testing.T) {
	for name, change := range map[string]func(db DB) error{
		"new":     func(db DB) error { _, err := db.Do("ZADD", "z", "1", "new"); return err },
		"changed": func(db DB) error { _, err := db.Do("ZADD", "z", "-1", "m7"); return err },
		"gone":    func(db DB) error { _, err := db.Do("ZREM", "z", "m7"); return err },
		"none":    func(DB) error { return nil },
	} {
		s := newStore(t, nil)
		db := s.DB(0)
		for i := range 300 {
			_, _ = db.ZAdd("z", Scored{float64(i), fmt.Sprint("m", i)})
		}
		x := &exec{s: s, mode: shared}
		x.readAt(s.published.Load(), s.view.Load())
		if err := change(db); err != nil {
			t.Fatal(err)
		}
		e := s.view.Load().gen.spaces[0].tab.Find(s.hash("z"), "z")
		x.scan(bigOf(e).members, 0, 1000, func(*table.Entry) {})
		if x.torn != (name != "none") {
			t.Errorf("%s: torn is %v", name, x.torn)
		}
	}
}

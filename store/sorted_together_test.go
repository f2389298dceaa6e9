package store

import (
	"fmt"
	"testing"

	"github.com/understudy-go/understudy/resp"
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

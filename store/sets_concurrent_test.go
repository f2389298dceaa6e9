package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/resp"
)

// The invariant of these tests: each of so many members is in exactly one of two
// sets; members 2n and 2n+1 are in the same; "ghost" is only in transactions that are
// rolled back.
type shuffle struct {
	*bench
	all []string
}

func newShuffle(t *testing.T, size int) *shuffle {
	sh := &shuffle{&bench{t: t, s: newStore(t, nil)}, texts(size)}
	_, _ = sh.s.DB(0).SAdd("left", sh.all...)
	return sh
}

// write is what the writer does in turn; each leaves the invariant whole.
func (sh *shuffle) write(n int) {
	from, to := "left", "right"
	if n/64%2 == 1 {
		from, to = to, from
	}
	_, err := sh.s.Update(func(tx *Tx) error {
		db := tx.DB(0)
		switch n % 8 {
		case 0, 1, 2:
			sh.movePair(db, from, to)
		case 3:
			sh.pop(db, from, to, 1+n%5)
		case 4:
			sh.pop(db, from, to, len(sh.all)/2)
		case 5:
			_, _ = db.SAdd(from, "ghost")
			_, _ = db.SAdd(to, "ghost")
			_, _ = db.SPopN(from, len(sh.all))
			return errOnPurpose
		case 6:
			_, _ = db.SUnionStore("spare", from, to)
			_, _ = db.SDiffStore(from, "spare", to) // what it was
			_, _ = db.Del("spare")
			_ = db.Rename(from, "spare") // which fails where it is empty
			_ = db.Rename("spare", from)
		case 7:
			_, _ = db.SUnionStore(to, from, to)
			_, _ = db.Del(from)
		}
		return nil
	})
	if err != nil && err != errOnPurpose {
		sh.t.Error(err)
	}
	if n%16 == 15 { // one command that changes several slots
		_, _ = sh.s.DB(0).SAdd("other", sh.all...)
		_, _ = sh.s.DB(0).SRem("other", sh.all[1:]...)
	}
}

func (sh *shuffle) movePair(db TxDB, from, to string) {
	n := rand.IntN(len(sh.all)/2) * 2
	_, _ = db.SMove(from, to, sh.all[n])
	_, _ = db.SMove(from, to, sh.all[n+1])
}

// pop moves what SPOP gives, and the other one of each pair.
func (sh *shuffle) pop(db TxDB, from, to string, n int) {
	popped, _ := db.SPopN(from, n)
	for _, m := range popped {
		var i int
		_, _ = fmt.Sscanf(m, "m%d", &i)
		_, _ = db.SAdd(to, m)
		_, _ = db.SMove(from, to, sh.all[i^1])
	}
}

func (sh *shuffle) complete(what string, v resp.Value) error {
	if n := len(setOf(values(v)...)); n != len(sh.all) || len(v.Elems) != n {
		return fmt.Errorf("%s: %d members, %d different, want %d", what, len(v.Elems), n, len(sh.all))
	}
	return nil
}

func empty(what string, members []string) error {
	if len(members) != 0 {
		return fmt.Errorf("%s has %d members: %.100s", what, len(members), members)
	}
	return nil
}

// view checks a snapshot by its methods and its iterator.
func (sh *shuffle) view(sn *Snapshot) error {
	db := sn.DB(0)
	left, right := db.members("left"), db.members("right")
	a, err := db.SCard("left")
	b, err2 := db.SCard("right")
	if a != len(left) || b != len(right) || a+b != len(sh.all) {
		return fmt.Errorf("SCard %d and %d of %d and %d members, want %d", a, b, len(left), len(right), len(sh.all))
	}
	random, err3 := db.SRandMemberN("left", 20)
	for _, m := range random {
		if !slices.Contains(left, m) || m == "ghost" {
			return fmt.Errorf("%q is a random member of the wrong set", m)
		}
	}
	if len(random) != min(a, 20) {
		return fmt.Errorf("%d random members of %d", len(random), a)
	}
	common, err4 := db.SInter("left", "right")
	return firstError(err, err2, err3, err4, empty("SInter", common))
}

func testSetReaders(t *testing.T, size, writes int) {
	sh := newShuffle(t, size)
	db, c, pairs := sh.s.DB(0), sh.s.NewSession(nil), sh.s.NewSession(nil)
	sh.read("SUNION", func() error { return sh.complete("SUNION", c.Do(argv("SUNION", "left", "right"))) })
	sh.read("SInter", func() error {
		common, err := db.SInter("left", "right")
		return firstError(err, empty("SInter", common))
	})
	sh.read("SDiff", func() error {
		ghosts, err := db.SDiff("left", "right")
		if slices.Contains(ghosts, "ghost") {
			return fmt.Errorf("SDiff sees a ghost")
		}
		return err
	})
	sh.read("SMISMEMBER", func() error {
		n := rand.IntN(size/2) * 2
		v := pairs.Do(argv("SMISMEMBER", "left", sh.all[n], sh.all[n+1], "ghost"))
		if v.Elems[0].Int != v.Elems[1].Int || v.Elems[2].Int != 0 {
			return fmt.Errorf("a pair and a ghost: %v", v)
		}
		return nil
	})
	sh.read("SRandMemberN", func() error {
		m, err := db.SRandMemberN("left", 7)
		if len(setOf(m...)) != len(m) || strings.Contains(fmt.Sprint(m), "ghost") {
			return fmt.Errorf("random members %q", m)
		}
		return err
	})
	sh.read("View", func() error { return sh.s.View(sh.view) })
	sh.writeBeside(writes, sh.write)
}

func TestReadersOfLargeSets(t *testing.T) {
	testSetReaders(t, 600, fewer(200, 80))
}

func TestReadersOfSmallSets(t *testing.T) {
	testSetReaders(t, 100, fewer(800, 200))
}

// A snapshot is the sets at its cut, whatever is done to them afterwards, and what is
// kept for it is counted.
func TestSetSnapshotKeepsItsCut(t *testing.T) {
	for _, size := range []int{100, 5000} {
		s := newStore(t, nil)
		db := s.DB(0)
		_, _ = db.SAdd("k", texts(size)...)
		_, _ = db.SAdd("ints", numbers(0, size)...)
		for i, write := range []func(){
			func() { _, _ = db.SAdd("k", "new") }, // to a large set it costs nothing
			func() { _, _ = db.SRem("k", "new", "m0", "m1") },
			func() { _, _ = db.SPopN("k", 10) },
			func() { _, _ = db.SPopN("ints", size-1) },
			func() { _, _ = db.SUnionStore("k", "ints") },
			func() { _, _ = db.Del("k", "ints") },
		} {
			sn := s.Snapshot()
			want := map[string][]string{}
			for _, key := range []string{"k", "ints"} {
				want[key] = slices.Sorted(slices.Values(db.members(key)))
			}
			write()
			for key, members := range want {
				got := slices.Sorted(slices.Values(sn.DB(0).members(key)))
				if !slices.Equal(got, members) {
					t.Errorf("size %d: %s has %d members in the snapshot, %d at its cut", size, key, len(got), len(members))
				}
				if n, err := sn.DB(0).SCard(key); n != len(members) || err != nil {
					t.Errorf("size %d: SCard(%s) = %d, %v, want %d", size, key, n, err, len(members))
				}
			}
			if sn.Retained() == 0 && i > 0 {
				t.Errorf("size %d: write %d: nothing is retained", size, i)
			}
			sn.Close()
		}
	}
}

// One command is one instant, also outside of a transaction, where it changes several
// members or keys.
func TestSetCommandsAreAtomic(t *testing.T) {
	sh := newShuffle(t, 400)
	db, c, pairs := sh.s.DB(0), sh.s.NewSession(nil), sh.s.NewSession(nil)
	_, _ = db.SAdd("big", numbers(0, 600)...)
	sh.read("SUNION", func() error { return sh.complete("SUNION", c.Do(argv("SUNION", "left", "right"))) })
	sh.read("SMISMEMBER", func() error {
		if v := pairs.Do(argv("SMISMEMBER", "big", "a", "b")); v.Elems[0].Int != v.Elems[1].Int {
			return fmt.Errorf("one of two members: %v", v)
		}
		return nil
	})
	sh.read("SCARD", func() error {
		if n, err := db.SCard("big"); n != 600 && n != 602 || err != nil {
			return fmt.Errorf("SCard = %d, %v", n, err)
		}
		return nil
	})
	sh.read("SMembers", func() error {
		members := setOf(db.members("big")...)
		if members["a"] != members["b"] || len(members) < 600 {
			return fmt.Errorf("%d members; one of two: %v", len(members), members["a"] != members["b"])
		}
		return nil
	})
	sh.writeBeside(fewer(6, 2), func(int) {
		for _, m := range sh.all {
			_, _ = db.SMove("left", "right", m)
			_, _ = db.SAdd("big", "a", "b")
			_, _ = db.SRem("big", "b", "a")
		}
		_ = db.Rename("right", "left")
	})
}

package store

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/understudy-go/understudy/store/internal/table"
)

// checkList reports what is not sound about e, a list: its form, its order of nodes as
// far as it can be walked, and its account.
func checkList(e *table.Entry) error {
	v := (&exec{mode: writing}).listNow(e)
	n, bytes := 0, int64(0)
	for item := range v.from(0) {
		if v.items != nil && v.items.At(n) != item {
			return fmt.Errorf("list %q: element %d is not found by its index", e.Key(), n)
		}
		n++
		bytes += listItemBytes(item)
	}
	switch {
	case n == 0:
		return fmt.Errorf("list %q is empty", e.Key())
	case n != v.len():
		return fmt.Errorf("list %q has %d elements, counts %d", e.Key(), n, v.len())
	case v.items != nil && e.Body().Bytes() != bytes:
		return fmt.Errorf("list %q takes %d bytes, counts %d", e.Key(), bytes, e.Body().Bytes())
	case v.items == nil && (n > smallListItems || len(v.blob) > smallListBytes+blobHead):
		return fmt.Errorf("list %q is small, of %d elements and %d bytes", e.Key(), n, len(v.blob))
	}
	return nil
}

// numbered are n values that begin with their number.
func numbered(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%d-%s", i, strings.Repeat("v", i%50))
	}
	return out
}

// fillList makes a list of n numbered elements.
func fillList(t testing.TB, db writes, key string, n int) []string {
	t.Helper()
	items := numbered(n)
	for part := range slices.Chunk(items, 1000) {
		if _, err := db.RPush(key, part...); err != nil {
			t.Fatal(err)
		}
	}
	return items
}

// lrange is all of the list at key.
func lrange(t testing.TB, db reads, key string) []string {
	t.Helper()
	items, err := db.LRange(key, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	return items
}

func listKind(s *Store, key string) table.Kind {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := exec{s: s, mode: writing, gen: s.view.Load().gen}
	return x.entry(key).Kind()
}

func TestListForms(t *testing.T) {
	long := strings.Repeat("x", smallListBytes)
	for _, tt := range []struct {
		name string
		make func(db DB)
		want table.Kind
	}{
		{"one", func(db DB) { _, _ = db.RPush("l", "a") }, table.SmallList},
		{"as many as fit", func(db DB) { _, _ = db.RPush("l", make([]string, smallListItems)...) }, table.SmallList},
		{"too many at once", func(db DB) { _, _ = db.LPush("l", make([]string, smallListItems+1)...) }, table.BigList},
		{"too many one by one", func(db DB) {
			for range smallListItems + 1 {
				_, _ = db.LPush("l", "")
			}
		}, table.BigList},
		{"as long as fits", func(db DB) { _, _ = db.RPush("l", long[:smallListBytes-2]) }, table.SmallList},
		{"too long", func(db DB) { _, _ = db.RPush("l", long) }, table.BigList},
		{"too long in sum", func(db DB) { _, _ = db.RPush("l", long[:6000]); _, _ = db.RPush("l", long[:6000]) }, table.BigList},
		{"grown by LSET", func(db DB) { _, _ = db.RPush("l", "a", "b"); _ = db.LSet("l", 1, long) }, table.BigList},
		{"grown by LINSERT", func(db DB) { _, _ = db.RPush("l", "a", "b"); _, _ = db.LInsert("l", Left, "b", long) }, table.BigList},
		{"shrunk a little", func(db DB) {
			_, _ = db.RPush("l", make([]string, smallListItems+1)...)
			_, _ = db.LPopN("l", smallListItems/2)
		}, table.BigList},
		{"shrunk to half by LPOP", func(db DB) {
			_, _ = db.RPush("l", make([]string, smallListItems+1)...)
			_, _ = db.LPopN("l", smallListItems/2+1)
		}, table.SmallList},
		{"shrunk in number, not in bytes", func(db DB) { _, _ = db.RPush("l", long, long, long); _, _ = db.RPop("l") }, table.BigList},
		{"shrunk by LTRIM", func(db DB) { _, _ = db.RPush("l", make([]string, 9999)...); _ = db.LTrim("l", 5, 9) }, table.SmallList},
		{"shrunk by LREM", func(db DB) { _, _ = db.RPush("l", long, "a", "b", long); _, _ = db.LRem("l", 0, long) }, table.SmallList},
		{"moved out", func(db DB) { _, _ = db.RPush("l", "a", long); _, _ = db.LMove("l", "m", Right, Left) }, table.SmallList},
		{"moved in", func(db DB) { _, _ = db.RPush("m", "a", long); _, _ = db.LMove("m", "l", Right, Left) }, table.BigList},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStore(t, nil)
			tt.make(s.DB(0))
			if got := listKind(s, "l"); got != tt.want {
				t.Errorf("kind %d, want %d", got, tt.want)
			}
			if err := s.check(); err != nil {
				t.Error(err)
			}
		})
	}
}

// The encodings have the names and, for uniform elements, about the limits of Redis
// 7.2, whatever the form here.
func TestListEncoding(t *testing.T) {
	for _, tt := range []struct {
		n, bytes int
		want     string
	}{
		{1, 1, "listpack"},
		{100, 60, "listpack"},
		{800, 8, "listpack"}, // in a tree already
		{900, 8, "quicklist"},
		{140, 60, "quicklist"},
		{1, 9000, "quicklist"},
	} {
		s := newStore(t, nil)
		for range tt.n {
			_, _ = s.DB(0).RPush("l", strings.Repeat("v", tt.bytes))
		}
		var got string
		_ = s.DB(0).onList("l", func(x *exec, e *table.Entry) { got = x.listEncoding(e) })
		if got != tt.want {
			t.Errorf("%d elements of %d bytes: %s, want %s", tt.n, tt.bytes, got, tt.want)
		}
	}
}

// listChanges are the ways to change a list in place, and around it.
var listChanges = map[string]func(db writes) error{
	"RPUSH":      func(db writes) error { _, err := db.RPush("l", "new"); return err },
	"LPUSH":      func(db writes) error { _, err := db.LPush("l", "new", "newer"); return err },
	"LPOP":       func(db writes) error { _, err := db.LPop("l"); return err },
	"RPOP many":  func(db writes) error { _, err := db.RPopN("l", 700); return err },
	"LSET":       func(db writes) error { return db.LSet("l", 500, "changed") },
	"LINSERT":    func(db writes) error { _, err := db.LInsert("l", Right, numbered(9)[8], "new"); return err },
	"LREM":       func(db writes) error { _, err := db.LRem("l", 0, numbered(1)[0]); return err },
	"LTRIM":      func(db writes) error { return db.LTrim("l", 100, 1800) },
	"LTRIM much": func(db writes) error { return db.LTrim("l", 100, 110) },
	"rotate":     func(db writes) error { _, err := db.LMove("l", "l", Right, Left); return err },
	"LMOVE":      func(db writes) error { _, err := db.LMove("l", "m", Right, Left); return err },
	"LMOVE into": func(db writes) error { _, err := db.LMove("m", "l", Right, Left); return err },
	"renamed": func(db writes) error {
		err := db.Rename("l", "r")
		_, wrong := db.RPush("r", "new")
		return errors.Join(err, wrong, db.LSet("r", 0, "new"), db.Rename("r", "l"))
	},
	"expiring": func(db writes) error {
		_, err := db.Expire("l", time.UnixMilli(1<<50))
		return errors.Join(err, db.LSet("l", 0, "new"), db.LSet("l", -1, "new"))
	},
	"removed": func(db writes) error {
		_, err := db.Del("l")
		_, wrong := db.RPush("l", "new")
		return errors.Join(err, wrong)
	},
	"popped empty": func(db writes) error { _, err := db.RPopN("l", math.MaxInt32); return err },
	"many": func(db writes) error {
		for i := range 300 {
			_, err := db.LInsert("l", Left, numbered(1000)[999], fmt.Sprint("new", i))
			if err = errors.Join(err, db.LSet("l", i*5, "set")); err != nil {
				return err
			}
		}
		return nil
	},
}

// Whatever becomes of a list, snapshots, pinned iterators and copies keep theirs.
func TestListIsKept(t *testing.T) {
	for name, change := range listChanges {
		for _, first := range []bool{true, false} { // change after an earlier fork too
			t.Run(fmt.Sprintf("%s/%v", name, first), func(t *testing.T) {
				s := newStore(t, nil)
				db := s.DB(0)
				want := fillList(t, db.writes, "l", 2000)
				fillList(t, db.writes, "m", 1000)
				if !first {
					early := s.Snapshot()
					defer early.Close()
					_ = db.LSet("l", 7, "seven")
					want[7] = "seven"
				}
				items, err := db.LItems("l")
				if err != nil {
					t.Fatal(err)
				}
				sn := s.Snapshot()
				defer sn.Close()
				for range 2 {
					if err := change(db.writes); err != nil && err != ErrNotFound && err != ErrNoKey && !strings.Contains(err.Error(), "no such key") {
						t.Fatal(err)
					}
				}
				if got := lrange(t, sn.DB(0).reads, "l"); !slices.Equal(got, want) {
					t.Errorf("the snapshot has changed: %d elements", len(got))
				}
				if got := slices.Collect(items); !slices.Equal(got, want) {
					t.Errorf("the iterator has changed: %d elements", len(got))
				}
				if name != "LMOVE into" && slices.Equal(lrange(t, db.reads, "l"), want) {
					t.Error("nothing has changed")
				}
			})
		}
	}
}

// A transaction that fails leaves the list as it was, and nobody sees it meanwhile.
func TestListRollBack(t *testing.T) {
	for name, change := range listChanges {
		for _, n := range []int{2000, 20} {
			s := newStore(t, nil)
			want := fillList(t, s.DB(0).writes, "l", n)
			more := fillList(t, s.DB(0).writes, "m", n)
			_, err := s.Update(func(tx *Tx) error {
				_ = change(tx.DB(0).writes) // of a short one some fail
				_ = change(tx.DB(0).writes)
				for key, want := range map[string][]string{"l": want, "m": more} {
					if got := lrange(t, s.DB(0).reads, key); !slices.Equal(got, want) {
						t.Errorf("%s of %d: a reader sees %d elements of %s from inside of the transaction", name, n, len(got), key)
					}
				}
				return errOnPurpose
			})
			if err != errOnPurpose {
				t.Fatal(err)
			}
			for key, want := range map[string][]string{"l": want, "m": more} {
				if got := lrange(t, s.DB(0).reads, key); !slices.Equal(got, want) {
					t.Errorf("%s of %d: %s has %d elements after the roll-back", name, n, key, len(got))
				}
			}
			if err := s.check(); err != nil {
				t.Errorf("%s of %d: %v", name, n, err)
			}
		}
	}
}

// A reader of one instant that meets a list in the midst of its change notices.
func TestSharedReadsOfLists(t *testing.T) {
	reads := map[string]func(x *exec, e *table.Entry) string{
		"len":   func(x *exec, e *table.Entry) string { return fmt.Sprint(x.listLen(e)) },
		"first": func(x *exec, e *table.Entry) string { return fmt.Sprint(x.listIndex(e, 0)) },
		"few":   func(x *exec, e *table.Entry) string { return fmt.Sprint(x.listRange(e, 495, 505)) },
		"all":   func(x *exec, e *table.Entry) string { return fmt.Sprint(x.listRange(e, 0, -1)) },
		"items": func(x *exec, e *table.Entry) string { return fmt.Sprint(slices.Collect(x.listItems(e))) },
	}
	for name, change := range listChanges {
		for what, read := range reads {
			s := newStore(t, nil)
			fillList(t, s.DB(0).writes, "l", 2000)
			fillList(t, s.DB(0).writes, "m", 20)
			at := s.published.Load()
			x := sharedExec(s, at)
			e, err := x.list("l") // the entry is found before the change, and looked into afterwards
			if err != nil {
				t.Fatal(err)
			}
			want := read(sharedExec(s, at), e)
			if err := change(s.DB(0).writes); err != nil {
				t.Fatal(err)
			}
			if got := read(x, e); got != want && !x.torn {
				t.Errorf("%s: read of %s is of two instants", name, what)
			}
		}
	}
}

// What a snapshot alone holds of a list counts: nothing after the cut, about one path
// of nodes after a write, all of it when all is gone.
func TestListRetained(t *testing.T) {
	const n = 50_000
	for name, tt := range map[string]struct {
		change      func(db DB) error
		least, most float64 // share of the list
	}{
		"one LSET":    {func(db DB) error { return db.LSet("l", n/2, "new") }, 0, 0.01},
		"many RPUSH":  {func(db DB) error { _, err := db.RPush("l", numbered(1000)...); return err }, 0, 0.01},
		"LTRIM half":  {func(db DB) error { return db.LTrim("l", 0, n/2) }, 0.45, 0.55},
		"LTRIM all":   {func(db DB) error { return db.LTrim("l", 0, 99) }, 0.9, 1.1},
		"LPOP most":   {func(db DB) error { _, err := db.LPopN("l", n-10_000); return err }, 0.75, 0.85},
		"DEL":         {func(db DB) error { _, err := db.Del("l"); return err }, 0.95, 1.1},
		"LPOP all":    {func(db DB) error { _, err := db.LPopN("l", n); return err }, 0.95, 1.1},
		"rename, DEL": {func(db DB) error { err := db.Rename("l", "m"); return err }, 0, 0.01},
	} {
		s := newStore(t, nil)
		fillList(t, s.DB(0).writes, "l", n)
		s.mu.Lock()
		all := float64(s.view.Load().gen.spaces[0].tab.Bytes())
		s.mu.Unlock()
		sn := s.Snapshot()
		if got := sn.Retained(); got != 0 {
			t.Errorf("%s: %d bytes retained at the cut", name, got)
		}
		if err := tt.change(s.DB(0)); err != nil {
			t.Fatal(err)
		}
		if got := float64(sn.Retained()) / all; got < tt.least || got > tt.most {
			t.Errorf("%s: %.3f of the list is retained, want %v to %v", name, got, tt.least, tt.most)
		}
		sn.Close()
	}
}

// A few elements that are larger than all others together are counted when they go, in
// whatever way, and no sooner.
func TestListRetainedOfFewLarge(t *testing.T) {
	const small, large, each = 63 * 100, 40, 50_000 // the large have a node to themselves
	value := func(i int) string { return fmt.Sprint(strings.Repeat("v", each), i) }
	one := func(fn func(db DB, i int) error) func(db DB) error {
		return func(db DB) (err error) {
			for i := range large {
				err = errors.Join(err, fn(db, i))
			}
			return err
		}
	}
	for name, tt := range map[string]struct {
		change func(db DB) error
		gone   int64
	}{
		"RPUSH": {func(db DB) error { _, err := db.RPush("l", "beside"); return err }, 0},
		"RPOP":  {func(db DB) error { _, err := db.RPopN("l", large); return err }, large},
		"LTRIM": {func(db DB) error { return db.LTrim("l", 0, -2) }, 1},
		"LREM":  {one(func(db DB, i int) error { _, err := db.LRem("l", 1, value(i)); return err }), large},
		"LSET":  {one(func(db DB, i int) error { return db.LSet("l", small+i, "") }), large},
		"LSET of a node that was merged with the one before": {func(db DB) error {
			err := db.LTrim("l", 63*90, -1)
			for range 60 {
				_, gone := db.LRem("l", -1, "small")
				err = errors.Join(err, gone)
			}
			for i := range large {
				err = errors.Join(err, db.LSet("l", -1-i, ""))
			}
			return err
		}, large},
	} {
		s := newStore(t, nil)
		db := s.DB(0)
		for range small {
			_, _ = db.RPush("l", "small")
		}
		for i := range large {
			_, _ = db.RPush("l", value(i))
		}
		sn := s.Snapshot()
		if err := tt.change(db); err != nil {
			t.Fatal(name, err)
		}
		got, least := sn.Retained(), tt.gone*each
		if most := least + small*listItemBytes("small"); got < least || got > most {
			t.Errorf("%s: %d bytes are retained, want %d to %d", name, got, least, most)
		}
		sn.Close()
	}
}

// However unlike the sizes of the elements are, those that only the snapshot has any
// longer are counted: no command loses them by another way than they went.
func TestListRetainedOfAllSizes(t *testing.T) {
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 1))
		next := 0
		value := func() string { // none is like another
			next++
			return fmt.Sprint(next, "-", strings.Repeat("v", r.IntN(1+r.IntN(1+r.IntN(30_000)))))
		}
		s := newStore(t, nil)
		db := s.DB(0)
		has, all := map[string]bool{}, int64(0) // what the snapshot has, and its bytes
		for range 1000 {
			v := value()
			has[v] = true
			all += listItemBytes(v)
			_, _ = db.RPush("l", v)
		}
		sn := s.Snapshot()
		for step := range 400 {
			listStep(t, db, r, value)
			if step%20 != 19 {
				continue
			}
			now := map[string]bool{}
			items, _ := db.LRange("l", 0, -1)
			for _, v := range items {
				now[v] = true
			}
			lost := int64(0)
			for v := range has {
				if !now[v] {
					lost += int64(len(v))
				}
			}
			if got := sn.Retained(); got < lost || got > all+1000 {
				t.Fatalf("seed %d: %d bytes are retained after %d writes, want at least the %d that went, at most the %d of the list", seed, got, step+1, lost, all)
			}
		}
		sn.Close()
	}
}

// listStep changes the list l in some way.
func listStep(t *testing.T, db DB, r *rand.Rand, value func() string) {
	t.Helper()
	n := lenOf(t, db, "l")
	i := r.IntN(n)
	v, err := db.LIndex("l", i)
	if err != nil {
		t.Fatal(err)
	}
	switch r.IntN(9) {
	case 0:
		err = db.LSet("l", i, value())
	case 1:
		_, err = db.LRem("l", 0, v)
	case 2:
		_, err = db.LInsert("l", Left, v, value())
	case 3:
		_, err = db.LPopN("l", 1+r.IntN(4))
	case 4:
		_, err = db.RPopN("l", 1+r.IntN(4))
	case 5:
		err = db.LTrim("l", r.IntN(3), -1-r.IntN(3))
	case 6:
		_, err = db.LMove("l", "l", Left, Right)
	case 7:
		_, err = db.LPush("l", value())
	case 8:
		_, err = db.RPush("l", value(), value())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// What came after the cut and goes again costs a snapshot no more than the nodes.
func TestListRetainsNothingOfAStack(t *testing.T) {
	s := newStore(t, nil)
	db := s.DB(0)
	fillList(t, db.writes, "l", 50_000)
	sn := s.Snapshot()
	defer sn.Close()
	for i := range 1000 {
		_, _ = db.RPush("l", numbered(100)...)
		_, _ = db.RPopN("l", 100)
		_ = db.LSet("l", 7, fmt.Sprint(i))
	}
	if got := sn.Retained(); got > 20_000 {
		t.Errorf("%d bytes are retained, want those of a few nodes", got)
	}
}

// A change of many elements forks the list, so that who reads it waits for none of them;
// to cut a run of them is one step.
func TestListManyChanged(t *testing.T) {
	many := numbered(mostChanged + 1)
	for name, tt := range map[string]struct {
		change func(db DB) (int, error)
		forks  bool
	}{
		"RPUSH few":  {func(db DB) (int, error) { return db.RPush("l", many[1:]...) }, false},
		"RPUSH many": {func(db DB) (int, error) { return db.RPush("l", many...) }, true},
		"LPUSH many": {func(db DB) (int, error) { return db.LPushX("l", many...) }, true},
		"LREM few":   {func(db DB) (int, error) { return db.LRem("l", mostChanged, "odd") }, false},
		"LREM many":  {func(db DB) (int, error) { return db.LRem("l", 0, "odd") }, true},
		"LTRIM":      {func(db DB) (int, error) { return 0, db.LTrim("l", 500, 999) }, false},
	} {
		s := newStore(t, nil)
		db := s.DB(0)
		for i := range 1000 {
			_, _ = db.RPush("l", fmt.Sprint(i), "odd")
		}
		was := bodyAt(t, db, "l").(*bigList)
		if _, err := tt.change(db); err != nil {
			t.Fatal(name, err)
		}
		if forks := bodyAt(t, db, "l") != was; forks != tt.forks {
			t.Errorf("%s forks the list: %v", name, forks)
		}
		if n := was.items.Len(); tt.forks && n != 2000 {
			t.Errorf("%s: those who read the list have %d elements of 2000", name, n)
		}
	}
}

// bodyAt is the body of a large collection.
func bodyAt(t *testing.T, db DB, key string) table.Body {
	t.Helper()
	e, err := db.entry(key)
	if err != nil {
		t.Fatal(err)
	}
	return e.Body()
}

// Beside a snapshot the first write forks the list; those after it change it in place.
func TestListForksOnce(t *testing.T) {
	s := newStore(t, nil)
	db := s.DB(0)
	fillList(t, db.writes, "l", 2000)
	body := func() table.Body { return bodyAt(t, db, "l") }
	made := body()
	_ = db.LSet("l", 1, "v")
	if body() != made {
		t.Error("a list that nobody else sees is forked")
	}
	sn := s.Snapshot()
	defer sn.Close()
	_ = db.LSet("l", 1, "v")
	fork := body()
	if fork == made {
		t.Error("a list that a snapshot sees is not forked")
	}
	for range 3 {
		_, _ = db.Expire("l", time.UnixMilli(1<<50))
		_ = db.Rename("l", "m")
		_ = db.Rename("m", "l")
		_ = db.LSet("l", 1, "v")
		_, _ = db.RPush("l", "v")
	}
	if body() != fork {
		t.Error("a list that only the live data sees is forked")
	}
}

// A write is one change to those who watch, whether it forks the list or not.
func TestListChangesAreNotedOnce(t *testing.T) {
	s := newStore(t, nil)
	fillList(t, s.DB(0).writes, "l", 2000)
	w := s.Watch(Filter{})
	defer w.Close()
	for i := range 6 {
		if i%2 == 0 {
			defer s.Snapshot().Close()
		}
		_ = s.DB(0).LSet("l", i, "v")
	}
	_ = s.DB(0).Set("end", "", 0)
	n := 0
	for {
		c, err := w.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if c.Key == "end" {
			break
		}
		n++
	}
	if n != 6 {
		t.Errorf("6 writes are %d changes", n)
	}
}

func TestDuplicateList(t *testing.T) {
	for _, n := range []int{10, 2000} {
		s := newStore(t, nil)
		db := s.DB(0)
		want := fillList(t, db.writes, "l", n)
		err := db.write(func(x *exec) error {
			r, err := x.listRef("l")
			if err == nil {
				x.c.put(x.ref("copy"), x.duplicateList(r.e, x.c.version, "copy"))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = db.RPush("l", "new")
		_ = db.LSet("copy", 0, "changed")
		if got := lrange(t, db.reads, "l"); !slices.Equal(got, append(slices.Clone(want), "new")) {
			t.Errorf("%d: the original has %d elements", n, len(got))
		}
		want[0] = "changed"
		if got := lrange(t, db.reads, "copy"); !slices.Equal(got, want) {
			t.Errorf("%d: the copy has %d elements", n, len(got))
		}
	}
}

// The builder copies what it is given, and makes what the commands make.
func TestListBuilder(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, smallListItems, smallListItems + 1, 5000} {
		s := newStore(t, nil)
		items := numbered(n)
		err := s.DB(0).write(func(x *exec) error {
			b := newListBuilder(s, x.c.version)
			var buf []byte
			for _, v := range items {
				buf = append(buf[:0], v...)
				b.add(table.View(buf))
			}
			if e := b.entry("l", 0); e != nil {
				x.c.put(x.ref("l"), e)
			} else if n > 0 {
				t.Errorf("%d: no entry", n)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := lrange(t, s.DB(0).reads, "l"); !slices.Equal(got, items) {
			t.Errorf("%d: %d elements", n, len(got))
		}
	}
}

// The typed methods where they differ from the commands: in what they return for
// nothing.
func TestListMethods(t *testing.T) {
	s := newStore(t, nil)
	db := s.DB(0)
	_ = db.Set("s", "v", 0)
	_, _ = db.RPush("l", "a", "b", "a", "c", "a")
	one := func(v string, err error) string { return fmt.Sprint(v, err) }
	many := func(v []string, err error) string { return fmt.Sprint(v, err) }
	ints := func(v []int, err error) string { return fmt.Sprint(v, err) }
	num := func(n int, err error) string { return fmt.Sprint(n, err) }
	wrong := ErrWrongType.Error()
	for i, tt := range []struct{ got, want string }{
		{num(db.RPush("l")), "0ERR wrong number of arguments for 'rpush' command"},
		{num(db.LPush("s", "v")), "0" + wrong},
		{num(db.LLen("none")), "0 <nil>"},
		{num(db.LLen("s")), "0" + wrong},
		{one(db.LIndex("l", -2)), "c<nil>"},
		{one(db.LIndex("l", 5)), one("", ErrNotFound)},
		{one(db.LIndex("none", 0)), one("", ErrNotFound)},
		{one(db.LIndex("s", 0)), wrong},
		{many(db.LRange("none", 0, -1)), "[] <nil>"},
		{many(db.LRange("s", 0, -1)), "[]" + " " + wrong},
		{ints(db.LPos("l", "a", nil)), "[0] <nil>"},
		{ints(db.LPos("l", "a", &LPosOptions{Rank: 2})), "[2] <nil>"},
		{ints(db.LPos("l", "a", &LPosOptions{Rank: -1, Count: -1})), "[4 2 0] <nil>"},
		{ints(db.LPos("l", "a", &LPosOptions{Count: -1, MaxLen: 3})), "[0 2] <nil>"},
		{ints(db.LPos("l", "a", &LPosOptions{Rank: math.MinInt, Count: -1})), "[] <nil>"},
		{ints(db.LPos("s", "a", nil)), "[] " + wrong},
		{one(db.LPop("none")), one("", ErrNotFound)},
		{one(db.LPop("s")), wrong},
		{many(db.LPopN("none", 3)), "[] <nil>"},
		{many(db.RPopN("l", -1)), "[] ERR value is out of range, must be positive"},
		{many(db.RPopN("l", 0)), "[] <nil>"},
		{one(db.LMove("none", "l", Left, Left)), one("", ErrNotFound)},
		{one(db.LMove("l", "s", Left, Left)), wrong},
		{one("", db.LSet("none", 0, "v")), "ERR no such key"},
		{one("", db.LSet("l", 5, "v")), "ERR index out of range"},
		{one("", db.LSet("l", -6, "v")), "ERR index out of range"},
		{num(db.LInsert("l", Right, "none", "v")), "-1 <nil>"},
		{num(db.LInsert("none", Right, "a", "v")), "0 <nil>"},
		{num(db.LRem("l", -2, "a")), "2 <nil>"},
		{many(db.LRange("l", 0, -1)), "[a b c] <nil>"},
		{many(db.RPopN("l", 9)), "[c b a] <nil>"},
		{fmt.Sprint(db.Exists("l")), "false"},
	} {
		if strings.ReplaceAll(tt.got, " ", "") != strings.ReplaceAll(tt.want, " ", "") {
			t.Errorf("row %d: %q, want %q", i, tt.got, tt.want)
		}
	}
	if _, err := db.LItems("s"); err != ErrWrongType {
		t.Errorf("LItems of a string: %v", err)
	}
	if items, err := db.LItems("none"); err != nil || len(slices.Collect(items)) != 0 {
		t.Errorf("LItems of nothing: %v", err)
	}
}

package store

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/resp"
)

func TestLCSReplies(t *testing.T) { runReplies(t, "testdata/lcs.txt") }

// By its definition: the longest of what is in both, for all short strings of two letters.
func TestLCSIsLongest(t *testing.T) {
	within := func(part, of string) bool {
		for i := 0; part != "" && i < len(of); i++ {
			if of[i] == part[0] {
				part = part[1:]
			}
		}
		return part == ""
	}
	r := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		b := make([]byte, r.IntN(9))
		for i := range b {
			b[i] = 'a' + byte(r.IntN(2))
		}
		return string(b)
	}
	for range 2000 {
		a, b := word(), word()
		longest := 0
		for set := range 1 << len(a) {
			part := ""
			for i := range len(a) {
				if set>>i&1 != 0 {
					part += a[i : i+1]
				}
			}
			if len(part) > longest && within(part, b) {
				longest = len(part)
			}
		}
		n, runs := longestCommon(a, b, true)
		only, _ := longestCommon(a, b, false)
		text := textOfRuns(a, n, runs)
		if n != longest || only != n || len(text) != n || !within(text, a) || !within(text, b) {
			t.Fatalf("of %s and %s: %q, %d and %d, want one of %d", a, b, text, n, only, longest)
		}
		for _, m := range runs {
			if a[m.a:m.a+m.n] != b[m.b:m.b+m.n] {
				t.Fatalf("of %s and %s: %+v is no run", a, b, m)
			}
		}
	}
}

func TestLCSMethod(t *testing.T) {
	s := newStore(t, nil)
	db := s.DB(0)
	_ = db.Set("a", "ohmytext", 0)
	_ = db.Set("b", "mynewtext", 0)
	_, _ = db.HSet("h", "f", "v")
	if v := s.NewSession(nil).Do(argv("LCS", "a", "b", "IDX")); v.Kind != resp.Map {
		t.Errorf("IDX replies with %v, want a map for RESP3", v)
	}
	sn := s.Snapshot()
	defer sn.Close()
	_ = db.Set("b", "other", 0)
	if v, err := sn.DB(0).LCS("a", "b"); v != "mytext" || err != nil {
		t.Errorf("LCS of a snapshot = %q, %v", v, err)
	}
	if v, err := db.LCS("a", "none"); v != "" || err != nil {
		t.Errorf("LCS with no string = %q, %v", v, err)
	}
	if _, err := db.LCS("a", "h"); err != ErrWrongType {
		t.Errorf("LCS with a hash: %v", err)
	}
	_, _ = s.Update(func(tx *Tx) error {
		_ = tx.DB(0).Set("c", "other", 0)
		if v, err := tx.DB(0).LCS("b", "c"); v != "other" || err != nil {
			t.Errorf("LCS in an Update = %q, %v", v, err)
		}
		return nil
	})
}

// The bound is that of Redis, to the byte, and it is looked at before anything is made of the size of the product.
func TestLCSIsBounded(t *testing.T) {
	s := newStore(t, nil)
	db := s.DB(0)
	_ = db.Set("long", strings.Repeat("x", 1<<27-1), 0)
	_ = db.Set("byte", "xy", 0)
	if v := s.NewSession(nil).Do(argv("LCS", "none", "long", "LEN")); v.Kind != resp.Int || v.Int != 0 {
		t.Errorf("at the bound: %v", v)
	}
	for _, args := range [][]string{{"LCS", "byte", "long", "LEN"}, {"LCS", "long", "long"}} {
		if v := s.NewSession(nil).Do(argv(args...)); v.Str != errLCSSize.Error() {
			t.Errorf("%v = %v", args, v)
		}
	}
	if _, err := db.LCS("long", "byte"); err != errLCSSize {
		t.Errorf("LCS = %v", err)
	}
}

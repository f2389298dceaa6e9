package table

import (
	"fmt"
	"strings"
	"testing"
)

// Keys that differ in one byte only, of every length around the words that are
// compared: what a look-up by hash would hardly ever meet.
func TestIsUnder(t *testing.T) {
	for n := word; n <= 5*word; n++ {
		key := strings.Repeat("k", n)
		e := NewText(1, key, "value", 0)
		if !e.maybePlain(n) || !e.isUnder(strings.Clone(key)) {
			t.Fatalf("%d bytes: not under its own key", n)
		}
		for i := range n {
			if other := key[:i] + "x" + key[i+1:]; e.isUnder(other) {
				t.Fatalf("%d bytes: under a key that differs at %d", n, i)
			}
		}
	}
}

func TestMaybePlain(t *testing.T) {
	key := "a key of some length"
	for _, tc := range []struct {
		name string
		e    *Entry
		n    int
		want bool
	}{
		{"text", NewText(1, key, "v", 0), len(key), true},
		{"longer key", NewText(1, key+"x", "v", 0), len(key), false},
		{"shorter key", NewText(1, key[1:], "v", 0), len(key), false},
		{"no value", NewText(1, key, "", 0), len(key), false},
		{"deadline", NewText(1, key, "v", 5), len(key), false},
		{"large value", NewText(1, key, strings.Repeat("v", inlineLimit+1), 0), len(key), false},
		{"key shorter than a word", NewText(1, "short", "v", 0), 5, false},
		{"key of 16 MiB, whose length the entry's head cannot hold", NewText(1, key, "v", 0), 1<<maxKeyBits + len(key), false},
		{"hash", NewBlob(1, SmallHash, key, "v", 0), len(key), false},
		{"tombstone", NewTombstone(1, key), len(key), false},
	} {
		if got := tc.e.maybePlain(tc.n); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

// Plain says what Find says, or nothing; and nearly always it says something.
func TestPlainAgreesWithFind(t *testing.T) {
	tab := NewFamily().New()
	const n = 50_000
	for i := range n {
		k := fmt.Sprintf("key:%06d", i)
		tab.Put(tab.Hash(k), NewText(1, k, "value of "+k, 0))
	}
	said := 0
	for i := range 2 * n {
		k := fmt.Sprintf("key:%06d", i)
		text, ok := tab.Plain(k)
		e := tab.Find(tab.Hash(k), k)
		if ok && (e == nil || e.Text() != text) {
			t.Fatalf("%s: Plain says %q, Find %v", k, text, e)
		}
		if ok {
			said++
		}
	}
	if said < n*9/10 {
		t.Errorf("Plain found %d of %d keys", said, n)
	}
}

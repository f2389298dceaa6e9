package store

import (
	"testing"
)

func TestConditionalReplies(t *testing.T) { runReplies(t, "testdata/conditional.txt") }

// What a newer primary may send: with conditions that hold, or in a form that older
// servers do not know.
func TestConditionalFormsApply(t *testing.T) {
	s, a := newReplica(t, nil)
	err := apply(t, a, wires(
		"SET k v", "SET k w IFEQ v", "SET n 1 IFNE v PXAT 4102444800000", "SET k w2 IFDNE 0000000000000000",
		"MSETEX 2 a 1 b 2 PXAT 4102444800001", "SET gone 1", "DELEX gone IFEQ 1", "SET gone2 1", "DELIFEQ gone2 1"))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"k": "w2", "n": "1", "a": "1", "b": "2"} {
		if got, err := s.DB(0).Get(key); got != want || err != nil {
			t.Errorf("GET %s = %q, %v, want %q", key, got, err, want)
		}
	}
	if n := s.DB(0).Len(); n != 4 {
		t.Errorf("%d keys, want 4", n)
	}
	for _, key := range []string{"n", "b"} {
		if at, ok := s.DB(0).ExpireTime(key); at.UTC().Year() != 2100 || !ok {
			t.Errorf("%s expires at %v, %v", key, at, ok)
		}
	}
}

func TestIfEqual(t *testing.T) {
	db := newStore(t, nil).DB(0)
	held := "ada"
	if _, done, err := db.SetWith("lock", "eve", &SetOptions{IfEqual: &held}); done || err != nil {
		t.Errorf("SetWith of no key = %v, %v", done, err)
	}
	if err := db.Set("lock", "ada", 0); err != nil {
		t.Fatal(err)
	}
	old, done, err := db.SetWith("lock", "eve", &SetOptions{IfEqual: &held, Get: true})
	if !done || err != nil || old != (Result{"ada", true}) {
		t.Errorf("SetWith = %v, %v, %v", old, done, err)
	}
	if _, _, err := db.SetWith("lock", "x", &SetOptions{IfEqual: &held, NX: true}); err != ErrSyntax {
		t.Errorf("with NX: %v", err)
	}
	if done, err := db.DelIfEqual("lock", "ada"); done || err != nil {
		t.Errorf("DelIfEqual of another value = %v, %v", done, err)
	}
	if done, err := db.DelIfEqual("lock", "eve"); !done || err != nil {
		t.Errorf("DelIfEqual = %v, %v", done, err)
	}
	if n := db.Len(); n != 0 {
		t.Errorf("%d keys left", n)
	}
}

package store

import (
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/understudy-go/understudy/store/internal/table"
	"github.com/understudy-go/understudy/store/internal/xxh3"
)

// condition is what a string has to be for a command to write: IFEQ and IFNE compare
// it, IFDEQ and IFDNE its digest. The zero value holds for everything.
//
// Valkey 8.1 brought IFEQ of SET, Redis 8.4 all four of them; what they say of keys of
// another type, and the digest, follows their documents: neither could be asked here.
type condition struct {
	given  bool
	unlike bool // IFNE, IFDNE: a key that is not there fits
	digest bool // IFDEQ, IFDNE
	want   string
}

// read reports whether args begin with a condition, and takes it.
func (c *condition) read(args [][]byte) bool {
	if c.given || len(args) < 2 {
		return false
	}
	n := condition{given: true, want: argString(args, 1)}
	switch {
	case isWord(args[0], "IFEQ"):
	case isWord(args[0], "IFNE"):
		n.unlike = true
	case isWord(args[0], "IFDEQ"):
		n.digest = true
	case isWord(args[0], "IFDNE"):
		n.digest, n.unlike = true, true
	default:
		return false
	}
	*c = n
	return true
}

// holds reports whether e, nil for no key, fits. The error is that of another type.
func (c *condition) holds(x *exec, e *table.Entry) (bool, error) {
	if !c.given {
		return true, nil
	}
	e, err := x.typed(e, table.Text)
	switch {
	case err != nil:
		return false, err
	case e == nil:
		return c.unlike, nil
	case c.digest:
		return strings.EqualFold(textDigest(e), c.want) != c.unlike, nil
	}
	return e.Equals(c.want) != c.unlike, nil
}

// textDigest is what DIGEST says of a string: its XXH3 sum in 16 hex digits.
func textDigest(e *table.Entry) string {
	sum := xxh3.Sum64(table.Bytes(e.Text()))
	return hex.EncodeToString(binary.BigEndian.AppendUint64(nil, sum))
}

// digest is the digest of the string at key; ok is false when there is none.
func (x *exec) digest(key string) (sum string, ok bool, err error) {
	e, err := x.typed(x.entry(key), table.Text)
	if e == nil {
		return "", false, err
	}
	return textDigest(e), true, nil
}

// delIf removes the string at key if it fits a condition, and reports whether it did.
// The stream carries DEL, which every replica knows.
func (x *exec) delIf(key string, c condition) (bool, error) {
	r := x.ref(key)
	ok, err := c.holds(x, r.e)
	if !ok || r.e == nil {
		return false, err
	}
	x.c.remove(r)
	x.c.effect(x.db, "DEL", key)
	x.event(eventGeneric, "del", key)
	return true, nil
}

// setMany writes pairs of key and value, all or none: none if o's NX finds one of the
// keys, or its XX misses one.
//
// MSETEX itself is too young for most replicas. Without a deadline the stream carries
// MSET; else, and where each key keeps its own, a SET for each.
func (x *exec) setMany(pairs []string, o setOptions) bool {
	for i := 0; i < len(pairs) && (o.ifNew || o.ifHeld); i += 2 {
		if there := x.ref(pairs[i]).e != nil; there && o.ifNew || !there && o.ifHeld {
			return false
		}
	}
	o.ifNew, o.ifHeld = false, false
	if o.deadline == 0 && !o.keepTTL {
		return x.mset(pairs, false)
	}
	x.c.atomicIf(len(pairs) > 2)
	for i := 0; i < len(pairs); i += 2 {
		if _, done, err := x.set(pairs[i], pairs[i+1], o); err != nil || !done {
			return false // never: there is no condition left
		}
	}
	return true
}

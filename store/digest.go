package store

import (
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"strconv"

	"github.com/understudy-go/understudy/store/internal/table"
)

// digest is a set of SHA-1 sums combined so that the order of the parts does not
// matter: the scheme of Redis's DEBUG DIGEST, whose result it equals.
type digest [sha1.Size]byte

// xor adds the sum of p.
func (d *digest) xor(p string) {
	for i, b := range sha1.Sum([]byte(p)) {
		d[i] ^= b
	}
}

// mix adds the sum of p and sums up the whole, so that repeated parts do not
// cancel out.
func (d *digest) mix(p string) {
	d.xor(p)
	*d = sha1.Sum(d[:])
}

// Digest is the digest of the whole data set, 40 hex digits, as DEBUG DIGEST of
// Redis 7.0 prints it: equal data give equal digests, here and there. It walks a
// snapshot and blocks nobody. It is "" if the snapshot was dropped meanwhile. O(n).
func (s *Store) Digest() string {
	sn := s.Snapshot()
	defer sn.Close()
	return sn.Digest()
}

// Digest is the digest of the snapshot's data, "" if the snapshot was dropped.
func (sn *Snapshot) Digest() string {
	var all digest
	for db, ks := range sn.generation().spaces {
		if sn.past.len(ks.tab) == 0 {
			continue
		}
		all.mixNumber(uint32(db))
		x := sn.exec(db)
		sn.past.each(ks.tab, func(e *table.Entry) bool {
			d := x.digestOf(e)
			all.xor(string(d[:]))
			return true
		})
	}
	if sn.Err() != nil {
		return ""
	}
	return hex.EncodeToString(all[:])
}

// mixNumber mixes a number as the four bytes that Redis takes of it.
func (d *digest) mixNumber(n uint32) {
	d.mix(string(binary.BigEndian.AppendUint32(nil, n)))
}

// mixText mixes the value of a string, in pieces where it is held in pieces.
func (d *digest) mixText(e *table.Entry) {
	parts, ok := e.Pieces()
	if !ok {
		d.mix(e.Text())
		return
	}
	h := sha1.New()
	for p := range parts {
		h.Write(table.Bytes(p))
	}
	for i, b := range h.Sum(nil) {
		d[i] ^= b
	}
	*d = sha1.Sum(d[:])
}

// Redis's number of each type, as its digest includes it.
var digestKinds = map[Kind]uint32{String: 0, List: 1, Set: 2, SortedSet: 3, Hash: 4, Module: 5, Stream: 6}

func (x *exec) digestOf(e *table.Entry) (d digest) {
	k := kindOf(e)
	d.mix(e.Key())
	d.mixNumber(digestKinds[k])
	switch k {
	case String:
		d.mixText(e)
	case Hash:
		for f := range x.datedFields(e) {
			d.xorField(f)
		}
	case List:
		for v := range x.listItems(e) {
			d.mix(v)
		}
	case Set:
		for m := range x.setMembers(e) {
			d.xor(m)
		}
	case SortedSet:
		for m, score := range x.sortedMembers(e) {
			d.xorPair(m, formatScore(score))
		}
	case Stream:
		for it := range x.streamEntries(e, streamSpan{last: MaxStreamID}, false) {
			d.mixEntry(it)
		}
	case Module:
		d.mix(e.Text()) // Redis asks the module for a digest
	}
	if e.Deadline() != 0 {
		d.xor("!!expire!!")
	}
	return d
}

// mixEntry mixes the entry of a stream: its ID, and each field with its value.
func (d *digest) mixEntry(it streamItem) {
	d.mix(strconv.FormatUint(it.id.Ms, 10) + "." + strconv.FormatUint(it.id.Seq, 10))
	for _, v := range it.pairs() {
		d.mix(v)
	}
}

// xorField adds the sum of a field. That it has a deadline counts, and when that is does
// not: Redis 8 does the same.
func (d *digest) xorField(f dated) {
	var sum digest
	sum.mix(f.name)
	sum.mix(f.value)
	if f.due != 0 {
		sum.xor("!!hexpire!!")
	}
	d.xor(string(sum[:]))
}

// xorPair adds the sum of two texts of which the order matters.
func (d *digest) xorPair(a, b string) {
	var pair digest
	pair.mix(a)
	pair.mix(b)
	d.xor(string(pair[:]))
}

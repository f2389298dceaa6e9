package store

import (
	"encoding/binary"
	"iter"

	"github.com/understudy-go/understudy/store/internal/table"
)

// A small hash in which a field has, or had, a deadline is one immutable string like any
// other small hash, with more in it: the number of pairs, the earliest deadline (8 bytes,
// low byte first; 0 if none is left), then for each pair the length and bytes of field and
// value, and the deadline's distance from the earliest, plus 1; 0 is no deadline. Numbers
// without a size are unsigned varints.
//
// The index of hashes asks for the earliest deadline at each change, so it stands where it
// is found at once. Hashes without deadlines have none of this, and cost what they did.

const earliestSize = 8

// dated is a field of a hash with its deadline, in Unix milliseconds, 0 for none.
type dated struct {
	name, value string
	due         int64
}

// earliestOf is the earliest deadline in the blob of a DatedHash, 0 if there is none.
func earliestOf(blob string) int64 {
	_, n := uvarint(blob)
	return int64(binary.LittleEndian.Uint64(table.Bytes(blob[n : n+earliestSize])))
}

// datedFields yields the fields in the blob of a DatedHash, in order of insertion, those
// past their deadline too.
func datedFields(blob string) iter.Seq[dated] {
	return func(yield func(dated) bool) {
		_, n := uvarint(blob)
		earliest := earliestOf(blob)
		for rest := blob[n+earliestSize:]; rest != ""; {
			var f dated
			f.name, rest = blobString(rest)
			f.value, rest = blobString(rest)
			distance, n := uvarint(rest)
			if rest = rest[n:]; distance > 0 {
				f.due = earliest + int64(distance-1)
			}
			if !yield(f) {
				return
			}
		}
	}
}

func datedGet(blob, field string) (f dated, ok bool) {
	for f := range datedFields(blob) {
		if f.name == field {
			return f, true
		}
	}
	return dated{}, false
}

// earliest is the earliest deadline of h, 0 if there is none.
func (h *looseHash) earliest() (at int64) {
	for _, d := range h.due {
		if d != 0 && (at == 0 || d < at) {
			at = d
		}
	}
	return at
}

// appendDated is appendBlob in the form with deadlines.
func (h *looseHash) appendDated(b []byte) []byte {
	earliest := h.earliest()
	b = binary.AppendUvarint(b, uint64(len(h.pairs)/2))
	b = binary.LittleEndian.AppendUint64(b, uint64(earliest))
	for i, s := range h.pairs {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
		if i%2 == 1 {
			b = binary.AppendUvarint(b, distance(h.due[i/2], earliest))
		}
	}
	return b
}

func distance(due, earliest int64) uint64 {
	if due == 0 {
		return 0
	}
	return uint64(due-earliest) + 1
}

// newDatedHash returns the entry of a hash that is encoded in blob.
func newDatedHash(version uint64, key, blob string, deadline int64) *table.Entry {
	return table.NewBlob(version, table.DatedHash, key, blob, deadline)
}

// hashEncoding is what Redis 8 calls the form of a hash like e.
func hashEncoding(e *table.Entry) string {
	switch e.Kind() {
	case table.SmallHash:
		return "listpack"
	case table.DatedHash:
		return "listpackex"
	}
	return "hashtable"
}

// earliestDue is the earliest deadline of a field of the hash e, 0 if there is none. O(1),
// but O(n) for a large hash in which a field has had a deadline.
func (x *exec) earliestDue(e *table.Entry) (at int64) {
	switch {
	case e.Kind() == table.DatedHash:
		return earliestOf(e.Text())
	case e.Kind() == table.BigHash && e.Fields().Beside() != nil:
		for f := range x.datedFields(e) {
			if f.due != 0 && (at == 0 || f.due < at) {
				at = f.due
			}
		}
	}
	return at
}

package store

import (
	"encoding/binary"
	"iter"
	"slices"

	"github.com/understudy-go/understudy/store/internal/table"
)

// A small hash is one immutable string: the number of pairs, then for each the
// length and bytes of field and value, lengths as unsigned varints. It becomes
// a table of its own beyond these limits, Redis's defaults for listpacks.
const (
	smallHashPairs = 128
	smallHashBytes = 64 // of one field or value
)

func fitsSmall(field, value string) bool {
	return len(field) <= smallHashBytes && len(value) <= smallHashBytes
}

func blobLen(blob string) int {
	n, _ := uvarint(blob)
	return int(n)
}

// blobPairs yields field and value of every pair, in order of insertion.
func blobPairs(blob string) iter.Seq2[string, string] {
	return func(yield func(field, value string) bool) {
		_, n := uvarint(blob)
		for rest := blob[n:]; rest != ""; {
			var field, value string
			field, rest = blobString(rest)
			value, rest = blobString(rest)
			if !yield(field, value) {
				return
			}
		}
	}
}

func blobGet(blob, field string) (value string, ok bool) {
	for f, v := range blobPairs(blob) {
		if f == field {
			return v, true
		}
	}
	return "", false
}

func blobString(b string) (s, rest string) {
	n, size := uvarint(b)
	return b[size : size+int(n)], b[size+int(n):]
}

func uvarint(s string) (n uint64, size int) {
	for shift := 0; ; shift += 7 {
		c := s[size]
		size++
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return n, size
		}
	}
}

// pairs is a small hash taken apart, to be changed and put together again.
type pairs []string // field, value, field, value ...

// find is the index of field, -1 if it is not there.
func (p pairs) find(field string) int {
	for i := 0; i < len(p); i += 2 {
		if p[i] == field {
			return i
		}
	}
	return -1
}

func (p pairs) small() bool {
	if len(p)/2 > smallHashPairs {
		return false
	}
	for i := 0; i < len(p); i += 2 {
		if !fitsSmall(p[i], p[i+1]) {
			return false
		}
	}
	return true
}

func (p pairs) appendBlob(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(p)/2))
	for _, s := range p {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	return b
}

// looseHash is a hash that is not too large to be taken apart, with the deadlines of its
// fields.
type looseHash struct {
	pairs
	due []int64 // of each pair, in Unix milliseconds, 0 for none; nil: no field has ever had one
}

// loosen takes apart the small hash e, which may be nil.
func loosen(e *table.Entry) (h looseHash) {
	switch {
	case e == nil:
	case e.Kind() == table.DatedHash:
		n := blobLen(e.Text())
		h.pairs, h.due = make(pairs, 0, 2*n+2), make([]int64, 0, n+1)
		for f := range datedFields(e.Text()) {
			h.add(f.name, f.value, f.due)
		}
	default:
		h.pairs = make(pairs, 0, 2*blobLen(e.Text())+2)
		for f, v := range blobPairs(e.Text()) {
			h.pairs = append(h.pairs, f, v)
		}
	}
	return h
}

// add appends a field that is not there yet.
func (h *looseHash) add(field, value string, due int64) {
	if due != 0 && h.due == nil {
		h.due = make([]int64, len(h.pairs)/2, len(h.pairs)/2+1)
	}
	h.pairs = append(h.pairs, field, value)
	if h.due != nil {
		h.due = append(h.due, due)
	}
}

// set writes a field and its deadline, which may be keepDue.
func (h *looseHash) set(field, value string, due int64) {
	i := h.find(field)
	if i < 0 {
		h.add(field, value, max(due, 0))
		return
	}
	h.pairs[i+1] = value
	h.setDue(i, due)
}

// setDue gives the pair at index i another deadline, or with keepDue not.
func (h *looseHash) setDue(i int, due int64) {
	if due > 0 && h.due == nil {
		h.due = make([]int64, len(h.pairs)/2)
	}
	if due >= 0 && h.due != nil {
		h.due[i/2] = due
	}
}

func (h *looseHash) remove(field string) bool {
	i := h.find(field)
	if i < 0 {
		return false
	}
	h.pairs = slices.Delete(h.pairs, i, i+2)
	if h.due != nil {
		h.due = slices.Delete(h.due, i/2, i/2+1)
	}
	return true
}

// dueAt is the deadline of the pair at index i.
func (h *looseHash) dueAt(i int) int64 {
	if h.due == nil {
		return 0
	}
	return h.due[i/2]
}

// hashEntry makes an entry of h in the form that fits.
func (s *Store) hashEntry(version uint64, key string, h looseHash, deadline int64) *table.Entry {
	if h.small() {
		return smallHashEntry(version, key, h, deadline)
	}
	fields := s.newFields(version)
	for i := 0; i < len(h.pairs); i += 2 {
		putField(fields, version, h.pairs[i], h.pairs[i+1], h.dueAt(i))
	}
	return table.NewBig(version, table.BigHash, key, fields, deadline)
}

// smallHashEntry makes an entry of h, which fits. Once a field has had a deadline the
// form stays the one for them, as it does in Redis.
func smallHashEntry(version uint64, key string, h looseHash, deadline int64) *table.Entry {
	if h.due == nil {
		return newSmallHash(version, key, table.View(h.appendBlob(nil)), deadline)
	}
	return newDatedHash(version, key, table.View(h.appendDated(nil)), deadline)
}

// putField writes a field of a hash that nobody else has yet, and reports whether it is
// new.
func putField(fields *table.Table, version uint64, name, value string, due int64) bool {
	f := table.NewText(version, name, value, due)
	old := fields.Put(fields.Hash(name), f)
	replaceField(fields, old, f)
	return old == nil
}

// newSmallHash returns the entry of a hash that is encoded in blob.
func newSmallHash(version uint64, key, blob string, deadline int64) *table.Entry {
	return table.NewBlob(version, table.SmallHash, key, blob, deadline)
}

package store

import (
	"encoding/binary"
	"iter"

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

func blobToPairs(blob string) pairs {
	p := make(pairs, 0, 2*blobLen(blob)+2)
	for f, v := range blobPairs(blob) {
		p = append(p, f, v)
	}
	return p
}

// set reports whether field is new.
func (p *pairs) set(field, value string) bool {
	for i := 0; i < len(*p); i += 2 {
		if (*p)[i] == field {
			(*p)[i+1] = value
			return false
		}
	}
	*p = append(*p, field, value)
	return true
}

func (p *pairs) remove(field string) bool {
	for i := 0; i < len(*p); i += 2 {
		if (*p)[i] == field {
			*p = append((*p)[:i], (*p)[i+2:]...)
			return true
		}
	}
	return false
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

// hashEntry makes an entry of p in the form that fits.
func (s *Store) hashEntry(version uint64, key string, p pairs, deadline int64) *table.Entry {
	if p.small() {
		return newSmallHash(version, key, table.View(p.appendBlob(nil)), deadline)
	}
	fields := s.newFields(version)
	for i := 0; i < len(p); i += 2 {
		putField(fields, version, p[i], p[i+1])
	}
	return table.NewBig(version, table.BigHash, key, fields, deadline)
}

// putField writes a field of a hash that nobody else has yet, and reports whether it is
// new.
func putField(fields *table.Table, version uint64, name, value string) bool {
	return fields.Put(fields.Hash(name), table.NewText(version, name, value, 0)) == nil
}

// newSmallHash returns the entry of a hash that is encoded in blob.
func newSmallHash(version uint64, key, blob string, deadline int64) *table.Entry {
	return table.NewBlob(version, table.SmallHash, key, blob, deadline)
}

package store

import (
	"encoding/binary"
	"iter"
	"math"
	"slices"
	"strconv"

	"github.com/understudy-go/understudy/store/internal/table"
)

// A set is held in one of three forms, and goes from one to a later one, never
// back, as in Redis: a blob of integers, a blob of strings, a table of its own.
// The limits are Redis's defaults.
const (
	intSetMembers   = 512
	smallSetMembers = 128
	smallSetBytes   = 64 // of one member
)

// intBlob is a set of integers: a byte for the width of each, 2, 4 or 8, then the
// integers in ascending order, little-endian. Every one of them takes the width that
// the widest needs.
type intBlob string

func (b intBlob) len() int { return (len(b) - 1) / int(b[0]) }

func (b intBlob) at(i int) int64 {
	width := int(b[0])
	p := table.Bytes(string(b[1+i*width : 1+(i+1)*width]))
	switch width {
	case 2:
		return int64(int16(binary.LittleEndian.Uint16(p)))
	case 4:
		return int64(int32(binary.LittleEndian.Uint32(p)))
	}
	return int64(binary.LittleEndian.Uint64(p))
}

// has reports whether n is in the set. O(log len).
func (b intBlob) has(n int64) bool {
	low, high := 0, b.len()
	for low < high {
		if mid := (low + high) / 2; b.at(mid) < n {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low < b.len() && b.at(low) == n
}

func (b intBlob) ints() []int64 {
	ints := make([]int64, b.len(), b.len()+1)
	for i := range ints {
		ints[i] = b.at(i)
	}
	return ints
}

// newIntBlob encodes ints, which are in order and not empty.
func newIntBlob(ints []int64) intBlob {
	width := 8
	switch low, high := ints[0], ints[len(ints)-1]; {
	case low >= math.MinInt16 && high <= math.MaxInt16:
		width = 2
	case low >= math.MinInt32 && high <= math.MaxInt32:
		width = 4
	}
	b := make([]byte, 1, 1+len(ints)*width)
	b[0] = byte(width)
	for _, n := range ints {
		switch width {
		case 2:
			b = binary.LittleEndian.AppendUint16(b, uint16(n))
		case 4:
			b = binary.LittleEndian.AppendUint32(b, uint32(n))
		default:
			b = binary.LittleEndian.AppendUint64(b, uint64(n))
		}
	}
	return intBlob(table.View(b))
}

// parseMember is the integer that member is the only spelling of: neither "+1" nor
// "01" nor "-0" is one, for a set of integers gives back what it would print.
func parseMember(member string) (n int64, ok bool) {
	if member == "" || len(member) > 20 || member[0] > '9' {
		return 0, false // most texts, without the error that parsing would allocate
	}
	n, err := parseInt(member)
	return n, err == nil
}

// smallMembers yields the members in a blob of strings, in order of insertion: the
// number of members, then the length and bytes of each.
func smallMembers(blob string) iter.Seq[string] {
	_, n := uvarint(blob)
	return smallTexts(blob[n:])
}

func smallTexts(body string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for rest := body; rest != ""; {
			var m string
			if m, rest = blobString(rest); !yield(m) {
				return
			}
		}
	}
}

func seqHas(seq iter.Seq[string], member string) bool {
	for m := range seq {
		if m == member {
			return true
		}
	}
	return false
}

// setBuilder collects members in the first form that holds them all.
//
// Invariant: of ints, texts and tab only the one of form is in use.
type setBuilder struct {
	s       *Store
	version uint64
	form    table.Kind // IntSet, SmallSet, BigSet

	ints  []int64 // in order
	texts []byte  // the blob without the number
	count int     // of texts
	tab   *table.Table
}

func newSetBuilder(s *Store, version uint64) *setBuilder {
	return &setBuilder{s: s, version: version, form: table.IntSet}
}

// setBuilderOf starts with the members of e, a set in a blob or nil, and in its form.
func setBuilderOf(s *Store, version uint64, e *table.Entry) *setBuilder {
	b := newSetBuilder(s, version)
	switch {
	case e == nil:
	case e.Kind() == table.IntSet:
		b.ints = intBlob(e.Text()).ints()
	default:
		count, n := uvarint(e.Text())
		b.form, b.texts, b.count = table.SmallSet, []byte(e.Text()[n:]), int(count)
	}
	return b
}

// add copies member into the set and reports whether it is new. O(log n) and a
// move of what follows for integers, O(n) for up to 128 texts, then O(1).
func (b *setBuilder) add(member string) bool {
	switch b.form {
	case table.IntSet:
		if n, ok := parseMember(member); ok {
			return b.addInt(n, member)
		}
		if len(b.ints) < smallSetMembers && len(member) <= smallSetBytes {
			b.spell()
			return b.addText(member)
		}
	case table.SmallSet:
		if b.count < smallSetMembers && len(member) <= smallSetBytes {
			return b.addText(member)
		}
		if seqHas(smallTexts(table.View(b.texts)), member) {
			return false
		}
	}
	return b.addBig(member)
}

func (b *setBuilder) addInt(n int64, member string) bool {
	i, found := slices.BinarySearch(b.ints, n)
	switch {
	case found:
		return false
	case len(b.ints) == intSetMembers:
		return b.addBig(member)
	}
	b.ints = slices.Insert(b.ints, i, n)
	return true
}

func (b *setBuilder) addText(member string) bool {
	if seqHas(smallTexts(table.View(b.texts)), member) {
		return false
	}
	b.texts = append(binary.AppendUvarint(b.texts, uint64(len(member))), member...)
	b.count++
	return true
}

// spell goes from integers to texts.
func (b *setBuilder) spell() {
	b.form = table.SmallSet
	for _, n := range b.ints {
		b.addText(strconv.FormatInt(n, 10))
	}
	b.ints = nil
}

func (b *setBuilder) addBig(member string) bool {
	if b.form != table.BigSet {
		b.spill()
	}
	h := b.tab.Hash(member)
	if b.tab.Find(h, member) != nil {
		return false
	}
	b.tab.Put(h, table.NewText(b.version, member, "", 0))
	return true
}

// spill goes on in a table.
func (b *setBuilder) spill() {
	ints, texts := b.ints, b.texts
	b.form, b.ints, b.texts, b.tab = table.BigSet, nil, nil, b.s.newFields(b.version)
	for _, n := range ints {
		b.addBig(strconv.FormatInt(n, 10))
	}
	for m := range smallTexts(table.View(texts)) {
		b.addBig(m)
	}
}

// remove takes member out and reports whether it was there. REQUIRES: a form in a
// blob.
func (b *setBuilder) remove(member string) bool {
	if b.form == table.IntSet {
		n, ok := parseMember(member)
		i, found := slices.BinarySearch(b.ints, n)
		if ok && found {
			b.ints = slices.Delete(b.ints, i, i+1)
		}
		return ok && found
	}
	for rest := table.View(b.texts); rest != ""; {
		at := len(b.texts) - len(rest)
		m, after := blobString(rest)
		if m == member {
			b.texts = slices.Delete(b.texts, at, len(b.texts)-len(after))
			b.count--
			return true
		}
		rest = after
	}
	return false
}

// len is the number of members so far.
func (b *setBuilder) len() int {
	switch b.form {
	case table.IntSet:
		return len(b.ints)
	case table.SmallSet:
		return b.count
	}
	return b.tab.Len()
}

// entry makes the entry of key, nil if the set is empty. The builder must not be
// used afterwards.
func (b *setBuilder) entry(key string, deadline int64) *table.Entry {
	switch {
	case b.len() == 0:
		return nil
	case b.form == table.IntSet:
		return table.NewBlob(b.version, table.IntSet, key, string(newIntBlob(b.ints)), deadline)
	case b.form == table.SmallSet:
		blob := append(binary.AppendUvarint(nil, uint64(b.count)), b.texts...)
		return table.NewBlob(b.version, table.SmallSet, key, table.View(blob), deadline)
	}
	return table.NewBig(b.version, table.BigSet, key, b.tab, deadline)
}

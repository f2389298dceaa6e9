package store

import (
	"encoding/binary"
	"iter"
	"math/bits"
	"strings"

	"github.com/understudy-go/understudy/store/internal/table"
)

// A small list is one immutable string: the number of elements, then the length and
// bytes of each, lengths as unsigned varints. Beyond these limits it is held in a
// tree. The bytes are Redis's default for one listpack. The number bounds what a walk
// to the last element costs, and what a write copies: beyond it the tree is faster.
//
// A list in a tree that shrinks becomes small again at half the limits, so that one
// that breathes around them is not rewritten each time.
const (
	smallListBytes = 8 << 10
	smallListItems = 128
)

// blobHead is the room that the number of elements takes at most.
const blobHead = 2

// blobFrom yields the elements of a small list from index i on. O(i) to begin.
func blobFrom(blob string, i int) iter.Seq[string] {
	return func(yield func(string) bool) {
		if blob == "" {
			return
		}
		_, n := uvarint(blob)
		before := i
		for rest := blob[n:]; rest != ""; {
			var item string
			item, rest = blobString(rest)
			if before--; before < 0 && !yield(item) {
				return
			}
		}
	}
}

// blobItemBytes is what an element takes in a blob.
func blobItemBytes(v string) int { return (bits.Len(uint(len(v))|1)+6)/7 + len(v) }

func appendBlobItem(b []byte, v string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

// blobPush appends to b a small list with values pushed one by one at a side; ok is
// false when it would not be small.
func blobPush(b []byte, blob string, at Side, values []string) (pushed []byte, ok bool) {
	n, body := 0, ""
	if blob != "" {
		count, head := uvarint(blob)
		n, body = int(count), blob[head:]
	}
	size := len(body)
	for _, v := range values {
		size += blobItemBytes(v)
	}
	if n += len(values); n > smallListItems || size > smallListBytes {
		return nil, false
	}
	b = binary.AppendUvarint(b, uint64(n))
	if at == Right {
		b = append(b, body...)
		for _, v := range values {
			b = appendBlobItem(b, v)
		}
		return b, true
	}
	for i := len(values) - 1; i >= 0; i-- {
		b = appendBlobItem(b, values[i])
	}
	return append(b, body...), true
}

// blobWithout appends to b a small list less the elements of gone, which are in order.
func blobWithout(b []byte, blob string, gone []span) []byte {
	n := blobLen(blob)
	for _, s := range gone {
		n -= s.len()
	}
	b = binary.AppendUvarint(b, uint64(n))
	_, head := uvarint(blob)
	rest, i := blob[head:], 0
	for _, s := range gone {
		kept := blobSkip(rest, s.from-i)
		b = append(b, rest[:kept]...)
		rest = rest[kept:]
		rest, i = rest[blobSkip(rest, s.len()):], s.to
	}
	return append(b, rest...)
}

// blobSkip is how many bytes the first n elements of items take.
func blobSkip(items string, n int) (bytes int) {
	for ; n > 0; n-- {
		size, head := uvarint(items[bytes:])
		bytes += head + int(size)
	}
	return bytes
}

// A listBuilder makes the entry of a list from its elements, in the form that fits.
type listBuilder struct {
	version uint64
	n       int
	blob    []byte   // the elements as long as they are few, behind room for their number
	big     *bigList // then all of them
}

// newListBuilder returns a builder for the commit of version.
func newListBuilder(_ *Store, version uint64) *listBuilder {
	return &listBuilder{version: version, blob: make([]byte, blobHead, 64)}
}

// add appends v, which is copied.
func (b *listBuilder) add(v string) {
	if b.big == nil && (b.n == smallListItems || len(b.blob)-blobHead+blobItemBytes(v) > smallListBytes) {
		b.grow()
	}
	if b.big != nil {
		b.big.insert(b.n, v)
	} else {
		b.blob = appendBlobItem(b.blob, v)
	}
	b.n++
}

// grow moves the elements to a tree.
func (b *listBuilder) grow() {
	b.big = newBigList()
	b.big.made = b.version
	i := 0
	for rest := table.View(b.blob[blobHead:]); rest != ""; i++ {
		var item string
		item, rest = blobString(rest)
		b.big.insert(i, item)
	}
	b.blob = nil
}

// entry is the list under key, nil if it is empty. The builder is used up.
func (b *listBuilder) entry(key string, deadline int64) *table.Entry {
	switch {
	case b.n == 0:
		return nil
	case b.big != nil:
		b.big.changed = b.version
		return table.NewBig(b.version, table.BigList, key, b.big, deadline)
	}
	var head [binary.MaxVarintLen64]byte
	size := binary.PutUvarint(head[:], uint64(b.n))
	blob := b.blob[blobHead-size:]
	copy(blob, head[:size])
	return table.NewBlob(b.version, table.SmallList, key, table.View(blob), deadline)
}

// insert puts a copy of v before element i. REQUIRES: l.mu, or that nobody else
// knows l.
func (l *bigList) insert(i int, v string) {
	l.items.Insert(i, strings.Clone(v))
	l.Charge(listItemBytes(v))
}

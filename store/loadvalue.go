package store

import (
	"fmt"

	"github.com/understudy-go/understudy/rdb"
	"github.com/understudy-go/understudy/store/internal/table"
)

// valueReader makes entries of the values in a file, or in a payload of DUMP.
type valueReader struct {
	s       *Store
	old     *generation // whose entries are taken over where bytes are equal; nil: none
	version uint64
	scratch []byte
	filter  [16]uint64 // of the fields of the small hash at hand
}

// entry reads the value of rec into an entry of its key, whose hash is h. It is nil
// for a collection without elements, which a file may have.
func (l *valueReader) entry(d *rdb.Decoder, rec *rdb.Record, h uint64) (*table.Entry, error) {
	if rec.Meta {
		return nil, errKeyMetadata(d, rec)
	}
	switch rec.Kind {
	case rdb.String:
		text, err := d.Text()
		if err != nil {
			return nil, err
		}
		make := table.NewText
		if len(text) > l.s.opts.wholeText && table.Sparse(table.View(text)) {
			make = table.NewChunked
		}
		return l.takeOver(rec, h, table.Text, table.View(text), rec.Deadline, make), nil
	case rdb.Hash:
		return l.hash(d, rec, h)
	case rdb.List:
		return l.list(d, rec, h)
	case rdb.Set:
		return l.set(d, rec, h)
	case rdb.SortedSet:
		return l.sorted(d, rec, h)
	case rdb.Stream:
		return l.stream(d, rec)
	case rdb.Module:
		return l.opaque(d, rec, h)
	}
	return nil, &rdb.UnsupportedError{Offset: d.Offset(), What: rec.Kind.String(), Key: string(rec.Key), DB: rec.DB}
}

// takeOver returns the entry of the generation being served if it is the same,
// so that a resync of unchanged data costs no memory; else a new one.
func (l *valueReader) takeOver(rec *rdb.Record, h uint64, k table.Kind, value string, deadline int64,
	make func(version uint64, key, value string, deadline int64) *table.Entry) *table.Entry {
	key := table.View(rec.Key)
	if old := l.same(rec, h, k, value); old != nil {
		return old
	}
	return make(l.version, key, value, deadline)
}

// same is the entry of the generation being served that equals what rec says, or nil.
func (l *valueReader) same(rec *rdb.Record, h uint64, k table.Kind, value string) *table.Entry {
	if l.old == nil {
		return nil
	}
	key := table.View(rec.Key)
	if old := l.old.spaces[rec.DB].tab.Find(h, key); old != nil && old.Same(key, value, k, rec.Deadline) {
		return old
	}
	return nil
}

// takeOverBlob is takeOver for e, a collection that was made, or nil.
func (l *valueReader) takeOverBlob(rec *rdb.Record, h uint64, e *table.Entry) *table.Entry {
	if e == nil || e.Body() != nil {
		return e
	}
	if old := l.same(rec, h, e.Kind(), e.Text()); old != nil {
		return old
	}
	return e
}

func (l *valueReader) list(d *rdb.Decoder, rec *rdb.Record, h uint64) (*table.Entry, error) {
	b := newListBuilder(l.s, l.version)
	for {
		v, ok, err := d.Element()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		b.add(table.View(v))
	}
	return l.takeOverBlob(rec, h, b.entry(table.View(rec.Key), rec.Deadline)), nil
}

func (l *valueReader) set(d *rdb.Decoder, rec *rdb.Record, h uint64) (*table.Entry, error) {
	b := newSetBuilder(l.s, l.version)
	for {
		m, ok, err := d.Element()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		if !b.add(table.View(m)) {
			return nil, errRepeated(d, "member", "set")
		}
	}
	return l.takeOverBlob(rec, h, b.entry(table.View(rec.Key), rec.Deadline)), nil
}

func (l *valueReader) sorted(d *rdb.Decoder, rec *rdb.Record, h uint64) (*table.Entry, error) {
	b := newSortedBuilder(l.s, l.version)
	for {
		m, score, ok, err := d.Member()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		if !b.add(table.View(m), score) {
			return nil, errRepeated(d, "member", "sorted set")
		}
	}
	return l.takeOverBlob(rec, h, b.entry(table.View(rec.Key), rec.Deadline)), nil
}

// hash collects pairs until they are too many or too long for a blob, then goes
// on in a table: memory beside the result stays that of a small hash. Fields past their
// deadline are in it, as keys are: to remove them is part of the stream.
func (l *valueReader) hash(d *rdb.Decoder, rec *rdb.Record, h uint64) (*table.Entry, error) {
	var small looseHash
	var fields *table.Table
	key := string(rec.Key) // the decoder's calls may reuse rec.Key
	for {
		f, v, due, ok, err := d.DatedField()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		if fields == nil && len(small.pairs)/2 < smallHashPairs && fitsSmall(table.View(f), table.View(v)) {
			if l.repeated(small.pairs, table.View(f)) {
				return nil, errRepeated(d, "field", "hash")
			}
			small.add(string(f), string(v), due)
			continue
		}
		if fields == nil {
			fields = l.spill(small)
		}
		if !putField(fields, l.version, table.View(f), table.View(v), due) {
			return nil, errRepeated(d, "field", "hash")
		}
	}
	rec.Key = []byte(key)
	switch {
	case fields != nil:
		return table.NewBig(l.version, table.BigHash, key, fields, rec.Deadline), nil
	case len(small.pairs) == 0:
		return nil, nil
	case small.due != nil:
		return l.takeOver(rec, h, table.DatedHash, table.View(small.appendDated(nil)), rec.Deadline, newDatedHash), nil
	}
	l.scratch = small.appendBlob(l.scratch[:0])
	return l.takeOver(rec, h, table.SmallHash, table.View(l.scratch), rec.Deadline, newSmallHash), nil
}

func (l *valueReader) spill(small looseHash) *table.Table {
	fields := l.s.newFields(l.version)
	for i := 0; i < len(small.pairs); i += 2 {
		putField(fields, l.version, small.pairs[i], small.pairs[i+1], small.dueAt(i))
	}
	return fields
}

func errRepeated(d *rdb.Decoder, part, whole string) error {
	return fmt.Errorf("store: %s twice in a %s of the file, at byte %d", part, whole, d.Offset())
}

// repeated reports whether f is one of the fields of small, to which it will be
// added. A filter of bits answers most times.
func (l *valueReader) repeated(small pairs, f string) bool {
	if len(small) == 0 {
		l.filter = [16]uint64{}
	}
	h := l.s.tables.Hash(f)
	word, bit := &l.filter[h>>60], uint64(1)<<(h&63)
	if *word&bit == 0 {
		*word |= bit
		return false
	}
	for i := 0; i < len(small); i += 2 {
		if small[i] == f {
			return true
		}
	}
	return false
}

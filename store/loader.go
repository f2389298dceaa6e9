package store

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/understudy-go/understudy/rdb"
	"github.com/understudy-go/understudy/store/backlog"
	"github.com/understudy-go/understudy/store/internal/table"
)

// A Loader builds a new generation beside the one that is being served, and
// puts it in its place when it is complete. Until Commit nobody sees it; a
// loader that is dropped leaves everything as it was. Used by one goroutine,
// except for Keys and Aux.
type Loader struct {
	s       *Store
	gen     *generation
	old     *generation // whose entries are taken over where bytes are equal
	version uint64
	libs    libraries
	keys    atomic.Int64
	scratch []byte
	filter  [16]uint64 // of the fields of the small hash at hand
	whole   bool

	// Decoded entries of one database that are not in its table yet. Inserting
	// one is mostly waiting for memory; a batch waits once.
	into    *keyspace
	entries []*table.Entry
	hashes  []uint64
	twice   bool   // a key came twice
	touched uint64 // keeps the loads of Touch from being removed as useless

	mu  sync.Mutex // protects aux
	aux map[string]string
}

// ErrIncomplete is returned by Commit of a loader that has not loaded a whole
// RDB file.
var ErrIncomplete = errors.New("store: data set was not loaded to its end")

// NewLoader returns an empty loader.
func (r Replication) NewLoader() *Loader {
	s := r.s
	return &Loader{
		s:       s,
		gen:     newGeneration(s.opts.Databases, s.tables),
		old:     s.view.Load().gen,
		version: s.published.Load() + 1,
		aux:     map[string]string{},
	}
}

// Keys is the number of keys loaded so far.
func (l *Loader) Keys() int64 { return l.keys.Load() }

// Aux is the value of an auxiliary field of the file, "" if it has none.
func (l *Loader) Aux(name string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.aux[name]
}

// LoadRDB reads one whole RDB file. Errors are those of package rdb, and
// [ErrNoDatabase] for a database that this store does not have. r may be read
// beyond the file's end.
func (l *Loader) LoadRDB(r io.Reader) error {
	d := rdb.NewDecoder(r, nil)
	for {
		rec, err := d.Next()
		if err == nil {
			err = l.record(d, &rec)
		}
		if err == io.EOF && l.whole {
			return trailing(d.Rest())
		}
		if err != nil {
			return err
		}
	}
}

// ErrTrailing is returned for bytes behind the end of a file, as far as they were
// read with it.
var ErrTrailing = errors.New("store: bytes behind the end of the file")

func trailing(rest []byte) error {
	if len(rest) > 0 {
		return ErrTrailing
	}
	return nil
}

func (l *Loader) record(d *rdb.Decoder, rec *rdb.Record) error {
	switch rec.Op {
	case rdb.OpAux:
		l.mu.Lock()
		l.aux[string(rec.Name)] = string(rec.Value)
		l.mu.Unlock()
	case rdb.OpFunction:
		name, err := libraryName(string(rec.Value))
		if err != nil {
			return err
		}
		l.libs = l.libs.with(name, string(rec.Value))
	case rdb.OpSelectDB:
		if rec.DB < 0 || rec.DB >= l.s.opts.Databases {
			return fmt.Errorf("store: database %d in the file, this store has %d: %w", rec.DB, l.s.opts.Databases, ErrNoDatabase)
		}
		l.flush()
	case rdb.OpResizeDB:
		l.gen.spaces[rec.DB].tab.Reserve(rec.Keys)
	case rdb.OpKey:
		return l.key(d, rec)
	case rdb.OpEnd:
		l.whole = l.flush()
	}
	if l.twice {
		return fmt.Errorf("store: key twice in the file, before byte %d", d.Offset())
	}
	return nil
}

func (l *Loader) key(d *rdb.Decoder, rec *rdb.Record) error {
	if rec.DB < 0 || rec.DB >= l.s.opts.Databases {
		return ErrNoDatabase
	}
	ks := l.gen.spaces[rec.DB]
	h := ks.tab.Hash(table.View(rec.Key))
	e, err := l.entry(d, rec, h)
	if e == nil || err != nil {
		return err // a hash without fields is passed over, as Redis 7.0 does
	}
	l.into = ks
	l.entries, l.hashes = append(l.entries, e), append(l.hashes, h)
	if len(l.entries) == loadBatch && !l.flush() {
		return fmt.Errorf("store: key twice in the file, before byte %d", d.Offset())
	}
	return nil
}

// loadBatch is how many entries are inserted at a time.
const loadBatch = 32

// flush inserts the entries of the batch. It returns false if a key is there
// already.
func (l *Loader) flush() bool {
	if len(l.entries) == 0 {
		return !l.twice
	}
	l.touched += l.into.tab.Touch(l.hashes, false)
	for i, e := range l.entries {
		if l.into.tab.Put(l.hashes[i], e) != nil {
			l.twice = true
		}
		l.into.due.replace(nil, e)
		if f := e.Fields(); f != nil {
			f.SetOwner(l.into.tab)
		}
	}
	l.keys.Add(int64(len(l.entries)))
	clear(l.entries)
	l.entries, l.hashes = l.entries[:0], l.hashes[:0]
	return !l.twice
}

func (l *Loader) entry(d *rdb.Decoder, rec *rdb.Record, h uint64) (*table.Entry, error) {
	deadline := rec.Deadline
	if rec.Kind == rdb.String {
		text, err := d.Text()
		if err != nil {
			return nil, err
		}
		make := table.NewText
		if len(text) > l.s.opts.wholeText && table.Sparse(table.View(text)) {
			make = table.NewChunked
		}
		return l.takeOver(rec, h, table.Text, table.View(text), deadline, make), nil
	}
	if rec.Kind == rdb.Hash {
		return l.hash(d, rec, h)
	}
	return nil, fmt.Errorf("store: kind %d of a key in the file is not understood", rec.Kind)
}

// takeOver returns the entry of the generation being served if it is the same,
// so that a resync of unchanged data costs no memory; else a new one.
func (l *Loader) takeOver(rec *rdb.Record, h uint64, k table.Kind, value string, deadline int64,
	make func(version uint64, key, value string, deadline int64) *table.Entry) *table.Entry {
	key := table.View(rec.Key)
	if old := l.old.spaces[rec.DB].tab.Find(h, key); old != nil && old.Same(key, value, k, deadline) {
		return old
	}
	return make(l.version, key, value, deadline)
}

// hash collects pairs until they are too many or too long for a blob, then goes
// on in a table: memory beside the result stays that of a small hash.
func (l *Loader) hash(d *rdb.Decoder, rec *rdb.Record, h uint64) (*table.Entry, error) {
	var small pairs
	var fields *table.Table
	key := string(rec.Key) // the decoder's calls may reuse rec.Key
	for {
		f, v, ok, err := d.Field()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		if fields == nil && len(small)/2 < smallHashPairs && fitsSmall(table.View(f), table.View(v)) {
			if l.repeated(small, table.View(f)) {
				return nil, errRepeated(d)
			}
			small = append(small, string(f), string(v))
			continue
		}
		if fields == nil {
			fields = l.spill(small)
		}
		if err := l.field(fields, d, string(f), string(v)); err != nil {
			return nil, err
		}
	}
	if fields == nil && len(small) == 0 {
		return nil, nil
	}
	if fields != nil {
		return table.NewBigHash(l.version, key, fields, rec.Deadline), nil
	}
	l.scratch = small.appendBlob(l.scratch[:0])
	rec.Key = []byte(key)
	return l.takeOver(rec, h, table.SmallHash, table.View(l.scratch), rec.Deadline, table.NewSmallHash), nil
}

func (l *Loader) spill(small pairs) *table.Table {
	fields := l.s.newFields(l.version)
	for i := 0; i < len(small); i += 2 {
		fields.Put(fields.Hash(small[i]), table.NewText(l.version, small[i], small[i+1], 0))
	}
	return fields
}

func (l *Loader) field(fields *table.Table, d *rdb.Decoder, f, v string) error {
	if fields.Put(fields.Hash(f), table.NewText(l.version, f, v, 0)) != nil {
		return errRepeated(d)
	}
	return nil
}

func errRepeated(d *rdb.Decoder) error {
	return fmt.Errorf("store: field twice in a hash of the file, at byte %d", d.Offset())
}

// repeated reports whether f is one of the fields of small, to which it will be
// added. A filter of bits answers most times.
func (l *Loader) repeated(small pairs, f string) bool {
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

// History is the history that the file's auxiliary fields state; ok is false
// when they state none.
func (l *Loader) History() (h backlog.History, ok bool) {
	id, err := backlog.ParseID(l.Aux("repl-id"))
	if err != nil {
		return h, false
	}
	offset, err := strconv.ParseInt(l.Aux("repl-offset"), 10, 64)
	if err != nil || offset < 0 {
		return h, false
	}
	return backlog.History{ID: id, Offset: offset, SecondaryLimit: -1, StreamDB: l.StreamDB()}, true
}

// StreamDB is the database that the stream had selected when the file was made,
// -1 if the file does not say. It need not be one of this store's.
func (l *Loader) StreamDB() int {
	n, err := strconv.Atoi(l.Aux("repl-stream-db"))
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// Commit puts the loaded data in the place of the old, together with its
// history, in one step. Readers of the backlog end: what they followed is over.
// The error is [ErrIncomplete], [ErrClosed], or [ErrNoDatabase] for a stream that
// goes on in a database that this store does not have.
func (l *Loader) Commit(h backlog.History) error {
	if !l.whole {
		return ErrIncomplete
	}
	if h.StreamDB >= l.s.opts.Databases {
		return fmt.Errorf("store: the stream has database %d selected, this store has %d: %w", h.StreamDB, l.s.opts.Databases, ErrNoDatabase)
	}
	s := l.s
	s.mu.Lock()
	defer s.unlock()
	if s.mu.closed {
		return ErrClosed
	}
	s.published.Store(max(s.published.Load()+1, l.version))
	was := s.view.Load().gen
	s.view.Store(&view{gen: l.gen})
	s.chargeReplaced(was, l.gen)
	s.mu.functions = l.libs
	s.backlog.Reset(h)
	s.fresh.Store(false)
	if s.touched.watched() {
		s.touched.add([]change{{db: AllDatabases}}, Replaced, h.Offset)
	}
	l.whole = false // what was handed over is the store's: no second time
	return nil
}

// Abort drops what was loaded.
func (l *Loader) Abort() { l.gen, l.old, l.whole = nil, nil, false }

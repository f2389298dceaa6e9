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
	valueReader
	gen   *generation
	libs  libraries
	keys  atomic.Int64
	whole bool

	former *Former // what Commit replaced

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
		valueReader: valueReader{s: s, old: s.view.Load().gen, version: s.published.Load() + 1},
		gen:         newGeneration(s.opts.Databases, s.tables),
		aux:         map[string]string{},
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
	d := rdb.NewDecoder(r, &rdb.DecoderOptions{MaxString: longestText})
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
	case rdb.OpSlotImport:
		// Slots that are on their way to the primary: their keys are among those of the file,
		// and what becomes of them the stream says.
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
		return err // a collection without elements is passed over, as Redis 7.0 does
	}
	if a := l.s.ages.Load(); a != nil {
		a.hinted(rec.DB, h, hint{rec.Idle, int64(rec.Freq)})
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
		l.into.replace(nil, e)
		if b := e.Body(); b != nil {
			b.SetOwner(&l.into.tab.Account)
		}
	}
	l.keys.Add(int64(len(l.entries)))
	clear(l.entries)
	l.entries, l.hashes = l.entries[:0], l.hashes[:0]
	return !l.twice
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
	was := &Former{gen: s.view.Load().gen, libs: s.mu.functions, history: s.backlog.History()}
	s.replaceAll(l.gen, l.libs, h)
	if was.Keys() > 0 {
		l.former = was
	}
	l.whole = false // what was handed over is the store's: no second time
	return nil
}

// install makes gen the live data, as one commit. REQUIRES: the writer lock, no commit
// under way.
func (s *Store) install(gen *generation) {
	s.published.Add(1)
	was := s.view.Load().gen
	s.setView(gen, nil)
	s.chargeReplaced(was, gen)
	s.mu.blocked.noteAll(AllDatabases)
	for n, ks := range gen.spaces {
		s.mu.watched.replaced(n, was.spaces[n], ks, s.published.Load())
	}
}

// Abort drops what was loaded.
func (l *Loader) Abort() { l.gen, l.old, l.whole = nil, nil, false }

package store

import (
	"github.com/understudy-go/understudy/store/backlog"
)

// A Former is a data set that a full resync replaced, exactly as it was, with its
// history. Nothing that happens to the store since touches it. It costs the memory
// of what the present data does not share with it.
type Former struct {
	gen     *generation
	libs    libraries
	history backlog.History
}

// History is where the data stood in which stream.
func (f *Former) History() backlog.History { return f.history }

// Keys is the number of keys in all databases.
func (f *Former) Keys() (sum int64) {
	for _, tab := range f.gen.tables {
		sum += int64(tab.Len())
	}
	return sum
}

// Bytes is the memory of the data, whether the present data shares it or not.
func (f *Former) Bytes() (sum int64) {
	for _, tab := range f.gen.tables {
		sum += tab.Bytes()
	}
	return sum
}

// Former is what Commit replaced, nil if there was no key in it. Before Commit it is
// nil. The loader keeps it no longer than itself.
func (l *Loader) Former() *Former { return l.former }

// Restore puts f in the place of the present data, together with its history, in one
// step, as Commit does with a loaded file. O(1): it is the same data set that was
// served before, whose entries nobody has changed: what a key of the present data
// shares with it is immutable, and an APPEND to either writes into the shared spare
// bytes only if the other has not. f must be of this store, and is restored once.
// The error is [ErrClosed].
func (r Replication) Restore(f *Former) error {
	s := r.s
	s.mu.Lock()
	defer s.unlock()
	if s.mu.closed {
		return ErrClosed
	}
	s.replaceAll(f.gen, f.libs, f.history)
	return nil
}

// replaceAll makes gen the live data, with what belongs to it. REQUIRES: the writer
// lock, no commit under way.
func (s *Store) replaceAll(gen *generation, libs libraries, h backlog.History) {
	s.install(gen)
	s.mu.functions = libs
	s.backlog.Reset(h)
	s.fresh.Store(false)
	s.vacant.Store(false)
	if s.touched.watched() {
		s.touched.add([]change{{db: AllDatabases}}, Replaced, h.Offset)
	}
}

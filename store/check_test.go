package store

import (
	"fmt"

	"github.com/understudy-go/understudy/store/internal/table"
)

// check reports the first broken invariant of a store that nobody is writing to:
// tables are sound, the deadline index holds exactly the entries that have a
// deadline, and nothing of a finished commit is left over.
func (s *Store) check() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.view.Load()
	if v.pending != nil {
		return fmt.Errorf("a view with a pending commit is left behind")
	}
	if n := len(s.mu.commit.changes); n > 0 && s.mu.commit.changes[0].tab != nil {
		return fmt.Errorf("the finished commit still pins %d changes", n)
	}
	for db, ks := range v.gen.spaces {
		if err := s.checkSpace(ks); err != nil {
			return fmt.Errorf("database %d: %w", db, err)
		}
	}
	return nil
}

func (s *Store) checkSpace(ks *keyspace) error {
	if err := s.checkTable(ks.tab); err != nil {
		return err
	}
	var err error
	dues, seconds := 0, int64(0)
	eachRaw(ks.tab, func(e *table.Entry) {
		if d := e.Deadline(); d != 0 {
			dues++
			seconds += d / 1000
			if got, ok := ks.due.tree.Get(due{d, e}); !ok || got.e != e {
				err = fmt.Errorf("deadline of %q is not in the index, or refers to another entry", e.Key())
			}
		}
		if f := e.Fields(); f != nil && err == nil {
			if err = s.checkTable(f); err == nil && f.Len() == 0 {
				err = fmt.Errorf("hash %q is empty", e.Key())
			}
		}
		if kindOf(e) == Set && roughLen(e) == 0 {
			err = fmt.Errorf("set %q is empty", e.Key())
		}
		if kindOf(e) == List && err == nil {
			err = checkList(e)
		}
		if kindOf(e) == SortedSet && err == nil {
			err = checkSorted(e)
		}
		if kindOf(e) == Stream && err == nil {
			err = checkStream(e)
		}
		if broken := e.Check(); broken != nil {
			err = fmt.Errorf("string %q: %w", e.Key(), broken)
		}
		if kindOf(e) == Hash && e.Kind() != table.BigHash && blobLen(e.Text()) == 0 {
			err = fmt.Errorf("hash %q is empty", e.Key())
		}
		if kindOf(e) == Hash && err == nil {
			err = checkHash(ks, e)
		}
	})
	if err == nil {
		err = checkListed(ks)
	}
	if err == nil && (dues != ks.due.len() || seconds != ks.due.seconds) {
		err = fmt.Errorf("%d deadlines of %d s, the index counts %d of %d s", dues, seconds, ks.due.len(), ks.due.seconds)
	}
	return err
}

func (s *Store) checkTable(tab *table.Table) error {
	if err := tab.Check(); err != nil {
		return err
	}
	var err error
	published := s.published.Load()
	eachRaw(tab, func(e *table.Entry) {
		switch {
		case e.Kind() == table.Tombstone:
			err = fmt.Errorf("tombstone of %q is left behind", e.Key())
		case e.Version() > published:
			err = fmt.Errorf("%q has version %d, published is %d", e.Key(), e.Version(), published)
		}
	})
	return err
}

// eachRaw walks tab, tombstones included.
func eachRaw(tab *table.Table, fn func(*table.Entry)) {
	for pos := uint64(0); ; {
		_, last := tab.Chunk(pos, func(e *table.Entry) bool { fn(e); return true })
		if pos = last + 1; pos == 0 {
			return
		}
	}
}

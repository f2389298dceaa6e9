package store

import (
	"fmt"

	"github.com/understudy-go/understudy/store/internal/table"
)

// checkHash reports a hash that is not indexed by the deadlines that its fields have.
func checkHash(ks *keyspace, e *table.Entry) error {
	earliest, n := int64(0), 0
	x := exec{mode: writing}
	for f := range x.datedFields(e) {
		if f.due < 0 {
			return fmt.Errorf("field %q of %q has the deadline %d", f.name, e.Key(), f.due)
		}
		if f.due != 0 {
			n++
			if earliest == 0 || f.due < earliest {
				earliest = f.due
			}
		}
	}
	switch e.Kind() {
	case table.DatedHash:
		if at := earliestOf(e.Text()); at != earliest {
			return fmt.Errorf("hash %q says %d is its earliest deadline, it is %d", e.Key(), at, earliest)
		}
	case table.BigHash:
		if err := checkDues(ks, e, earliest, n); err != nil {
			return fmt.Errorf("hash %q: %w", e.Key(), err)
		}
	}
	if earliest == 0 {
		return nil
	}
	if got, ok := ks.hashes.tree.Get(due{earliest, e}); !ok || got.e != e {
		return fmt.Errorf("hash %q is not in the index, or as another entry", e.Key())
	}
	return nil
}

// checkDues reports whether the index of a large hash has its n fields with deadlines, and
// those alone.
func checkDues(ks *keyspace, e *table.Entry, earliest int64, n int) (err error) {
	d := duesOf(e.Fields())
	if d == nil {
		if n > 0 {
			err = fmt.Errorf("%d deadlines, and no index", n)
		}
		return err
	}
	if d.home != &ks.hashes || d.hash != e || d.at != earliest || d.len() != n {
		return fmt.Errorf("%d deadlines from %d on, the index has %d, is listed at %d, elsewhere: %v, as another: %v",
			n, earliest, d.len(), d.at, d.home != &ks.hashes, d.hash != e)
	}
	eachRaw(e.Fields(), func(f *table.Entry) {
		if f.Deadline() != 0 {
			if got, ok := d.tree.Get(due{f.Deadline(), f}); !ok || got.e != f {
				err = fmt.Errorf("field %q is not in the index, or as another entry", f.Key())
			}
		}
	})
	return err
}

// checkListed reports what the index of hashes has too much.
func checkListed(ks *keyspace) (err error) {
	if ks.hashes.tree == nil {
		return nil
	}
	ks.hashes.tree.Ascend(func(d due) bool {
		if e := ks.tab.Find(ks.tab.Hash(d.e.Key()), d.e.Key()); e != d.e {
			err = fmt.Errorf("the index of hashes has %q, which is not there any more", d.e.Key())
		}
		return err == nil
	})
	return err
}

package store

import "github.com/understudy-go/understudy/store/internal/table"

// Fields with a deadline are indexed in two steps: a database has its hashes by their
// earliest deadline, and a large hash has its fields by theirs. So the next field to expire
// is found in O(log n), and a hash of a million fields moves to another key, or another
// database, as one item. Both are exact, and kept on replicas too.
//
// A small hash needs no index of its own: its entry tells the earliest deadline, and every
// change of it makes a new entry. A large one changes in place, so its index follows: it
// knows where it is listed, and lists itself anew when its earliest deadline is another.

// fieldDues are the fields of a large hash that have a deadline. It stands beside the
// table of the fields, from the first deadline on. The writer's.
type fieldDues struct {
	dueIndex

	home *dueIndex    // of the database that has the hash; nil: of none
	hash *table.Entry // as it stands there
	at   int64        // under which it is listed there; 0: it is not
}

// duesOf is what stands beside a table of fields, nil if no field has had a deadline.
func duesOf(fields *table.Table) *fieldDues {
	d, _ := fields.Beside().(*fieldDues)
	return d
}

// replaceField follows the step of a field, or of another element, from entry old to e;
// either may be nil.
func replaceField(fields *table.Table, old, e *table.Entry) {
	if deadlineOf(old) == 0 && deadlineOf(e) == 0 {
		return
	}
	d := duesOf(fields)
	if d == nil {
		d = &fieldDues{}
		fields.SetBeside(d)
	}
	d.replace(old, e)
	d.relist()
}

// relist makes the database find the hash by its earliest deadline, if it has the hash.
func (d *fieldDues) relist() {
	is := d.min().at
	if d.home == nil || is == d.at {
		return
	}
	d.home.move(d.at, d.hash, is, d.hash)
	d.at = is
}

// replaceHash follows the step of a key from entry old to e into the index of hashes.
func (ks *keyspace) replaceHash(old, e *table.Entry) {
	ks.unlist(old)
	ks.list(e)
}

func (ks *keyspace) unlist(e *table.Entry) {
	switch {
	case e == nil:
	case e.Kind() == table.DatedHash:
		ks.hashes.move(earliestOf(e.Text()), e, 0, nil)
	case e.Kind() == table.BigHash:
		if d := duesOf(e.Fields()); d != nil && d.home == &ks.hashes {
			ks.hashes.move(d.at, e, 0, nil)
			d.home, d.hash, d.at = nil, nil, 0
		}
	}
}

func (ks *keyspace) list(e *table.Entry) {
	switch {
	case e == nil:
	case e.Kind() == table.DatedHash:
		ks.hashes.move(0, nil, earliestOf(e.Text()), e)
	case e.Kind() == table.BigHash:
		if d := duesOf(e.Fields()); d != nil {
			d.home, d.hash = &ks.hashes, e
			d.relist()
		}
	}
}

// dated makes sure that the index of r's large hash, in which a field is about to get a
// deadline, knows its database.
func (c *commit) dated(r ref) {
	fields := r.e.Fields()
	if duesOf(fields) == nil {
		fields.SetBeside(&fieldDues{home: &r.ks.hashes, hash: r.e})
	}
}

package rdb

import (
	"encoding/binary"
	"errors"
)

var (
	errOldDeadlines = errors.New("rdb: deadlines of fields need version 12 or newer")
	errNoDeadlines  = errors.New("rdb: a field with a deadline in a hash that was begun without, or one before the earliest")
)

// HoldsFieldDeadlines reports whether BeginDatedHash can be called: whether the version that is written has a form for
// deadlines of fields. If not, it is the caller who says what becomes of them: nothing here drops them unasked. A primary
// sends them behind the file, as commands.
func (e *Encoder) HoldsFieldDeadlines() bool { return e.version >= deadlinesVersion }

// BeginDatedHash is BeginHash for a hash in which fields have deadlines; n calls of DatedField must follow. earliest is the
// earliest of these deadlines, and at least 1. It is an error in a version below 12: see HoldsFieldDeadlines.
// Valkey's form has no room for the earliest; it must be right all the same.
//
// Servers drop fields whose deadline has passed when they load a file as a primary, not as a replica.
func (e *Encoder) BeginDatedHash(key string, n int, earliest, deadline int64) error {
	switch {
	case n < 1:
		return e.fail(errEmpty)
	case !e.HoldsFieldDeadlines():
		return e.fail(errOldDeadlines)
	case earliest < 1:
		return e.fail(errNoDeadlines)
	}
	if e.version >= minValkeyVersion {
		if err := e.beginCollection(Hash, typeHash2, key, n, deadline); err != nil {
			return err
		}
		e.earliest = earliest
		return nil
	}
	if e.begin() {
		e.head(typeHashMetadata, key, deadline)
		e.buf = binary.LittleEndian.AppendUint64(e.buf, uint64(earliest))
		e.room(maxHead)
		e.buf = appendLength(e.buf, uint64(n))
		e.open, e.left, e.earliest = Hash, n, earliest
	}
	return e.err
}

// DatedField writes the next pair of the hash that BeginDatedHash began, in any order. deadline is Unix time in
// milliseconds, not before the earliest that was announced, or 0 for a field without one. In a hash that BeginHash began it
// must be 0.
func (e *Encoder) DatedField(field, value string, deadline int64) error {
	if deadline != 0 && (e.earliest == 0 || deadline < e.earliest) {
		return e.fail(errNoDeadlines)
	}
	if e.part(Hash, Hash) {
		valkey := e.version >= minValkeyVersion
		if e.earliest != 0 && !valkey {
			e.distance(deadline)
		}
		e.text(field)
		e.text(value)
		if e.earliest != 0 && valkey {
			e.instant(deadline)
		}
	}
	return e.err
}

// instant writes a deadline as Valkey does, -1 for none.
func (e *Encoder) instant(deadline int64) {
	if deadline == 0 {
		deadline = -1
	}
	e.room(maxHead)
	e.buf = binary.LittleEndian.AppendUint64(e.buf, uint64(deadline))
}

// distance writes how far a deadline is from the earliest, 1 for that itself; 0 is none.
func (e *Encoder) distance(deadline int64) {
	n := uint64(0)
	if deadline != 0 {
		n = uint64(deadline-e.earliest) + 1
	}
	e.room(maxHead)
	e.buf = appendLength(e.buf, n)
}

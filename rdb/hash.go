package rdb

import (
	"errors"
	"math"
)

var (
	errOddCount = errors.New("has a field without a value")
	errDeadline = errors.New("has a deadline that is none")
	errNotHash  = errors.New("rdb: Field called where no hash and no entry of a stream is being read")
)

// Three types hold deadlines of fields, in Unix milliseconds:
//
//	24  earliest deadline (8 bytes, low byte first), length, then each: distance (a length), field, value
//	25  earliest deadline, listpack of field, value, deadline; in the order of their deadlines, those without one last
//	22  length, then each: field, value, deadline (8 bytes, signed): Valkey alone, see dialect.go
//
// A distance is 0 for "none", else 1 more than that from the earliest deadline; the third of a listpack is 0 for "none", the
// deadline of type 22 is -1. Servers write these types for hashes that had a deadline once, too.

// openDatedHash prepares for types 24 and 25. Of type 25, the bytes before the content say nothing that the fields do not
// say again.
func (d *Decoder) openDatedHash(code byte, rec *Record) error {
	at := d.in.offset()
	earliest, err := d.in.littleEndian64()
	if err == nil && earliest > math.MaxInt64 {
		err = errDeadline
	}
	if err != nil {
		return d.fail(at, "hash field deadlines", err)
	}
	d.value.earliest = int64(earliest)
	if code == typeHashMetadata {
		return d.openPlain(datedHash, "hash length", "hash field", rec)
	}
	d.value.dated = true
	return d.openCompact(compactHash, &d.value.listp, "hash listpack", rec)
}

// Field returns the next pair of the Hash key that Next returned last, in whatever order and encoding the file has them, or
// of the entry that StreamPart returned last, in its order; ok is false after the last one. A file may hold a field of a
// hash twice, Field does not look. The slices are valid until the next call of any method.
//
// A field of a hash that has a deadline is an UnsupportedError: see DatedField.
func (d *Decoder) Field() (field, value []byte, ok bool, err error) {
	at := d.in.offset()
	field, value, deadline, ok, err := d.DatedField()
	if deadline != 0 {
		return nil, nil, false, d.unsupportedValue(at, "hash field deadlines", d.value.code, d.key)
	}
	return field, value, ok, err
}

// DatedField is Field for those who keep the deadlines of fields: deadline is Unix time in milliseconds, 0 if the field has
// none. It reads hashes of every type, and the order says nothing about deadlines. Deadlines that have passed are
// returned as well: what becomes of such a field is the caller's to say.
func (d *Decoder) DatedField() (field, value []byte, deadline int64, ok bool, err error) {
	if d.err != nil {
		return nil, nil, 0, false, d.err
	}
	switch d.value.form {
	case plainHash, datedHash, valkeyHash:
		return d.plainField()
	case compactHash:
		return d.compactField()
	case templatedHash:
		field, value, ok, err = d.templatedField()
		return field, value, 0, ok, err
	case streamParts:
		field, value, ok, err = d.entryField()
		return field, value, 0, ok, err
	}
	return nil, nil, 0, false, errNotHash
}

// plainField reads a pair from the input. What is read before something else is copied out of the buffer, because that may move
// it.
func (d *Decoder) plainField() (field, value []byte, deadline int64, ok bool, err error) {
	v := &d.value
	if v.left == 0 {
		return nil, nil, 0, false, nil
	}
	if v.form == datedHash {
		if deadline, err = d.fieldDistance(); err != nil {
			return nil, nil, 0, false, err
		}
	}
	if field, err = d.stableText("hash field", &d.first); err != nil {
		return nil, nil, 0, false, err
	}
	if v.form != valkeyHash {
		value, err = d.text("hash value", &d.second)
	} else if value, err = d.stableText("hash value", &d.second); err == nil {
		deadline, err = d.fieldDeadline()
	}
	if err != nil {
		return nil, nil, 0, false, err
	}
	v.left--
	return field, value, deadline, true, nil
}

// fieldDistance reads what stands before a field of type 24, and returns the deadline.
func (d *Decoder) fieldDistance() (int64, error) {
	at := d.in.offset()
	n, err := d.in.length()
	if n == 0 || err != nil {
		return 0, d.failIf(at, "hash field deadline", err)
	}
	if n-1 > uint64(math.MaxInt64-d.value.earliest) {
		return 0, d.fail(at, "hash field deadline", errDeadline)
	}
	return max(d.value.earliest+int64(n-1), 1), nil
}

// fieldDeadline reads what stands behind a field of type 22.
func (d *Decoder) fieldDeadline() (int64, error) {
	at := d.in.offset()
	n, err := d.in.time()
	if n == -1 || err != nil {
		return 0, d.failIf(at, "hash field deadline", err)
	}
	return max(n, 1), nil
}

// compactField takes a pair, or a triple with a deadline, from the blob. Numbers need memory to be spelled in, one for the
// field and one for the value, since both are returned.
func (d *Decoder) compactField() (field, value []byte, deadline int64, ok bool, err error) {
	v := &d.value
	var e [3]element
	n := 0
	for ; n < int(v.group()); n++ {
		if e[n], ok, err = v.walk.next(); err != nil {
			return nil, nil, 0, false, d.fail(v.start, v.what, err)
		}
		if !ok {
			break
		}
	}
	switch {
	case n == 0:
		return nil, nil, 0, false, nil
	case n < int(v.group()):
		return nil, nil, 0, false, d.fail(v.start, v.what, errOddCount)
	case v.dated && (e[2].text != nil || e[2].num < 0):
		return nil, nil, 0, false, d.fail(v.start, v.what, errDeadline)
	}
	return e[0].bytes(&v.number[0]), e[1].bytes(&v.number[1]), e[2].num, true, nil
}

// entryField takes a pair of the current entry from the node of a stream.
func (d *Decoder) entryField() (name, value []byte, ok bool, err error) {
	s := &d.stream
	if !s.walking {
		return nil, nil, false, nil
	}
	n, v, ok, err := s.node.pair()
	if err != nil || !ok {
		return nil, nil, false, d.failIf(s.at, "stream node", err)
	}
	return n.bytes(&d.value.number[0]), v.bytes(&d.value.number[1]), true, nil
}

// skipPair is plainField for nobody: texts are not decompressed.
func (d *Decoder) skipPair(form valueForm) (err error) {
	at := d.in.offset()
	if form == datedHash {
		if _, err := d.in.length(); err != nil {
			return d.fail(at, "hash field deadline", err)
		}
	}
	if err = d.skipText("hash field"); err == nil {
		err = d.skipText("hash value")
	}
	if err != nil || form != valkeyHash {
		return err
	}
	at = d.in.offset()
	return d.failIf(at, "hash field deadline", d.in.skip(8))
}

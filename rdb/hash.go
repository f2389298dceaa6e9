package rdb

import "errors"

var (
	errOddCount = errors.New("has a field without a value")
	errNotHash  = errors.New("rdb: Field called where no hash is being read")
)

// openDatedHash prepares for the two types that can hold deadlines of fields. Servers write them for hashes that had a
// deadline once, too, so a hash without one is taken here. The eight bytes before the content are the earliest deadline,
// which those of type 24 count from; it says nothing that the fields do not say again.
func (d *Decoder) openDatedHash(code byte, rec *Record) error {
	at := d.in.offset()
	if _, err := d.in.take(8); err != nil {
		return d.fail(at, "hash field deadlines", err)
	}
	if code == typeHashMetadata {
		return d.openPlain(datedHash, "hash length", "hash field", rec)
	}
	d.value.dated = true
	return d.openCompact(compactHash, &d.value.listp, "hash listpack", rec)
}

// Field returns the next pair of the Hash key that Next returned last, in whatever order and encoding the file has
// them; ok is false after the last one. A file may hold a field twice, Field does not look. The slices are valid until
// the next call of any method.
//
// A field with a deadline is an UnsupportedError.
func (d *Decoder) Field() (field, value []byte, ok bool, err error) {
	if d.err != nil {
		return nil, nil, false, d.err
	}
	switch d.value.form {
	case plainHash, datedHash:
		return d.plainField()
	case compactHash:
		return d.compactField()
	}
	return nil, nil, false, errNotHash
}

// plainField reads a pair from the input. The field is copied out of the buffer, because reading the value may move it.
func (d *Decoder) plainField() (field, value []byte, ok bool, err error) {
	if d.value.left == 0 {
		return nil, nil, false, nil
	}
	if d.value.form == datedHash {
		if err := d.fieldDeadline(); err != nil {
			return nil, nil, false, err
		}
	}
	if field, err = d.stableText("hash field", &d.first); err != nil {
		return nil, nil, false, err
	}
	if value, err = d.text("hash value", &d.second); err != nil {
		return nil, nil, false, err
	}
	d.value.left--
	return field, value, true, nil
}

// fieldDeadline reads what stands before a field of type 24: 0, or 1 more than the distance to the earliest deadline.
func (d *Decoder) fieldDeadline() error {
	at := d.in.offset()
	n, err := d.in.length()
	if err != nil {
		return d.fail(at, "hash field deadline", err)
	}
	if n != 0 {
		return d.unsupportedValue(at, "hash field deadlines", typeHashMetadata, d.key)
	}
	return nil
}

// compactField takes a pair, or a triple with a deadline, from the blob. Numbers need memory to be spelled in, one for the
// field and one for the value, since both are returned.
func (d *Decoder) compactField() (field, value []byte, ok bool, err error) {
	v := &d.value
	var e [3]element
	n := 0
	for ; n < int(v.group()); n++ {
		if e[n], ok, err = v.walk.next(); err != nil {
			return nil, nil, false, d.fail(v.start, v.what, err)
		}
		if !ok {
			break
		}
	}
	switch {
	case n == 0:
		return nil, nil, false, nil
	case n < int(v.group()):
		return nil, nil, false, d.fail(v.start, v.what, errOddCount)
	case v.dated && (e[2].text != nil || e[2].num != 0):
		return nil, nil, false, d.unsupportedValue(v.start, "hash field deadlines", typeHashListpackEx, d.key)
	}
	return e[0].bytes(&v.number[0]), e[1].bytes(&v.number[1]), true, nil
}

// skipPair is plainField for nobody: texts are not decompressed, and deadlines not refused.
func (d *Decoder) skipPair(form valueForm) error {
	if form == datedHash {
		at := d.in.offset()
		if _, err := d.in.length(); err != nil {
			return d.fail(at, "hash field deadline", err)
		}
	}
	if err := d.skipText("hash field"); err != nil {
		return err
	}
	return d.skipText("hash value")
}

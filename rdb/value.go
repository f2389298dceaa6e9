package rdb

import "errors"

var errNotString = errors.New("rdb: Text called where no unread string value is next")

// form of the value that is next in the input, or being read.
type valueForm uint8

const (
	noValue     valueForm = iota // nothing is next, or it has been read
	stringValue                  // one string
	plainHash                    // left pairs of strings
	datedHash                    // the same, each after a length: 0, or a deadline
	compactHash                  // what walk has not returned yet; nothing of it is left in the input
)

// A value is the Decoder's place in the value of the current key. At most one of walk's forms is in use.
type value struct {
	form   valueForm
	left   uint64 // plainHash, datedHash: pairs that are still in the input
	walk   compact
	dated  bool  // compactHash: elements are triples, the third a deadline
	start  int64 // compactHash: file offset of the blob
	what   string
	listp  listpack
	zipl   ziplist
	zipm   zipmap
	number [2][maxNumberText]byte // texts of a numeric field and its value
}

// openValue prepares for the value of the given type, of which nothing has been read, and sets what is known of it.
func (d *Decoder) openValue(code byte, rec *Record) error {
	v := &d.value
	v.dated = false
	rec.Kind, rec.Len = Hash, -1
	switch code {
	case typeString:
		v.form = stringValue
		rec.Kind, rec.Len = String, 1
		return nil
	case typeHash:
		return d.openPlainHash(plainHash, rec)
	case typeHashZipmap:
		return d.openCompactHash(&v.zipm, "hash zipmap", rec)
	case typeHashZiplist:
		return d.openCompactHash(&v.zipl, "hash ziplist", rec)
	case typeHashListpack:
		return d.openCompactHash(&v.listp, "hash listpack", rec)
	}
	return d.openDatedHash(code, rec)
}

// Text returns the value of the String key that Next returned last. It may be called once per key; the slice is valid
// until the next call of any method.
func (d *Decoder) Text() ([]byte, error) {
	if d.err != nil {
		return nil, d.err
	}
	if d.value.form != stringValue {
		return nil, errNotString
	}
	d.value.form = noValue
	return d.text("string value", &d.first)
}

// closeValue moves the input behind the value of the current key, if the caller has not read all of it.
func (d *Decoder) closeValue() error {
	v := &d.value
	form := v.form
	v.form, v.walk = noValue, nil
	switch form {
	case stringValue:
		return d.skipText("string value")
	case plainHash, datedHash:
		for ; v.left > 0; v.left-- {
			if err := d.skipPair(form); err != nil {
				return err
			}
		}
	}
	return nil
}

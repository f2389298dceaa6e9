package rdb

import (
	"errors"
	"math"
)

var errNotString = errors.New("rdb: Text called where no unread string value is next")

// form of the value that is next in the input, or being read.
type valueForm uint8

const (
	noValue         valueForm = iota // nothing is next, or it has been read
	stringValue                      // one string
	plainHash                        // left pairs of strings
	datedHash                        // the same, each behind a length that says its deadline
	valkeyHash                       // the same, each before eight bytes that are its deadline
	compactHash                      // what walk has not returned yet; nothing of it is left in the input
	plainElements                    // left strings
	compactElements                  // as compactHash
	listNodes                        // what walk, unless it is nil, has not returned yet; then left blobs
	typedNodes                       // the same, each after a length that says what it is
	plainMembers                     // left strings, each before a score of eight bytes
	textMembers                      // left strings, each before a score in decimal
	compactMembers                   // as compactHash
	streamParts                      // what Decoder.stream says
	templatedHash                    // names are those that names has, values as in compactHash or plainHash
	moduleValue                      // tagged values, their module's number was read
)

// A value is the Decoder's place in the value of the current key. At most one of walk's forms is in use.
type value struct {
	form   valueForm
	code   byte   // its type
	left   uint64 // plain forms and nodes: how many are still in the input
	walk   compact
	dated  bool   // compactHash: elements are triples, the third a deadline
	start  int64  // file offset of walk's blob
	what   string // what walk's blob is, or a string is of those that stand one by one
	listp  listpack
	zipl   ziplist
	zipm   zipmap
	ints   intset
	number [2][maxNumberText]byte // texts of a numeric field and its value

	module   ModuleID // moduleValue
	names    template // templatedHash: those that are left
	earliest int64    // datedHash: deadline that the others are counted from
}

// openValue prepares for the value of the given type, of which nothing has been read, and sets what is known of it.
func (d *Decoder) openValue(code byte, rec *Record) error {
	v := &d.value
	v.dated, v.code = false, code
	rec.Kind, rec.Len = kindOf(code), -1
	switch code {
	case typeString:
		v.form = stringValue
		rec.Len = 1
		return nil
	case typeHash:
		return d.openPlain(plainHash, "hash length", "hash field", rec)
	case typeHashZipmap:
		return d.openCompact(compactHash, &v.zipm, "hash zipmap", rec)
	case typeHashZiplist:
		return d.openCompact(compactHash, &v.zipl, "hash ziplist", rec)
	case typeHashListpack:
		return d.openCompact(compactHash, &v.listp, "hash listpack", rec)
	case typeHash2:
		return d.openPlain(valkeyHash, "hash length", "hash field", rec)
	case typeTemplateListpack, typeTemplateArray:
		return d.openTemplated(code, rec)
	case typeHashMetadata, typeHashListpackEx:
		return d.openDatedHash(code, rec)
	case typeList:
		return d.openPlain(plainElements, "list length", "list element", rec)
	case typeListZiplist:
		return d.openCompact(compactElements, &v.zipl, "list ziplist", rec)
	case typeListQuicklist:
		return d.openNodes(listNodes)
	case typeListQuicklist2:
		return d.openNodes(typedNodes)
	case typeSet:
		return d.openPlain(plainElements, "set length", "set member", rec)
	case typeSetIntset:
		return d.openCompact(compactElements, &v.ints, "set intset", rec)
	case typeSetListpack:
		return d.openCompact(compactElements, &v.listp, "set listpack", rec)
	case typeSorted2:
		return d.openPlain(plainMembers, "sorted set length", "sorted set member", rec)
	case typeSorted:
		return d.openPlain(textMembers, "sorted set length", "sorted set member", rec)
	case typeStream, typeStream2, typeStream3, typeStream4, typeStream5:
		return d.openStream(code)
	case typeModule2:
		return d.openModule(rec)
	case typeSortedZiplist:
		return d.openCompact(compactMembers, &v.zipl, "sorted set ziplist", rec)
	}
	return d.openCompact(compactMembers, &v.listp, "sorted set listpack", rec)
}

// openPlain prepares for the parts of a value that stand in the file one by one. Their number is what the file claims: it
// bounds a loop that ends at the end of the input anyway, and nothing is allocated by it.
func (d *Decoder) openPlain(form valueForm, length, part string, rec *Record) error {
	at := d.in.offset()
	n, err := d.in.length()
	if err == nil && n > math.MaxInt64 {
		err = errBadLength
	}
	if err != nil {
		return d.fail(at, length, err)
	}
	d.value.form, d.value.left, d.value.what = form, n, part
	rec.Len = int64(n)
	return nil
}

// openCompact reads the blob of a small collection, so that its length can stand in the record. From then on nothing of
// the value is left in the input, and no method reads from there before the next record: the blob may lie in the buffer.
func (d *Decoder) openCompact(form valueForm, walk compact, what string, rec *Record) error {
	if err := d.openBlob(walk, what); err != nil {
		return err
	}
	d.value.form = form
	if n := walk.count(); n >= 0 {
		rec.Len = n / d.value.group()
	}
	return nil
}

// openBlob reads a blob and begins to walk it.
func (d *Decoder) openBlob(walk compact, what string) error {
	v := &d.value
	v.start = d.in.offset()
	blob, err := d.text(what, &d.first)
	if err != nil {
		return err
	}
	if err := walk.open(blob); err != nil {
		return d.fail(v.start, what, err)
	}
	v.walk, v.what = walk, what
	return nil
}

// group returns how many elements of a blob make one pair, member or element of the value.
func (v *value) group() int64 {
	switch {
	case v.form == compactElements:
		return 1
	case v.dated:
		return 3
	}
	return 2
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
	if form == noValue {
		return nil
	}
	v.form, v.walk = noValue, nil
	switch form {
	case stringValue:
		return d.skipText("string value")
	case plainHash, datedHash, valkeyHash:
		for ; v.left > 0; v.left-- {
			if err := d.skipPair(form); err != nil {
				return err
			}
		}
	case plainElements, plainMembers, textMembers:
		for ; v.left > 0; v.left-- {
			if err := d.skipMember(form); err != nil {
				return err
			}
		}
	case listNodes, typedNodes:
		return d.skipNodes(form)
	case streamParts:
		return d.skipStream()
	case templatedHash:
		return d.skipTemplated()
	case moduleValue:
		return d.skipModule()
	}
	return nil
}

package rdb

import (
	"errors"
)

// Redis 8.10 can store the names of a hash's fields once for many hashes, as a template. In a file it comes before the keys:
//
//	242 id length name*
//
// and hashes that have it are of one of two types, with as many values as the template has names, in the same order:
//
//	30  listpack of id and values
//	32  id, values
//
// Payloads of DUMP have other types for the same, with the names in them; these are not read.

// templates are the templates of a file. All names of one stand in one slice, each behind its length: so they take the memory
// of their bytes, however short they are.
type templates struct {
	byID map[uint64]template
	size int // memory that they take, about
}

// templateSize is what a template takes beside its names.
const templateSize = 100

type template struct {
	names []byte
	count uint64
}

var (
	errNoNames       = errors.New("has no names")
	errTemplateTwice = errors.New("was there already")
	errNoTemplate    = errors.New("refers to a template that the file does not have")
	errTemplateCount = errors.New("does not have as many values as its template has names")
)

// template reads a template. It concerns nobody but the hashes that refer to it. All of a file may take as much memory as
// one string.
func (d *Decoder) template(at int64) error {
	id, err := d.in.length()
	var t template
	if err == nil {
		t.count, err = d.in.count()
	}
	all := &d.templates
	switch _, twice := all.byID[id]; {
	case err != nil:
	case twice:
		err = errTemplateTwice
	case t.count == 0:
		err = errNoNames
	}
	if err != nil {
		return d.fail(at, "hash template", err)
	}
	all.size += templateSize
	for range t.count {
		name, err := d.text("hash template", &d.first)
		if err != nil {
			return err
		}
		if all.size += len(name) + 1; all.size > d.maxString {
			return d.fail(at, "hash template", d.tooLarge(uint64(all.size)))
		}
		t.names = append(appendLength(t.names, uint64(len(name))), name...)
	}
	if all.byID == nil {
		all.byID = map[uint64]template{}
	}
	all.byID[id] = t
	return nil
}

// take removes the first name.
func (t *template) take() []byte {
	s := source{buf: t.names, end: len(t.names)}
	n, _ := s.length()
	p, _ := s.take(int(n))
	t.names = t.names[s.pos:]
	t.count--
	return p
}

// openTemplated prepares for a hash whose names are those of a template.
func (d *Decoder) openTemplated(code byte, rec *Record) (err error) {
	at := d.in.offset()
	var id uint64
	if code == typeTemplateListpack {
		if err := d.openBlob(&d.value.listp, "hash listpack"); err != nil {
			return err
		}
		id, err = d.value.listp.templateID()
	} else {
		d.value.what = "hash value"
		id, err = d.in.length()
	}
	t, ok := d.templates.byID[id]
	if err == nil && !ok {
		err = errNoTemplate
	}
	if err != nil {
		return d.fail(at, "hash by a template", err)
	}
	d.value.form, d.value.names = templatedHash, t
	rec.Len = int64(t.count)
	return nil
}

// templateID takes the first element, a number of any size.
func (l *listpack) templateID() (uint64, error) {
	e, ok, err := l.next()
	if err == nil && (!ok || e.text != nil || e.num < 0) {
		err = errNoTemplate
	}
	return uint64(e.num), err
}

// templatedField takes the next name, and its value from the blob or the input.
func (d *Decoder) templatedField() (field, value []byte, ok bool, err error) {
	v := &d.value
	if v.code == typeTemplateListpack {
		e, more, err := v.listp.next()
		if err == nil && more != (v.names.count > 0) {
			err = errTemplateCount
		}
		if err != nil || !more {
			return nil, nil, false, d.failIf(v.start, v.what, err)
		}
		return v.names.take(), e.bytes(&v.number[1]), true, nil
	}
	if v.names.count == 0 {
		return nil, nil, false, nil
	}
	if value, err = d.text(v.what, &d.first); err != nil {
		return nil, nil, false, err
	}
	return v.names.take(), value, true, nil
}

// skipTemplated moves the input behind the values that were not read.
func (d *Decoder) skipTemplated() error {
	if d.value.code == typeTemplateListpack {
		return nil
	}
	for ; d.value.names.count > 0; d.value.names.count-- {
		if err := d.skipText("hash value"); err != nil {
			return err
		}
	}
	return nil
}

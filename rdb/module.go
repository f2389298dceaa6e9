package rdb

import (
	"errors"
	"strings"
)

// The value of a module is the module's number, then values with a tag before each, then the tag 0: so a reader without the
// module can find the end.
//
//	1  signed     a length, whose bits are the number's
//	2  unsigned   a length
//	3  float      4 bytes
//	4  double     8 bytes
//	5  string     a text
//
// The number is the type's name in its upper 54 bits, nine characters of six bits each, and in the lower ten the version of
// the module's own encoding. What a module stores outside of keys, and about keys, has the same form.
const (
	moduleEOF      = 0
	moduleSigned   = 1
	moduleUnsigned = 2
	moduleFloat    = 3
	moduleDouble   = 4
	moduleString   = 5
)

const moduleCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

var (
	errModuleTag = errors.New("unknown tag in the data of a module")
	errNotModule = errors.New("rdb: Module called where no unread value of a module is next")
	errOpaque    = errors.New("rdb: not the value of a module as Decoder.Module returns it")
)

// A ModuleID is the number of a type that a module defines: its name, and the version of its encoding.
type ModuleID uint64

// Name is the type's name, nine characters: what the command TYPE replies.
func (id ModuleID) Name() string {
	var name [9]byte
	n := uint64(id) >> 10
	for i := len(name) - 1; i >= 0; i-- {
		name[i] = moduleCharacters[n&63]
		n >>= 6
	}
	return string(name[:])
}

// Version is that of the encoding, 0 to 1023; the module alone knows what it means.
func (id ModuleID) Version() int { return int(id & 1023) }

func (id ModuleID) String() string { return id.Name() }

// openModule reads the number of the module, which the record states.
func (d *Decoder) openModule(rec *Record) error {
	at := d.in.offset()
	id, err := d.in.length()
	if err != nil {
		return d.fail(at, "module number", err)
	}
	rec.Module, d.value.module = ModuleID(id), ModuleID(id)
	rec.Len = 1
	d.value.form, d.value.start = moduleValue, at
	return nil
}

// Module returns the value of the Module key that Next returned last, as the bytes that stand in the file, from the
// module's number to the end mark: for Encoder.Module, and for nothing else, since what they mean is the module's secret. It may
// be called once per key. Their number is limited by DecoderOptions.MaxString; the slice is valid until the next call of any
// method.
func (d *Decoder) Module() (value []byte, err error) {
	if d.err != nil {
		return nil, d.err
	}
	if d.value.form != moduleValue {
		return nil, errNotModule
	}
	d.value.form = noValue
	d.in.capture(appendLength(d.first[:0], uint64(d.value.module)), d.maxString)
	err = d.skipModule()
	d.first = d.in.captured()
	return d.first, err
}

// skipModule moves the input behind the value of a module, whose number was read.
func (d *Decoder) skipModule() error {
	return d.moduleData(d.value.start, "")
}

// moduleAux skips what a module has to say on no key in particular.
func (d *Decoder) moduleAux(at int64) error {
	if _, err := d.in.length(); err != nil {
		return d.fail(at, "module data", err)
	}
	return d.moduleData(at, "module data")
}

// moduleData moves the input behind values with tags, which belong to what begins at offset at: the value of a key, if what
// is "".
func (d *Decoder) moduleData(at int64, what string) error {
	for {
		tag, err := d.in.length()
		if err == nil && tag == moduleEOF {
			return nil
		}
		if err == nil {
			err = d.moduleItem(tag)
		}
		switch {
		case d.err != nil:
			return d.err
		case err != nil && what == "":
			return d.fail(at, "value of the module "+d.value.module.Name(), err)
		case err != nil:
			return d.fail(at, what, err)
		}
	}
}

// moduleItem moves the input behind what stands behind a tag.
func (d *Decoder) moduleItem(tag uint64) error {
	switch tag {
	case moduleSigned, moduleUnsigned:
		_, err := d.in.lengthOrMark()
		if err == nil {
			err = d.in.skip(0) // so that what is captured stays within its limit
		}
		return err
	case moduleFloat:
		return d.in.skip(4)
	case moduleDouble:
		return d.in.skip(8)
	case moduleString:
		return d.skipText("module string")
	}
	return errModuleTag
}

// ModuleOf returns the number of the module that a value as Decoder.Module returns it begins with; ok is false if it does not
// begin with one.
func ModuleOf(value string) (id ModuleID, ok bool) {
	head := []byte(value[:min(len(value), maxHead)])
	s := source{r: strings.NewReader(""), buf: head, end: len(head)}
	n, err := s.length()
	return ModuleID(n), err == nil
}

// Module writes a key that holds the value of a module, which a Decoder's Module returned. The deadline is Unix time in
// milliseconds, 0 for none. Servers load it if they have the module, and else refuse the file.
func (e *Encoder) Module(key string, value string, deadline int64) error {
	if len(value) < 2 {
		return e.fail(errOpaque)
	}
	if e.begin() {
		e.head(typeModule2, key, deadline)
		write(e, value)
	}
	return e.err
}

package rdb

import "errors"

// A list is strings one by one, one ziplist, or a sequence of nodes: each a blob as text of the file. In the newer form of
// nodes a length before each says what it is:
//
//	1   plain: the text is one element, one that is too long for a listpack
//	2   packed: the text is a listpack
//
// A set is strings one by one, or one listpack or intset.
const (
	nodePlain  = 1
	nodePacked = 2
)

var (
	errNotElements = errors.New("rdb: Element called where no list or set is being read")
	errNodeType    = errors.New("unknown container")
	errNodeEmpty   = errors.New("has no bytes")
)

// openNodes prepares for a list in nodes. How many elements they hold is not known before they are read.
func (d *Decoder) openNodes(form valueForm) error {
	var rec Record // the length of the file is that of nodes
	return d.openPlain(form, "list length", "list node", &rec)
}

// Element returns the next element of the List or Set key that Next returned last, those of a list in their order; ok is
// false after the last one. A file may hold a member of a set twice, Element does not look. The slice is valid until the
// next call of any method.
func (d *Decoder) Element() (v []byte, ok bool, err error) {
	if d.err != nil {
		return nil, false, d.err
	}
	switch d.value.form {
	case plainElements:
		return d.plainElement()
	case compactElements:
		return d.compactElement()
	case listNodes, typedNodes:
		return d.nodeElement()
	}
	return nil, false, errNotElements
}

func (d *Decoder) plainElement() (v []byte, ok bool, err error) {
	if d.value.left == 0 {
		return nil, false, nil
	}
	if v, err = d.text(d.value.what, &d.first); err != nil {
		return nil, false, err
	}
	d.value.left--
	return v, true, nil
}

// compactElement takes an element from the blob.
func (d *Decoder) compactElement() (v []byte, ok bool, err error) {
	e, ok, err := d.value.walk.next()
	switch {
	case err != nil:
		return nil, false, d.fail(d.value.start, d.value.what, err)
	case !ok:
		return nil, false, nil
	}
	return e.bytes(&d.value.number[0]), true, nil
}

// nodeElement takes an element from the node at hand, or from the first one behind it that has any.
func (d *Decoder) nodeElement() (p []byte, ok bool, err error) {
	v := &d.value
	for {
		if v.walk != nil {
			if p, ok, err = d.compactElement(); ok || err != nil {
				return p, ok, err
			}
			v.walk = nil
		}
		if v.left == 0 {
			return nil, false, nil
		}
		v.left--
		if p, ok, err = d.node(); ok || err != nil {
			return p, ok, err
		}
	}
}

// node reads a node. One that is a blob is ready to be walked then; any other is returned, with ok.
func (d *Decoder) node() (p []byte, ok bool, err error) {
	if d.value.form == listNodes {
		return nil, false, d.openBlob(&d.value.zipl, "list ziplist")
	}
	at := d.in.offset()
	container, err := d.in.length()
	switch {
	case err != nil:
	case container == nodePacked:
		return nil, false, d.openBlob(&d.value.listp, "list listpack")
	case container != nodePlain:
		err = errNodeType
	}
	if err != nil {
		return nil, false, d.fail(at, "list node", err)
	}
	at = d.in.offset()
	if p, err = d.text("list node", &d.first); err != nil {
		return nil, false, err
	}
	if len(p) == 0 {
		return nil, false, d.fail(at, "list node", errNodeEmpty)
	}
	return p, true, nil
}

// skipNodes moves the input behind the nodes that were not read.
func (d *Decoder) skipNodes(form valueForm) error {
	for v := &d.value; v.left > 0; v.left-- {
		at := d.in.offset()
		if form == typedNodes {
			if _, err := d.in.length(); err != nil {
				return d.fail(at, "list node", err)
			}
		}
		if err := d.skipText("list node"); err != nil {
			return err
		}
	}
	return nil
}

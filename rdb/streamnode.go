package rdb

import "errors"

// A streamNode is a walk over one node of a stream: a listpack that holds some entries, each as a difference to the first,
// and with the names of its fields left out where they are those of the first.
//
//	count deleted                   entries that are there, and that are marked as deleted
//	n name*                         the names of the first entry's fields
//	0
//	per entry:
//	    flags                       bit 0: deleted; bit 1: the names are the node's
//	    ms seq                      to be added to the node's ID
//	    value*                      bit 1: n of them
//	    n {name value}*             otherwise
//	    back                        how many elements the entry has before this one
//
// Nothing of a node is copied: names is where the node's own begin, own where the current entry's next one is.
type streamNode struct {
	elements   listpack
	names, own listpack
	nameCount  int64
	base       StreamID
	live, dead int64 // entries that are still to come

	fields int64 // pairs of the current entry that were not read
	same   bool  // the names of the current entry are the node's
	back   int64 // what the element behind the current entry must say
	within bool  // there is a current entry
}

const (
	entryDeleted   = 1
	entrySameNames = 2
)

var (
	errNodeNumber = errors.New("has text, or nothing, where a number belongs")
	errNodeText   = errors.New("has less elements than its entries")
	errNodeCount  = errors.New("does not state as many entries as it has")
	errNodeNames  = errors.New("has names without an end")
	errNodeBack   = errors.New("has a wrong count behind an entry")
)

// open reads what comes before the entries of a node with that ID.
func (n *streamNode) open(id StreamID, blob []byte) error {
	*n = streamNode{base: id}
	if err := n.elements.open(blob); err != nil {
		return err
	}
	var err error
	for _, p := range []*int64{&n.live, &n.dead, &n.nameCount} {
		if *p, err = n.size(); err != nil {
			return err
		}
	}
	n.names = n.elements
	if err := n.pass(n.nameCount); err != nil {
		return err
	}
	switch zero, err := n.number(); {
	case err != nil:
		return err
	case zero != 0:
		return errNodeNames
	}
	return nil
}

// next returns the ID of the next entry that is not deleted and the number of its pairs; ok is false after the last.
func (n *streamNode) next() (id StreamID, pairs int64, ok bool, err error) {
	for {
		if err := n.leave(); err != nil {
			return id, 0, false, err
		}
		if n.elements.pos == len(n.elements.blob)-1 {
			return id, 0, false, n.end()
		}
		id, flags, err := n.enter()
		switch {
		case err != nil:
			return id, 0, false, err
		case flags&entryDeleted != 0:
			n.dead--
		default:
			n.live--
			return id, n.fields, true, nil
		}
	}
}

// end checks that the node held what it said.
func (n *streamNode) end() error {
	_, _, err := n.elements.next()
	if err == nil && (n.live != 0 || n.dead != 0) {
		err = errNodeCount
	}
	return err
}

// enter reads an entry as far as its pairs.
func (n *streamNode) enter() (id StreamID, flags int64, err error) {
	var ms, seq int64
	for _, p := range []*int64{&flags, &ms, &seq} {
		if *p, err = n.number(); err != nil {
			return id, 0, err
		}
	}
	id = StreamID{n.base.Ms + uint64(ms), n.base.Seq + uint64(seq)}
	n.within, n.same = true, flags&entrySameNames != 0
	if n.same {
		n.own, n.fields = n.names, n.nameCount
		n.back = n.fields + 3
		return id, flags, nil
	}
	if n.fields, err = n.size(); err != nil {
		return id, 0, err
	}
	n.back = 2*n.fields + 4
	return id, flags, nil
}

// leave moves behind the current entry, if there is one.
func (n *streamNode) leave() error {
	if !n.within {
		return nil
	}
	left := n.fields
	if !n.same {
		left *= 2
	}
	if err := n.pass(left); err != nil {
		return err
	}
	n.within, n.fields = false, 0
	back, err := n.number()
	if err == nil && back != n.back {
		err = errNodeBack
	}
	return err
}

// pair returns the next name and value of the current entry.
func (n *streamNode) pair() (name, value element, ok bool, err error) {
	if n.fields == 0 {
		return name, value, false, nil
	}
	n.fields--
	from := &n.elements
	if n.same {
		from = &n.own
	}
	if name, ok, err = from.next(); ok {
		value, ok, err = n.elements.next()
	}
	if err == nil && !ok {
		err = errNodeText
	}
	return name, value, ok, err
}

// pass moves behind that many elements.
func (n *streamNode) pass(elements int64) error {
	for ; elements > 0; elements-- {
		if _, ok, err := n.elements.next(); err != nil {
			return err
		} else if !ok {
			return errNodeText
		}
	}
	return nil
}

// number reads an element that is a number.
func (n *streamNode) number() (int64, error) {
	e, ok, err := n.elements.next()
	if err == nil && (!ok || e.text != nil) {
		err = errNodeNumber
	}
	return e.num, err
}

// size reads a number of things that are in the node. None takes less than two bytes, so a greater number is wrong: loops
// and sums need not fear it.
func (n *streamNode) size() (int64, error) {
	size, err := n.number()
	if err == nil && (size < 0 || size > int64(len(n.elements.blob))) {
		err = errNodeCount
	}
	return size, err
}

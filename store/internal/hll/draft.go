package hll

import (
	"encoding/binary"
	"slices"
)

// A Draft is a Value that is being changed. The bytes that it was made of stay as they
// are: it copies them before its first change.
type Draft struct {
	Value
	owned bool
}

// New is an empty one: one run of all registers.
func New() *Draft {
	b := make([]byte, headerSize, 64)
	copy(b, magic[:])
	b[4] = sparse
	return &Draft{appendOp(b, 0, maxXZero), true}
}

// Edit begins a draft of v.
func Edit(v Value) *Draft { return &Draft{v, false} }

func (d *Draft) own() {
	if !d.owned {
		d.Value, d.owned = slices.Clone(d.Value), true
	}
}

// Add counts an element and reports whether that changed a register.
func (d *Draft) Add(element []byte) (changed bool, err error) { return d.raise(place(element)) }

// raise makes rank the rank of register i unless that has a higher one.
func (d *Draft) raise(i int, rank uint8) (changed bool, err error) {
	if !d.Dense() {
		changed, fits, err := d.setSparse(i, rank)
		if fits || err != nil {
			return changed, err
		}
		if err := d.MakeDense(); err != nil {
			return false, err
		}
	}
	if denseRank(d.body(), i) >= rank {
		return false, nil
	}
	d.own()
	setDenseRank(d.body(), i, rank)
	return true, nil
}

// RaiseAll raises each register to the rank that it has in r.
func (d *Draft) RaiseAll(r *Ranks) error {
	was, err := d.Ranks() // finding one in the sparse form takes longer than all
	if err != nil {
		return err
	}
	for i, rank := range r {
		if rank <= was[i] {
			continue
		}
		if _, err := d.raise(i, rank); err != nil {
			return err
		}
	}
	return nil
}

// MakeDense goes over to the dense form, if d is not in it.
func (d *Draft) MakeDense() error {
	if d.Dense() {
		return nil
	}
	var r Ranks
	if err := d.Merge(&r); err != nil {
		return err
	}
	b := make([]byte, denseSize)
	copy(b, d.Value[:headerSize])
	b[4] = dense
	for i, rank := range r {
		if rank > 0 {
			setDenseRank(b[headerSize:], i, rank)
		}
	}
	d.Value, d.owned = b, true
	return nil
}

// SetStale notes that the cardinality in the header is no longer true.
func (d *Draft) SetStale() {
	d.own()
	d.Value[headerSize-1] |= staleBit
}

// SetCached puts the cardinality into the header.
func (d *Draft) SetCached(n uint64) {
	d.own()
	binary.LittleEndian.PutUint64(d.Value[8:], n)
}

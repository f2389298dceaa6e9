package rdb

import (
	"encoding/binary"
	"errors"
)

// Opcodes that only some servers write: what they mean depends on the dialect.
const (
	opTemplate    = 242 // Redis 8.10: see template.go
	opKeyMeta     = 243 // Redis 8.6 and newer: what modules store about the key that follows
	opSlotImport  = 243 // Valkey 9.0 and newer: slots of a cluster that are being imported
	opMask        = 220 // Dragonfly: properties of the key that follows
	maskSticky    = 1   // it is never evicted
	maskMemcached = 2   // it has flags that only clients of memcached see
)

// slotCount is the number of slots of a cluster.
const slotCount = 16384

// remarkSubexpire is the remark by which KeyDB puts a deadline on a part of the key before it.
const remarkSubexpire = "keydb-subexpire-key"

var (
	errSlots    = errors.New("invalid range of slots")
	errKeyMeta  = errors.New("names no class")
	errBadRange = errors.New("more ranges than slots")
)

// A SlotRange is slots of a cluster, from first to last.
type SlotRange struct{ First, Last uint16 }

// dialectRecord is record for the opcodes that only some servers write. known is false if code is none of them.
func (d *Decoder) dialectRecord(at int64, code byte, rec *Record) (known bool, err error) {
	switch {
	case code == opKeyMeta && d.dialect == Redis && d.version >= keyMetaVersion:
		return true, d.keyMeta(at)
	case code == opTemplate && d.dialect == Redis && d.version >= templateVersion:
		return true, d.template(at)
	case code == opSlotImport && d.dialect == Valkey:
		return true, d.slotImport(at, rec)
	case code == opMask && d.dialect == Dragonfly:
		return true, d.mask(at)
	}
	return false, nil
}

// keyMeta reads what modules store about the key that follows: classes, each with four bytes that name it and values with
// tags as in module.go. It is handed out unread.
func (d *Decoder) keyMeta(at int64) error {
	d.in.capture(d.meta[:0], d.maxString)
	err := d.keyClasses(at)
	d.meta = d.in.captured()
	d.hints.meta = true
	return err
}

// KeyMeta returns what modules have stored about the key that Next returned last: the bytes that stand in the file, whose meaning is
// the modules' secret. nil if there is nothing, which Record.Meta says. Whoever passes over it loses something. Valid until
// the next call of Next.
func (d *Decoder) KeyMeta() []byte {
	if !d.described {
		return nil
	}
	return d.meta
}

// Slots returns the slots of the OpSlotImport that Next returned last. Valid until the next call of Next.
func (d *Decoder) Slots() []SlotRange { return d.slots }

func (d *Decoder) keyClasses(at int64) error {
	n, err := d.in.length()
	if err == nil && n == 0 {
		err = errKeyMeta
	}
	for ; n > 0 && err == nil; n-- {
		if err = d.in.skip(4); err == nil {
			if err := d.moduleData(at, "metadata of a key"); err != nil {
				return err
			}
		}
	}
	return d.failIf(at, "metadata of a key", err)
}

// slotImport reads which slots are on their way to the server that wrote the file. Their keys are in it.
func (d *Decoder) slotImport(at int64, rec *Record) (err error) {
	if rec.Name, err = d.stableText("slot import", &d.first); err != nil {
		return err
	}
	n, err := d.in.length()
	if err == nil && n > slotCount {
		err = errBadRange
	}
	d.slots = d.slots[:0]
	for ; n > 0 && err == nil; n-- {
		var r SlotRange
		if r, err = d.in.slotRange(); err == nil {
			d.slots = append(d.slots, r)
		}
	}
	rec.Op = OpSlotImport
	return d.failIf(at, "slot import", err)
}

func (s *source) slotRange() (SlotRange, error) {
	first, err := s.length()
	if err != nil {
		return SlotRange{}, err
	}
	last, err := s.length()
	if err == nil && (first > last || last >= slotCount) {
		err = errSlots
	}
	return SlotRange{uint16(first), uint16(last)}, err
}

// mask passes over Dragonfly's properties of a key: none of them has a meaning to other servers.
func (d *Decoder) mask(at int64) error {
	p, err := d.in.take(4)
	if err != nil {
		return d.fail(at, "properties of a key", err)
	}
	bits := binary.LittleEndian.Uint32(p)
	if bits&^(maskSticky|maskMemcached) != 0 {
		return d.unsupported(at, "opcode 220 (unknown properties of a key)", opMask)
	}
	if bits&maskMemcached != 0 {
		err = d.in.skip(4)
	}
	return d.failIf(at, "properties of a key", err)
}

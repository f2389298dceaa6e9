package rdb

import (
	"encoding/binary"
	"errors"
	"math"
)

// A sorted set is pairs of member and score, one by one or alternating in one blob.

var (
	errNotMembers = errors.New("rdb: Member called where no sorted set is being read")
	errNotScore   = errors.New("has a score that is no number")
	errNoScore    = errors.New("has a member without a score")
)

// Member returns the next member of the SortedSet key that Next returned last, in whatever order and encoding the file
// has them; ok is false after the last one. The score may be infinite, and is never NaN. A file may hold a member twice,
// Member does not look. The slice is valid until the next call of any method.
func (d *Decoder) Member() (member []byte, score float64, ok bool, err error) {
	if d.err != nil {
		return nil, 0, false, d.err
	}
	switch d.value.form {
	case plainMembers, textMembers:
		return d.plainMember()
	case compactMembers:
		return d.compactMember()
	}
	return nil, 0, false, errNotMembers
}

// plainMember reads a pair from the input. The member is copied out of the buffer, because reading the score may move it.
func (d *Decoder) plainMember() (member []byte, score float64, ok bool, err error) {
	if d.value.left == 0 {
		return nil, 0, false, nil
	}
	if member, err = d.stableText(d.value.what, &d.first); err != nil {
		return nil, 0, false, err
	}
	at := d.in.offset()
	if d.value.form == textMembers {
		score, err = d.in.textDouble()
	} else {
		score, err = d.in.double()
	}
	if err == nil && math.IsNaN(score) {
		err = errNotScore
	}
	if err != nil {
		return nil, 0, false, d.fail(at, "sorted set score", err)
	}
	d.value.left--
	return member, score, true, nil
}

// compactMember takes a member and its score from the blob.
func (d *Decoder) compactMember() (member []byte, score float64, ok bool, err error) {
	v := &d.value
	name, ok, err := v.walk.next()
	if err != nil {
		return nil, 0, false, d.fail(v.start, v.what, err)
	}
	if !ok {
		return nil, 0, false, nil
	}
	number, ok, err := v.walk.next()
	if err == nil && !ok {
		err = errNoScore
	}
	if err == nil {
		score, err = number.score()
	}
	if err != nil {
		return nil, 0, false, d.fail(v.start, v.what, err)
	}
	return name.bytes(&v.number[0]), score, true, nil
}

// score returns the number that the element is or spells.
func (e element) score() (float64, error) {
	if e.text == nil {
		return float64(e.num), nil
	}
	return parseDouble(e.text)
}

// skipMember moves the input behind an element, or a member with its score, without looking at either.
func (d *Decoder) skipMember(form valueForm) error {
	if err := d.skipText(d.value.what); err != nil || form == plainElements {
		return err
	}
	at := d.in.offset()
	var err error
	if form == textMembers {
		_, err = d.in.decimal()
	} else {
		err = d.in.skip(8)
	}
	if err != nil {
		return d.fail(at, "sorted set score", err)
	}
	return nil
}

// double reads a number in the eight bytes of IEEE 754, low byte first.
func (s *source) double() (float64, error) {
	p, err := s.take(8)
	if err != nil {
		return 0, err
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(p)), nil
}

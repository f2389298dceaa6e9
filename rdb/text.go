package rdb

import "strconv"

// text reads a string in any of its forms. The result lies in the buffer or in *scratch; it is valid until the next
// read from the input, or the next use of scratch.
func (d *Decoder) text(what string, scratch *[]byte) ([]byte, error) {
	if p, ok := d.in.shortText(); ok {
		return p, nil
	}
	at := d.in.offset()
	n, f, err := d.in.lengthOrForm()
	var p []byte
	switch {
	case err != nil:
	case f == plain:
		p, err = d.raw(n, scratch)
	default:
		p, err = d.specialText(f, scratch)
	}
	if err != nil {
		return nil, d.fail(at, what, err)
	}
	return p, nil
}

// shortText consumes a string if it is of the commonest kind: plain, less than 64 bytes, and in the buffer.
func (s *source) shortText() ([]byte, bool) {
	if s.pos == s.end || s.buf[s.pos] >= length14 {
		return nil, false
	}
	start := s.pos + 1
	end := start + int(s.buf[s.pos])
	if end > s.end {
		return nil, false
	}
	s.pos = end
	return s.buf[start:end:end], true
}

// stableText is text whose result lies in *scratch always, and so survives reading on.
func (d *Decoder) stableText(what string, scratch *[]byte) ([]byte, error) {
	p, err := d.text(what, scratch)
	if err != nil || len(p) > bufferSize {
		return p, err // longer than the buffer: in *scratch already
	}
	*scratch = append((*scratch)[:0], p...)
	return *scratch, nil
}

// raw reads n bytes: in place if they fit in the buffer, else into *scratch.
func (d *Decoder) raw(n uint64, scratch *[]byte) ([]byte, error) {
	if n <= uint64(len(d.in.buf)) {
		return d.in.take(int(n))
	}
	if n > uint64(d.maxString) {
		return nil, d.tooLarge(n)
	}
	p, err := d.in.appendTo((*scratch)[:0], int(n))
	*scratch = p
	return p, err
}

// specialText reads a string whose header was a form instead of a length. The forms are the writer's choice, not part of
// the value: "12" is the same string, written as an integer or not.
func (d *Decoder) specialText(f form, scratch *[]byte) ([]byte, error) {
	switch f {
	case formInt8, formInt16, formInt32:
		n, err := d.in.integer(f)
		*scratch = strconv.AppendInt((*scratch)[:0], n, 10)
		return *scratch, err
	case formLZF:
		return d.lzfText(scratch)
	}
	return nil, errUnknownForm
}

// lzfText reads a compressed string: the two lengths, compressed first, then the data.
func (d *Decoder) lzfText(scratch *[]byte) ([]byte, error) {
	size, n, err := d.lzfLengths()
	if err != nil {
		return nil, err
	}
	packed, err := d.raw(size, &d.packed)
	if err != nil {
		return nil, err
	}
	*scratch, err = appendUnLZF((*scratch)[:0], packed, int(n))
	return *scratch, err
}

// lzfLengths reads both lengths, and refuses before anything is allocated what no compressed data could become.
func (d *Decoder) lzfLengths() (size, n uint64, err error) {
	if size, err = d.in.length(); err != nil {
		return 0, 0, err
	}
	if n, err = d.in.length(); err != nil {
		return 0, 0, err
	}
	switch {
	case n > uint64(d.maxString) || size > uint64(d.maxString):
		return 0, 0, d.tooLarge(max(n, size))
	case n > size*lzfMaxRatio:
		return 0, 0, errLZFRatio
	}
	return size, n, nil
}

// tooLarge is what fail completes.
func (d *Decoder) tooLarge(size uint64) error { return &TooLargeError{Size: size, Limit: d.maxString} }

// skipText moves behind a string without decompressing it. There is no limit to its length: it passes through the buffer.
func (d *Decoder) skipText(what string) error {
	at := d.in.offset()
	n, f, err := d.in.lengthOrForm()
	switch {
	case err != nil:
	case f == formLZF:
		if n, _, err = d.lzfLengths(); err == nil {
			err = d.in.skip(n)
		}
	case f == plain:
		err = d.in.skip(n)
	case f <= formInt32:
		err = d.in.skip(1 << f)
	default:
		err = errUnknownForm
	}
	if err != nil {
		return d.fail(at, what, err)
	}
	return nil
}

package rdb

import "io"

// What the tests of other packages' point of view need from inside.

// NewDecoderSize is NewDecoder with a buffer of n bytes, so that small inputs cross its edge.
func NewDecoderSize(r io.Reader, n int) *Decoder {
	d := NewDecoder(r, nil)
	d.in.buf = make([]byte, max(n, headerSize))
	return d
}

// Memory returns the bytes that d holds, apart from its buffer.
func (d *Decoder) Memory() int {
	return cap(d.key) + cap(d.first) + cap(d.second) + cap(d.packed) + cap(d.meta) + d.templates.size
}

// CRC64 returns the checksum of p as it stands in a footer.
func CRC64(p []byte) uint64 { return crcUpdate(0, p) }

// MaxRatio bounds how much longer a string may be than its compressed form.
const MaxRatio = lzfMaxRatio

// Pack and Zip build blobs of entries that are encoded already.
var Pack, Zip = pack, zip

// ValueType returns the number of the type of the key that was read last.
func (d *Decoder) ValueType() byte { return d.value.code }

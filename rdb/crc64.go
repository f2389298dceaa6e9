package rdb

import (
	"encoding/binary"
	"math/bits"
	"sync"
)

// The checksum is the CRC-64 found by David T. Jones: polynomial 0xad93d23594c935a9, bits reflected, register
// starting at 0, no final inversion. Its check value over "123456789" is 0xe9c6d914c4b8d9ca.
//
// hash/crc64 computes it too (with the inversions undone), but is fast only for its own two polynomials.
const crcPolynomial = 0xad93d23594c935a9

// crcStride is the number of bytes that one step of crcUpdate consumes; each has a table of its own.
const crcStride = 16

// crcTables returns the tables: entry [k][b] is what byte b does to the register when k more bytes follow it in the
// same step. 32 KiB, built at the first use.
var crcTables = sync.OnceValue(func() *[crcStride][256]uint64 {
	t := new([crcStride][256]uint64)
	poly := bits.Reverse64(crcPolynomial)
	for b := range t[0] {
		crc := uint64(b)
		for range 8 {
			crc = crc>>1 ^ poly&-(crc&1)
		}
		t[0][b] = crc
	}
	for k := 1; k < crcStride; k++ {
		for b, prev := range t[k-1] {
			t[k][b] = prev>>8 ^ t[0][byte(prev)]
		}
	}
	return t
})

// crcUpdate returns the checksum of what crc is the checksum of, followed by p.
//
// Sixteen look-ups of one step depend on the register only through the first eight bytes, so they run in parallel;
// byte by byte each would wait for the one before.
func crcUpdate(crc uint64, p []byte) uint64 {
	t := crcTables()
	for len(p) >= crcStride {
		lo := crc ^ binary.LittleEndian.Uint64(p)
		hi := binary.LittleEndian.Uint64(p[8:])
		crc = t[15][byte(lo)] ^ t[14][byte(lo>>8)] ^ t[13][byte(lo>>16)] ^ t[12][byte(lo>>24)] ^
			t[11][byte(lo>>32)] ^ t[10][byte(lo>>40)] ^ t[9][byte(lo>>48)] ^ t[8][lo>>56] ^
			t[7][byte(hi)] ^ t[6][byte(hi>>8)] ^ t[5][byte(hi>>16)] ^ t[4][byte(hi>>24)] ^
			t[3][byte(hi>>32)] ^ t[2][byte(hi>>40)] ^ t[1][byte(hi>>48)] ^ t[0][hi>>56]
		p = p[crcStride:]
	}
	for _, b := range p {
		crc = crc>>8 ^ t[0][byte(crc)^b]
	}
	return crc
}

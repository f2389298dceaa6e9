package hll

import (
	"encoding/binary"
	"math/bits"
)

// hashSeed is Redis's, and so part of the format.
const hashSeed = 0xadc83b19

// hash is MurmurHash64A, a public algorithm by Austin Appleby, of eight bytes at a time in
// little-endian order on every machine.
func hash(s []byte) uint64 {
	const m, r = 0xc6a4a7935bd1e995, 47
	h := hashSeed ^ uint64(len(s))*m
	for ; len(s) >= 8; s = s[8:] {
		k := binary.LittleEndian.Uint64(s) * m
		k ^= k >> r
		h = (h ^ k*m) * m
	}
	if len(s) > 0 {
		for i, b := range s {
			h ^= uint64(b) << (8 * i)
		}
		h *= m
	}
	h ^= h >> r
	h *= m
	return h ^ h>>r
}

// place is the register of an element, and the rank that it gives it: from 1 to topRank.
func place(element []byte) (index int, rank uint8) {
	h := hash(element)
	rest := h>>indexBits | 1<<rankBits // so that there is a bit that is not 0
	return int(h & (registers - 1)), uint8(1 + bits.TrailingZeros64(rest))
}

// Package xxh3 is the 64-bit variant of XXH3 without a seed, a hash that is fast and
// says nothing against somebody who looks for collisions. Servers show it as the digest
// of a string, so it has to be that very function.
//
// The algorithm and its constants are Yann Collet's; this is written from their
// published specification, and plain rather than fast: it runs at some GB a second.
package xxh3

import (
	"encoding/binary"
	"math/bits"
)

const (
	prime32a = 0x9E3779B1
	prime32b = 0x85EBCA77
	prime32c = 0xC2B2AE3D
	prime64a = 0x9E3779B185EBCA87
	prime64b = 0xC2B2AE3D27D4EB4F
	prime64c = 0x165667B19E3779F9
	prime64d = 0x85EBCA77C2B2AE63
	prime64e = 0x27D4EB2F165667C5
	primeMix = 0x165667919E3779F9
	primeRR  = 0x9FB21C651E98DF25
)

// secret is noise that everything is mixed with.
var secret = []byte("" +
	"\xb8\xfe\x6c\x39\x23\xa4\x4b\xbe\x7c\x01\x81\x2c\xf7\x21\xad\x1c" +
	"\xde\xd4\x6d\xe9\x83\x90\x97\xdb\x72\x40\xa4\xa4\xb7\xb3\x67\x1f" +
	"\xcb\x79\xe6\x4e\xcc\xc0\xe5\x78\x82\x5a\xd0\x7d\xcc\xff\x72\x21" +
	"\xb8\x08\x46\x74\xf7\x43\x24\x8e\xe0\x35\x90\xe6\x81\x3a\x26\x4c" +
	"\x3c\x28\x52\xbb\x91\xc3\x00\xcb\x88\xd0\x65\x8b\x1b\x53\x2e\xa3" +
	"\x71\x64\x48\x97\xa2\x0d\xf9\x4e\x38\x19\xef\x46\xa9\xde\xac\xd8" +
	"\xa8\xfa\x76\x3f\xe3\x9c\x34\x3f\xf9\xdc\xbb\xc7\xc7\x0b\x4f\x1d" +
	"\x8a\x51\xe0\x4b\xcd\xb4\x59\x31\xc8\x9f\x7e\xc9\xd9\x78\x73\x64" +
	"\xea\xc5\xac\x83\x34\xd3\xeb\xc3\xc5\x81\xa0\xff\xfa\x13\x63\xeb" +
	"\x17\x0d\xdd\x51\xb7\xf0\xda\x49\xd3\x16\x55\x26\x29\xd4\x68\x9e" +
	"\x2b\x16\xbe\x58\x7d\x47\xa1\xfc\x8f\xf8\xb8\xd1\x7a\xd0\x31\xce" +
	"\x45\xcb\x3a\x8f\x95\x16\x04\x28\xaf\xd7\xfb\xca\xbb\x4b\x40\x7e")

const (
	secretLen = 192
	stripe    = 64                       // bytes that go into the accumulators at once
	perBlock  = (secretLen - stripe) / 8 // stripes between two scrambles
	block     = perBlock * stripe
)

// Sum64 is the hash of b.
func Sum64(b []byte) uint64 {
	switch n := len(b); {
	case n > 240:
		return sumLong(b)
	case n > 128:
		return sum240(b)
	case n > 16:
		return sum128(b)
	case n > 8:
		return sum16(b)
	case n >= 4:
		return sum8(b)
	case n > 0:
		return sum3(b)
	}
	return avalanche64(key(56) ^ key(64))
}

func u64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

func key(at int) uint64 { return u64(secret[at:]) }

// fold multiplies to 128 bits and puts the halves one over the other.
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

func avalanche(h uint64) uint64 {
	h ^= h >> 37
	h *= primeMix
	return h ^ h>>32
}

func avalanche64(h uint64) uint64 {
	h ^= h >> 33
	h *= prime64b
	h ^= h >> 29
	h *= prime64c
	return h ^ h>>32
}

func sum3(b []byte) uint64 {
	n := len(b)
	first, middle, last := uint32(b[0]), uint32(b[n>>1]), uint32(b[n-1])
	all := first<<16 | middle<<24 | last | uint32(n)<<8
	noise := binary.LittleEndian.Uint32(secret) ^ binary.LittleEndian.Uint32(secret[4:])
	return avalanche64(uint64(all) ^ uint64(noise))
}

func sum8(b []byte) uint64 {
	n := len(b)
	first, last := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[n-4:])
	h := (uint64(last) + uint64(first)<<32) ^ key(8) ^ key(16)
	h ^= bits.RotateLeft64(h, 49) ^ bits.RotateLeft64(h, 24)
	h *= primeRR
	h ^= h>>35 + uint64(n)
	h *= primeRR
	return h ^ h>>28
}

func sum16(b []byte) uint64 {
	n := len(b)
	lo := u64(b) ^ key(24) ^ key(32)
	hi := u64(b[n-8:]) ^ key(40) ^ key(48)
	return avalanche(uint64(n) + bits.ReverseBytes64(lo) + hi + fold(lo, hi))
}

// mix takes 16 bytes of b at offset i, and 16 of the secret at offset at.
func mix(b []byte, i, at int) uint64 {
	return fold(u64(b[i:])^key(at), u64(b[i+8:])^key(at+8))
}

// sum128 takes pieces from both ends, towards the middle.
func sum128(b []byte) uint64 {
	n := len(b)
	h := uint64(n) * prime64a
	for i := (n - 1) / 32; i >= 0; i-- {
		h += mix(b, 16*i, 32*i) + mix(b, n-16*(i+1), 32*i+16)
	}
	return avalanche(h)
}

func sum240(b []byte) uint64 {
	n := len(b)
	h := uint64(n) * prime64a
	for i := range 8 {
		h += mix(b, 16*i, 16*i)
	}
	h = avalanche(h)
	for i := 8; i < n/16; i++ {
		h += mix(b, 16*i, 16*(i-8)+3)
	}
	return avalanche(h + mix(b, n-16, 136-17))
}

// accumulators are eight sums that run side by side.
type accumulators [8]uint64

func (a *accumulators) add(b []byte, at int) {
	for i := range a {
		v := u64(b[8*i:])
		k := v ^ key(at+8*i)
		a[i^1] += v
		a[i] += (k & (1<<32 - 1)) * (k >> 32)
	}
}

func (a *accumulators) scramble() {
	for i := range a {
		a[i] = (a[i] ^ a[i]>>47 ^ key(secretLen-stripe+8*i)) * prime32a
	}
}

func (a *accumulators) merge(n int) uint64 {
	h := uint64(n) * prime64a
	for i := 0; i < len(a); i += 2 {
		h += fold(a[i]^key(11+8*i), a[i+1]^key(19+8*i))
	}
	return avalanche(h)
}

func sumLong(b []byte) uint64 {
	n, end := len(b), b[len(b)-stripe:]
	a := accumulators{prime32c, prime64a, prime64b, prime64c, prime64d, prime32b, prime64e, prime32a}
	for len(b) > block { // the last block, whole or not, is not scrambled
		for i := range perBlock {
			a.add(b[stripe*i:], 8*i)
		}
		a.scramble()
		b = b[block:]
	}
	for i := range (len(b) - 1) / stripe {
		a.add(b[stripe*i:], 8*i)
	}
	a.add(end, secretLen-stripe-7)
	return a.merge(n)
}

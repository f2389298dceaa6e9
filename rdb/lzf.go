package rdb

import (
	"errors"
	"iter"
	"math"
)

// LZF is a byte-oriented compression made of two instructions:
//
//	000nnnnn            copy the n+1 bytes that follow
//	nnnooooo o          copy n+2 bytes from o+1 bytes back in the output, n in 1..6
//	111ooooo n o        the same with n+9 bytes; the offset's low byte comes last
//
// Source and destination of a copy may overlap: that is how runs are expressed.
const (
	lzfMaxLiteral = 1 << 5
	lzfMaxOffset  = 1 << 13
	lzfMaxCopy    = 9 + 255

	// lzfMaxRatio bounds what compressed data can become: three bytes yield at most lzfMaxCopy.
	lzfMaxRatio = lzfMaxCopy / 3

	lzfMinInput = 20 // strings up to this length are not worth the attempt; the same bound as Redis
	lzfMinGain  = 4  // compressed data must be smaller by this much to be used
	lzfMaxInput = 1 << 30

	lzfHashBits = 13
)

var (
	errLZFShort  = errors.New("compressed data ends within an instruction")
	errLZFOffset = errors.New("compressed data refers to before its beginning")
	errLZFLength = errors.New("compressed data has another length than stated")
	errLZFRatio  = errors.New("compressed data cannot be as long as stated")
)

// appendUnLZF decompresses src, which must yield exactly n bytes, and appends them to dst. It allocates as output
// appears, so a wrong n costs nothing.
func appendUnLZF(dst, src []byte, n int) ([]byte, error) {
	start := len(dst)
	for len(src) > 0 {
		var err error
		if src[0] < lzfMaxLiteral {
			dst, src, err = lzfLiteral(dst, src)
		} else {
			dst, src, err = lzfCopy(dst, src, start)
		}
		if err != nil {
			return dst, err
		}
		if len(dst)-start > n {
			return dst, errLZFLength
		}
	}
	if len(dst)-start != n {
		return dst, errLZFLength
	}
	return dst, nil
}

// lzfLiteral runs the first instruction, at the start of src, and returns what is left of src.
func lzfLiteral(dst, src []byte) (out, rest []byte, err error) {
	n := int(src[0]) + 1
	if len(src) <= n {
		return dst, src, errLZFShort
	}
	return append(dst, src[1:1+n]...), src[1+n:], nil
}

// lzfCopy runs one of the other two. Copies reach back to dst[start] at most: what stands before is another text.
func lzfCopy(dst, src []byte, start int) (out, rest []byte, err error) {
	n, offset := int(src[0]>>5)+2, int(src[0]&0x1f)<<8
	src = src[1:]
	if n == 9 {
		if len(src) == 0 {
			return dst, src, errLZFShort
		}
		n += int(src[0])
		src = src[1:]
	}
	if len(src) == 0 {
		return dst, src, errLZFShort
	}
	from := len(dst) - (offset | int(src[0])) - 1
	if from < start {
		return dst, src, errLZFOffset
	}
	// What is copied may be longer than what is there; each round doubles the stretch that repeats.
	for n > 0 {
		chunk := dst[from:min(from+n, len(dst))]
		dst = append(dst, chunk...)
		n -= len(chunk)
	}
	return dst, src[1:], nil
}

// An lzfWriter compresses strings, one after the other, with memory of its own.
//
// table remembers where a hash of three bytes was last seen. It is not cleared between inputs: positions are numbered
// through all of them, and those below base belong to inputs that are gone.
type lzfWriter struct {
	table [1 << lzfHashBits]uint32
	base  uint32
	in    []byte
	out   []byte
}

func newLZFWriter() *lzfWriter { return &lzfWriter{base: 1} }

// compress returns the compressed form of s, valid until the next call, or false if it would not save enough.
func (z *lzfWriter) compress(s string) ([]byte, bool) {
	if len(s) <= lzfMinInput || len(s) > lzfMaxInput {
		return nil, false
	}
	z.in = append(z.in[:0], s...)
	return z.compressIn()
}

// compressParts is compress of parts, one behind the other, of at most lzfMaxInput bytes. whole is all of them together,
// valid as long as the result.
func (z *lzfWriter) compressParts(parts iter.Seq[string]) (whole, packed []byte, ok bool) {
	z.in = z.in[:0]
	for p := range parts {
		z.in = append(z.in, p...)
	}
	if len(z.in) <= lzfMinInput {
		return z.in, nil, false
	}
	packed, ok = z.compressIn()
	return z.in, packed, ok
}

func (z *lzfWriter) compressIn() ([]byte, bool) {
	if uint64(z.base)+uint64(len(z.in)) > math.MaxUint32 {
		z.base = 1
		clear(z.table[:])
	}
	z.out = z.out[:0]
	ok := z.run(len(z.in) - lzfMinGain)
	z.base += uint32(len(z.in))
	return z.out, ok
}

// run compresses in to out, and reports whether the result fits in limit bytes. Bytes from in[literal:] on wait to be
// written as a literal until a copy, or the end, cuts them off.
func (z *lzfWriter) run(limit int) bool {
	in, literal := z.in, 0
	for i := 0; i+2 < len(in); {
		back, n := z.match(i)
		if n == 0 {
			i++
			continue
		}
		z.literal(in[literal:i])
		z.copy(back, n)
		if len(z.out) > limit {
			return false
		}
		i += n
		literal = i
		// One position inside the copy is remembered as well; all of them would cost more time than they save bytes.
		if i+1 < len(in) {
			z.table[lzfHash(in[i-1], in[i], in[i+1])] = z.base + uint32(i-1)
		}
	}
	if len(z.out)+len(in)-literal > limit {
		return false
	}
	z.literal(in[literal:])
	return len(z.out) <= limit
}

// match remembers position i, and returns the length of the earlier stretch that equals what is there and how far back
// it begins, counting from 0; n is 0 if there is none.
func (z *lzfWriter) match(i int) (back, n int) {
	in := z.in
	slot := &z.table[lzfHash(in[i], in[i+1], in[i+2])]
	seen := *slot
	*slot = z.base + uint32(i)
	if seen < z.base {
		return 0, 0
	}
	j := int(seen - z.base)
	if i-j > lzfMaxOffset || in[j] != in[i] || in[j+1] != in[i+1] || in[j+2] != in[i+2] {
		return 0, 0
	}
	n = 3
	for most := min(len(in)-i, lzfMaxCopy); n < most && in[j+n] == in[i+n]; n++ {
	}
	return i - j - 1, n
}

// lzfHash spreads three bytes over the table: the upper bits of a product with an odd number, 2^32 over the golden ratio.
func lzfHash(a, b, c byte) uint32 {
	return (uint32(a)<<16 | uint32(b)<<8 | uint32(c)) * 0x9e3779b1 >> (32 - lzfHashBits)
}

// literal writes p, which may be of any length, also 0.
func (z *lzfWriter) literal(p []byte) {
	for len(p) > 0 {
		n := min(len(p), lzfMaxLiteral)
		z.out = append(z.out, byte(n-1))
		z.out = append(z.out, p[:n]...)
		p = p[n:]
	}
}

// copy writes a copy of n >= 3 bytes from back+1 bytes back.
func (z *lzfWriter) copy(back, n int) {
	if n < 9 {
		z.out = append(z.out, byte(n-2)<<5|byte(back>>8), byte(back))
		return
	}
	z.out = append(z.out, 7<<5|byte(back>>8), byte(n-9), byte(back))
}

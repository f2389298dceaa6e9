package hll

import (
	"encoding/binary"
	"errors"
)

const (
	indexBits = 14             // of the hash pick the register
	registers = 1 << indexBits // in every value
	rankBits  = 64 - indexBits // of the hash give the rank
	topRank   = rankBits + 1   // the highest that an element can have

	headerSize = 16
	rankWidth  = 6 // bits of a dense register
	denseSize  = headerSize + registers*rankWidth/8

	// MaxSize is the length beyond which no value is whole: a sparse one has at most one
	// byte for each register.
	MaxSize = headerSize + registers

	// SparseLimit is the length in bytes up to which a value stays sparse: Redis's default
	// for hll-sparse-max-bytes.
	SparseLimit = 3000
)

var magic = [4]byte{'H', 'Y', 'L', 'L'}

// Encodings, which are a part of the format.
const (
	dense  = 0
	sparse = 1
)

var (
	// ErrNot is returned for bytes that are no HyperLogLog.
	ErrNot = errors.New("hll: no HyperLogLog")
	// ErrCorrupt is returned for a HyperLogLog whose runs are not its registers.
	ErrCorrupt = errors.New("hll: corrupt")
)

// Check returns ErrNot unless head and size are what a HyperLogLog of that many bytes
// begins with. head is its header at least.
func Check(head []byte, size int) error {
	switch {
	case len(head) < headerSize || [4]byte(head) != magic:
		return ErrNot
	case head[4] == dense && size == denseSize, head[4] == sparse:
		return nil
	}
	return ErrNot
}

// HeaderSize is how many bytes Check looks at.
const HeaderSize = headerSize

// A Value is the bytes of a HyperLogLog that Check has found to be one. Its methods do
// not change them.
type Value []byte

// Dense reports whether v is in the dense form.
func (v Value) Dense() bool { return v[4] == dense }

func (v Value) body() []byte { return v[headerSize:] }

// staleBit in the last byte of the header says that the cardinality is not true.
const staleBit = 0x80

// Cached is the cardinality that v carries; ok is false if that is not true any more.
func (v Value) Cached() (n uint64, ok bool) {
	return binary.LittleEndian.Uint64(v[8:]), v[headerSize-1]&staleBit == 0
}

// Count computes the cardinality. O(1): it looks at each register once.
func (v Value) Count() (uint64, error) {
	h, err := v.histogram()
	if err != nil {
		return 0, err
	}
	return h.estimate(), nil
}

// Ranks are the ranks of all registers.
type Ranks [registers]uint8

// Merge raises r's ranks to those of v: r then counts what either has counted.
func (v Value) Merge(r *Ranks) error {
	if v.Dense() {
		for i := range r {
			r[i] = max(r[i], denseRank(v.body(), i))
		}
		return nil
	}
	at := 0
	for body := v.body(); len(body) > 0; {
		o, ok := readOp(body)
		if !ok || at+o.n > registers {
			return ErrCorrupt
		}
		for i := at; o.rank > 0 && i < at+o.n; i++ {
			r[i] = max(r[i], o.rank)
		}
		at += o.n
		body = body[o.size:]
	}
	if at != registers {
		return ErrCorrupt
	}
	return nil
}

// Count is the cardinality of what r has counted.
func (r *Ranks) Count() uint64 {
	var h histogram
	for _, rank := range r {
		h[rank]++
	}
	return h.estimate()
}

func (v Value) histogram() (h histogram, err error) {
	if v.Dense() {
		for i := range registers {
			h[denseRank(v.body(), i)]++
		}
		return h, nil
	}
	at := 0
	for body := v.body(); len(body) > 0; {
		o, ok := readOp(body)
		if !ok || at+o.n > registers {
			return h, ErrCorrupt
		}
		h[o.rank] += o.n
		at += o.n
		body = body[o.size:]
	}
	if at != registers {
		return h, ErrCorrupt
	}
	return h, nil
}

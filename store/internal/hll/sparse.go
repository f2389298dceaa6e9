package hll

import "slices"

// An op is one run of the sparse form.
type op struct {
	rank uint8 // 0 for ZERO and XZERO
	n    int   // registers
	size int   // bytes: 2 for XZERO
}

const (
	maxZero  = 64         // registers of a ZERO
	maxXZero = 1 << 14    // registers of an XZERO
	maxVal   = 4          // registers of a VAL
	maxRank  = 32         // rank of a VAL
	isXZero  = 0x40       // first byte
	isVal    = 0x80       //
	lenVal   = maxVal - 1 // mask of a VAL's length
)

// readOp reads the run that b, which is not empty, begins with; ok is false if b ends in
// the middle of it.
func readOp(b []byte) (o op, ok bool) {
	switch c := b[0]; {
	case c&isVal != 0:
		return op{c>>2&(maxRank-1) + 1, int(c&lenVal) + 1, 1}, true
	case c&isXZero == 0:
		return op{0, int(c) + 1, 1}, true
	case len(b) < 2:
		return o, false
	default:
		return op{0, int(c&(isXZero-1))<<8 + int(b[1]) + 1, 2}, true
	}
}

func val(rank uint8, n int) byte { return isVal | (rank-1)<<2 | byte(n-1) }

// appendOp appends a run; none for n = 0. It takes an XZERO where a ZERO is too short.
func appendOp(b []byte, rank uint8, n int) []byte {
	switch {
	case n == 0:
		return b
	case rank > 0:
		return append(b, val(rank, n))
	case n <= maxZero:
		return append(b, byte(n-1))
	}
	return append(b, isXZero|byte((n-1)>>8), byte(n-1))
}

// cursor is a run among others.
type cursor struct {
	op
	at    int // of its first byte
	first int // register
	prev  int // where the run before it begins, its own place if there is none
}

// find is the run that register i belongs to.
func find(body []byte, i int) (c cursor, err error) {
	for at, first, prev := 0, 0, 0; at < len(body); {
		o, ok := readOp(body[at:])
		if !ok {
			break
		}
		if i < first+o.n {
			return cursor{o, at, first, prev}, nil
		}
		prev = at
		at += o.size
		first += o.n
	}
	return c, ErrCorrupt
}

// setSparse raises register i of the sparse form to rank. fits is false, and nothing has
// changed, where the form has no room for that.
func (d *Draft) setSparse(i int, rank uint8) (changed, fits bool, err error) {
	if rank > maxRank {
		return false, false, nil
	}
	c, err := find(d.Value.body(), i)
	if err != nil || c.rank >= rank {
		return false, true, err
	}
	// The run becomes up to three: what is before i, i, what is behind it.
	before := i - c.first
	var buf [5]byte
	runs := appendOp(buf[:0], c.rank, before)
	runs = append(runs, val(rank, 1))
	runs = appendOp(runs, c.rank, c.n-before-1)
	if more := len(runs) - c.size; more > 0 && len(d.Value)+more > SparseLimit {
		return false, false, nil
	}
	d.own()
	at := headerSize + c.at
	d.Value = slices.Replace(d.Value, at, at+c.size, runs...)
	d.joinRuns(headerSize + c.prev)
	return true, true, nil
}

// joined is how many runs from the one before a change on are looked at for being joined.
// Others cannot have become equal; that it is neither more nor less makes the same bytes
// as Redis.
const joined = 5

// joinRuns joins neighbouring VALs of equal rank, from the run at index at on, as long as
// they fit into one.
func (d *Draft) joinRuns(at int) {
	for left := joined; left > 0 && at < len(d.Value); left-- {
		o, ok := readOp(d.Value[at:])
		if !ok {
			return
		}
		if o.rank > 0 && at+1 < len(d.Value) {
			if next, _ := readOp(d.Value[at+1:]); next.rank == o.rank && next.n+o.n <= maxVal {
				d.Value[at+1] = val(o.rank, next.n+o.n)
				d.Value = slices.Delete(d.Value, at, at+1)
				continue // the longer one may take the next, too
			}
		}
		at += o.size
	}
}

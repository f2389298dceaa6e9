package store

import (
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// bitModel is what a bitmap means: a length, and which bits are on. on is never changed,
// so that a copy of a model is cheap.
type bitModel struct {
	there bool
	n     int // bytes
	on    map[int64]bool
}

type bitModels map[string]bitModel

// with is m with bits set as in to, grown to n bytes.
func (m bitModel) with(n int, to map[int64]bool) bitModel {
	on := maps.Clone(m.on)
	if on == nil {
		on = map[int64]bool{}
	}
	for i, is := range to {
		if on[i] = true; !is {
			delete(on, i)
		}
	}
	return bitModel{true, max(n, m.n), on}
}

// span are the bits of a range, one after the other from there on; nil for none.
func (m bitModel) span(r bitRange) (from, to int64) {
	unit := int64(8)
	if r.inBits {
		unit = 1
	}
	size := int64(m.n) * 8 / unit
	place := func(i int64) int64 {
		if i < 0 {
			i += size
		}
		return max(i, 0)
	}
	if size == 0 || place(r.start) > min(place(r.end), size-1) {
		return 0, 0
	}
	return place(r.start) * unit, (min(place(r.end), size-1) + 1) * unit
}

func (m bitModel) count(r bitRange) (n int64) {
	if r.start < 0 && r.end < 0 && r.start > r.end {
		return 0
	}
	from, to := m.span(r)
	for i := range m.on {
		if i >= from && i < to {
			n++
		}
	}
	return n
}

func (m bitModel) pos(on bool, r bitRange) int64 {
	from, to := m.span(r)
	switch {
	case !m.there && !on:
		return 0
	case from == to:
		return -1
	}
	least := int64(-1)
	if on {
		for i := range m.on {
			if i >= from && i < to && (least < 0 || i < least) {
				least = i
			}
		}
		return least
	}
	for i := from; i < to; i++ {
		if !m.on[i] {
			return i
		}
	}
	if r.open {
		return to
	}
	return -1
}

// combine is BITOP, bit by bit.
func (w *bitWalk) combine(op BitOperation, keys []string) bitModel {
	n := 0
	times, first := map[int64]int{}, w.m[keys[0]].on
	for _, k := range keys {
		n = max(n, w.m[k].n)
		for i := range w.m[k].on {
			times[i]++
		}
	}
	if op == BitNot {
		for i := range int64(n) * 8 {
			times[i] += 0
		}
	}
	on := map[int64]bool{}
	for i, c := range times {
		others := c
		if first[i] {
			others--
		}
		if map[BitOperation]bool{
			BitAnd: c == len(keys), BitOr: c > 0, BitXor: c%2 == 1, BitNot: c == 0, BitDiff: first[i] && others == 0,
			BitDiff1: !first[i] && others > 0, BitAndOr: first[i] && others > 0, BitOne: c == 1,
		}[op] {
			on[i] = true
		}
	}
	return bitModel{n > 0, n, on}
}

// number is the integer in the bits of m.
func (m bitModel) number(f BitInt) *big.Int {
	v := new(big.Int)
	for i := range f.bits {
		if m.on[f.offset+int64(f.bits-1-i)] {
			v.SetBit(v, i, 1)
		}
	}
	if f.signed && v.Bit(f.bits-1) == 1 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(f.bits)))
	}
	return v
}

// field is one step of BITFIELD, in integers of any size.
func (m bitModel) field(op BitFieldOp) (bitModel, BitFieldResult) {
	f := op.field
	old := m.number(f)
	if op.kind == fieldGet {
		return m, BitFieldResult{old.Int64(), true}
	}
	is := big.NewInt(op.n)
	switch {
	case op.kind == fieldIncr:
		is.Add(is, old)
	case !f.signed && op.n < 0:
		is.SetUint64(uint64(op.n))
	}
	one := big.NewInt(1)
	size := new(big.Int).Lsh(one, uint(f.bits))
	low, high := new(big.Int), new(big.Int).Sub(size, one)
	if f.signed {
		low, high = new(big.Int).Neg(new(big.Int).Rsh(size, 1)), new(big.Int).Sub(new(big.Int).Rsh(size, 1), one)
	}
	m = m.with(f.end(), nil)
	if over, under := is.Cmp(high) > 0, is.Cmp(low) < 0; over || under {
		switch {
		case op.overflow == OverflowFail:
			return m, BitFieldResult{}
		case op.overflow == OverflowSat && over:
			is = high
		case op.overflow == OverflowSat:
			is = low
		}
	}
	raw := new(big.Int).Mod(is, size)
	to := map[int64]bool{}
	for i := range f.bits {
		to[f.offset+int64(f.bits-1-i)] = raw.Bit(i) == 1
	}
	m = m.with(f.end(), to)
	if op.kind == fieldSet {
		return m, BitFieldResult{old.Int64(), true}
	}
	return m, BitFieldResult{m.number(f).Int64(), true}
}

// bitWalk writes at random to a store and to a model.
type bitWalk struct {
	*rand.Rand
	t *testing.T
	m bitModels
}

// The keys by their lengths: two that stay in one piece, two whose chunks are few, and two
// that are nearly nothing but holes.
var bitSizes = map[string]int{"short": 12, "small": 900, "edge": 5_050, "chunks": 9_000, "sparse": 5 << 20, "huge": 64 << 20}

var bitKeys = slices.Sorted(maps.Keys(bitSizes))

// offset is within the usual length of a key, often beside an edge of a chunk or a leaf.
func (w *bitWalk) offset(key string) int64 {
	n := int64(bitSizes[key]) * 8
	switch w.IntN(4) {
	case 0:
		return w.Int64N(n)
	case 1:
		edge := int64(4096 * 8)
		if n > 8<<20 {
			edge = 512 << 10 * 8
		}
		return min(max(w.Int64N(n)/edge*edge+w.Int64N(5)-2, 0), n-1)
	}
	return w.Int64N(min(n, 300))
}

func (w *bitWalk) someInt(key string) BitInt {
	if w.IntN(2) == 0 {
		return SignedBits(1+w.IntN(64), w.offset(key))
	}
	return UnsignedBits(1+w.IntN(63), w.offset(key))
}

func (w *bitWalk) someRange(m bitModel) bitRange {
	if w.IntN(6) == 0 {
		return wholeRange
	}
	r := bitRange{inBits: w.IntN(2) == 0}
	n := int64(m.n + 2)
	if r.inBits {
		n *= 8
	}
	r.start, r.end = w.Int64N(2*n)-n, w.Int64N(2*n)-n
	if w.IntN(3) == 0 {
		r.start = r.end - w.Int64N(20)
	}
	if w.IntN(4) == 0 {
		r.inBits, r.end, r.open = false, -1, true
	}
	return r
}

func (w *bitWalk) expect(ok bool, format string, args ...any) {
	w.t.Helper()
	if !ok {
		w.t.Fatalf(format, args...)
	}
}

// step makes one change and compares what it returns.
func (w *bitWalk) step(db writes) {
	key := bitKeys[w.IntN(len(bitKeys))]
	switch m := w.m[key]; w.IntN(12) {
	case 0, 1, 2, 3:
		i, on := w.offset(key), w.IntN(3) > 0
		was, err := db.SetBit(key, i, on)
		w.expect(err == nil && was == m.on[i], "SetBit %s %d = %v, %v", key, i, was, err)
		w.m[key] = m.with(int(i>>3)+1, map[int64]bool{i: on})
	case 4, 5, 6:
		w.fieldStep(db, key)
	case 7, 8:
		w.combineStep(db)
	case 9:
		at, piece := w.offset(key)>>3, string([]byte{byte(w.Uint32()), 0, 0xff})
		_, err := db.SetRange(key, at, piece)
		w.expect(err == nil, "SetRange: %v", err)
		to := map[int64]bool{}
		for i := range int64(24) {
			to[at*8+i] = piece[i>>3]&bitMask(i) != 0
		}
		w.m[key] = m.with(int(at)+3, to)
	case 10:
		_, _ = db.Do("COPY", key, "short", "REPLACE")
		if m.there {
			w.m["short"] = m
		}
	case 11:
		if w.IntN(4) == 0 {
			_, _ = db.Del(key)
			delete(w.m, key)
		}
	}
}

func (w *bitWalk) fieldStep(db writes, key string) {
	var steps []BitFieldOp
	for range 1 + w.IntN(5) {
		f, n := w.someInt(key), int64(w.Uint64())>>w.IntN(64)
		steps = append(steps, []BitFieldOp{f.Get(), f.Set(n), f.Incr(n), f.Set(n)}[w.IntN(4)].Overflow(Overflow(w.IntN(3))))
		if last := steps[len(steps)-1]; w.IntN(3) == 0 { // once more in the same place
			steps = append(steps, last)
		}
	}
	got, err := db.BitField(key, steps...)
	m, length := w.m[key], 0
	var want []BitFieldResult
	for _, op := range steps {
		if op.kind != fieldGet {
			length = max(length, op.field.end())
		}
		var r BitFieldResult
		m, r = m.field(op)
		want = append(want, r)
	}
	if length > 0 {
		w.m[key] = m.with(length, nil)
	}
	w.expect(err == nil && slices.Equal(got, want), "BitField %s %+v\n got %v, %v\nwant %v", key, steps, got, err, want)
}

// combineStep takes the small strings for what a replica of before 8.2 gets as a whole, and
// what has nearly all of its bits on for what is looked at bit by bit.
func (w *bitWalk) combineStep(db writes) {
	op := []BitOperation{BitAnd, BitOr, BitXor, BitNot, BitDiff, BitDiff1, BitAndOr, BitOne, BitOr, BitXor, BitDiff1, BitOne}[w.IntN(12)]
	from := bitKeys
	if op >= BitNot {
		from = []string{"chunks", "edge", "short", "small"}
	}
	pick := func() string { return from[w.IntN(len(from))] }
	keys := []string{pick()}
	for range w.IntN(4) {
		keys = append(keys, pick())
	}
	switch {
	case op == BitNot:
		keys = keys[:1]
	case op > BitNot && len(keys) == 1:
		keys = append(keys, pick())
	}
	if slices.ContainsFunc(keys, func(k string) bool { return w.m[k].n > 100_000 }) && op >= BitNot {
		return // a copy of a large one
	}
	dest := pick()
	want := w.combine(op, keys)
	n, err := db.BitOp(op, dest, keys...)
	w.expect(err == nil && n == want.n, "BitOp %v %s %v = %d, %v, want %d", op, dest, keys, n, err, want.n)
	if w.m[dest] = want; !want.there {
		delete(w.m, dest)
	}
}

// compare reads here and there what is in db.
func (w *bitWalk) compare(db reads, models bitModels) {
	w.t.Helper()
	for _, key := range bitKeys {
		m := models[key]
		n, err := db.Strlen(key)
		w.expect(err == nil && n == m.n, "Strlen %s = %d, %v, want %d", key, n, err, m.n)
		total, err := db.BitCount(key, nil)
		w.expect(err == nil && total == int64(len(m.on)), "BitCount %s = %d, %v, want %d", key, total, err, len(m.on))
		for range 4 {
			w.compareRange(db, key, m, w.someRange(m))
		}
		for i := range m.on {
			on, err := db.GetBit(key, i)
			w.expect(on && err == nil, "GetBit %s %d is off, %v", key, i, err)
			if w.IntN(10) == 0 {
				break
			}
		}
		i, f := w.offset(key), w.someInt(key)
		on, err := db.GetBit(key, i)
		w.expect(on == m.on[i] && err == nil, "GetBit %s %d = %v, %v", key, i, on, err)
		v, err := db.BitFieldRead(key, f, f)
		want := m.number(f).Int64()
		w.expect(err == nil && slices.Equal(v, []int64{want, want}), "BitFieldRead %s %+v = %v, %v, want %d", key, f, v, err, want)
	}
}

func (w *bitWalk) compareRange(db reads, key string, m bitModel, r bitRange) {
	w.t.Helper()
	public := &BitRange{r.start, r.end, r.inBits}
	n, err := db.BitCount(key, public)
	w.expect(err == nil && n == m.count(r), "BitCount %s %+v of %d bytes = %d, %v, want %d", key, r, m.n, n, err, m.count(r))
	for _, on := range []bool{true, false} {
		var pos int64
		switch {
		case r == wholeRange:
			pos, err = db.BitPos(key, on, nil)
		case r.open:
			pos, err = db.BitPosFrom(key, on, r.start)
		default:
			pos, err = db.BitPos(key, on, public)
		}
		w.expect(err == nil && pos == m.pos(on, r), "BitPos %s %v %+v of %d bytes = %d, %v, want %d", key, on, r, m.n, pos, err, m.pos(on, r))
	}
}

// Random writes give what the model says; snapshots keep what was when they were made, a
// transaction that fails leaves nothing, and a follower has the same.
func TestBitmapModel(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { bitModelRun(t, seed, fewer(600, 200)) })
	}
}

type bitCut struct {
	sn *Snapshot
	m  bitModels
}

func bitModelRun(t *testing.T, seed uint64, steps int) {
	s := newStore(t, &Options{wholeText: 5000})
	f, a := follower(t, s, &Options{wholeText: 12_000})
	w := &bitWalk{rand.New(rand.NewPCG(seed, 5)), t, bitModels{}}
	var cuts []bitCut
	defer func() {
		for _, c := range cuts {
			c.sn.Close()
		}
	}()
	at := int64(0)
	for i := range steps {
		w.step(s.DB(0).writes)
		if i%30 == 0 {
			w.rolledBack(s)
		}
		if i%40 == 0 {
			w.compare(s.DB(0).reads, w.m)
			cuts = append(cuts, bitCut{s.Snapshot(), maps.Clone(w.m)})
			if len(cuts) > 4 {
				i := w.IntN(len(cuts))
				cuts[i].sn.Close()
				cuts = slices.Delete(cuts, i, i+1)
			}
			c := cuts[w.IntN(len(cuts))]
			w.compare(c.sn.DB(0).reads, c.m)
		}
		if i%100 == 0 {
			if err := apply(t, a, streamSince(t, s, at)); err != nil {
				t.Fatal(err)
			}
			at = s.backlog.Offset()
			w.compare(f.DB(0).reads, w.m)
		}
	}
	if n := s.view.Load().gen.spaces[0].tab.Bytes(); n > 6<<20 {
		t.Errorf("%d bytes are held for some bits in strings of up to 64 MB", n)
	}
}

// rolledBack writes in a transaction that fails, and reads what it has written.
func (w *bitWalk) rolledBack(s *Store) {
	was := maps.Clone(w.m)
	_, err := s.Update(func(tx *Tx) error {
		for range 1 + w.IntN(6) {
			w.step(tx.DB(0).writes)
		}
		w.compare(tx.DB(0).reads, w.m)
		w.compare(s.DB(0).reads, was) // others see nothing of it
		return errOnPurpose
	})
	w.expect(err == errOnPurpose, "Update: %v", err)
	w.m = was
	w.compare(s.DB(0).reads, w.m)
}

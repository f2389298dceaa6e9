package backlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"
)

// The model is the specification in its plainest form: the whole stream in one slice, and for each reader a number.
type model struct {
	t       *testing.T
	b       *Backlog
	rng     *rand.Rand
	log     []byte // every byte since base, never trimmed
	base    int64
	size    int64
	freed   bool
	readers []*modelReader
}

type modelReader struct {
	r          *Reader
	pos, limit int64
	err        error   // why it must have ended
	due        bool    // onEnd must be called by the next Wake
	ends       []error // what onEnd was called with
}

// script is a source of small numbers: a fuzzer's bytes or a seed's.
type script []byte

func (s *script) next() int {
	if len(*s) == 0 {
		return 0
	}
	c := (*s)[0]
	*s = (*s)[1:]
	return int(c)
}

func (m *model) end() int64 { return m.base + int64(len(m.log)) }

// run executes the operations of s, one per byte, and compares after each.
func (m *model) run(s script) {
	for len(s) > 0 {
		switch op := s.next() % 16; op {
		case 0, 1, 2, 3:
			m.append(s.next() % 100)
		case 4, 5:
			m.append(s.next() * 40)
		case 6:
			m.append(s.next() * 1000)
		case 7:
			m.open(s.next(), int64(s.next())*200)
		case 8, 9, 10, 11:
			m.read(s.next(), s.next()*30)
		case 12:
			m.clone(s.next())
		case 13:
			m.close(s.next())
		case 14:
			m.b.Wake()
			m.woken()
		case 15:
			m.rare(s.next(), s.next())
		}
		m.check()
	}
}

func (m *model) append(n int) {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(m.rng.Uint32())
	}
	m.log = append(m.log, p...)
	m.b.Append(p)
	clear(p) // the backlog must have copied
	for _, r := range m.readers {
		if lag := m.end() - r.pos; n > 0 && r.err == nil && r.limit > 0 && lag > r.limit {
			r.err, r.due = ErrOverrun{lag, r.limit}, true
		}
	}
}

// open asks for a reader around one of the edges of the window, or in its middle.
func (m *model) open(where int, limit int64) {
	first, end := m.b.Window()
	count := [...]int64{first - 1, first, first + 1, (first + end) / 2, end - 1, end, end + 1}[where%7]
	r := &modelReader{pos: count, limit: limit}
	var err, want error
	r.r, err = m.b.NewReader(count, limit, func(err error) { r.ends = append(r.ends, err) })
	switch {
	case count < first || count > end:
		want = ErrWindow{count, first, end}
	case limit > 0 && end-count > limit:
		want = ErrOverrun{end - count, limit}
	}
	if err != want {
		m.t.Fatalf("NewReader(%d, %d) in [%d, %d]: error %v, want %v", count, limit, first, end, err, want)
	}
	if err == nil {
		m.readers = append(m.readers, r)
		m.freed = false
	}
}

// limit changes the limit of a reader to a little more or less than its lag, or to none.
func (m *model) limit(i, arg int) {
	r := m.pick(i)
	if r == nil {
		return
	}
	lag := m.end() - r.pos
	limit := max(lag+[...]int64{-lag, -1, 0, 1, 500, 10_000}[arg%6], 0)
	want := r.err
	if want == nil && limit > 0 && lag > limit {
		want = ErrOverrun{lag, limit}
	}
	if err := r.r.SetLimit(limit); err != want {
		m.t.Fatalf("SetLimit(%d) at a lag of %d: error %v, want %v", limit, lag, err, want)
	}
	if want == nil {
		r.limit = limit
	}
	if got := r.r.Limit(); r.err == nil && got != r.limit {
		m.t.Fatalf("Limit() = %d, want %d", got, r.limit)
	}
}

// pick returns one of the readers, nil if there is none.
func (m *model) pick(i int) *modelReader {
	if len(m.readers) == 0 {
		return nil
	}
	return m.readers[i%len(m.readers)]
}

func (m *model) read(i, most int) {
	r := m.pick(i)
	if r == nil {
		return
	}
	p := r.r.TryNext(most)
	if r.err != nil {
		if p != nil {
			m.t.Fatalf("an ended reader returned %d bytes", len(p))
		}
		return
	}
	left := m.log[r.pos-m.base:]
	if (len(p) == 0) != (len(left) == 0) || most > 0 && len(p) > most || cap(p) != len(p) || !bytes.HasPrefix(left, p) {
		m.t.Fatalf("TryNext(%d) at %d: %d bytes (cap %d), %d left, equal %v", most, r.pos, len(p), cap(p), len(left), bytes.HasPrefix(left, p))
	}
	r.pos += int64(len(p))
}

func (m *model) clone(i int) {
	r := m.pick(i)
	if r == nil {
		return
	}
	c := &modelReader{pos: r.pos, limit: r.limit}
	var err error
	c.r, err = r.r.Clone(func(err error) { c.ends = append(c.ends, err) })
	if err != r.err {
		m.t.Fatalf("Clone: error %v, want %v", err, r.err)
	}
	if err == nil {
		m.readers = append(m.readers, c)
	}
}

func (m *model) close(i int) {
	if r := m.pick(i); r != nil {
		r.r.Close()
		r.due = false
		if r.err == nil {
			r.err = ErrReaderClosed
		}
	}
}

// woken checks that everything that was due was reported, and nothing else.
func (m *model) woken() {
	for _, r := range m.readers {
		if r.due && (len(r.ends) != 1 || r.ends[0] != r.err) {
			m.t.Fatalf("onEnd calls after Wake: %v, want one with %v", r.ends, r.err)
		}
		if r.due {
			r.due, r.ends = false, nil
		}
		if len(r.ends) != 0 {
			m.t.Fatalf("onEnd called with %v, nothing was due", r.ends)
		}
	}
}

// rare does what happens once in a history.
func (m *model) rare(what, arg int) {
	switch what % 6 {
	case 0:
		m.size = int64(arg) * 300
		m.b.SetSize(m.size)
	case 1:
		m.b.ShiftHistory()
	case 2:
		m.restart(int64(arg)*1000, false)
		m.b.Reset(History{ID: idA, Offset: m.base, SecondaryLimit: -1})
	case 3:
		m.restart(m.end(), true)
		m.b.Free()
	default:
		m.limit(arg>>3, arg)
	}
}

// restart is a new history, of which nothing is kept at first, or nothing at all.
func (m *model) restart(base int64, freed bool) {
	m.base, m.log, m.freed = base, nil, freed
	for _, r := range m.readers {
		if r.err == nil {
			r.err, r.due = ErrHistoryChanged, true
		}
	}
}

func (m *model) check() {
	m.t.Helper()
	first, end := m.b.Window()
	if end != m.end() || m.b.Offset() != end || m.b.History().Offset != end {
		m.t.Fatalf("end %d, Offset %d, want %d", end, m.b.Offset(), m.end())
	}
	// Exact, except that a backlog that grew may have let go of older bytes already.
	exact := max(m.base, end-m.size)
	if m.freed {
		exact = end
	}
	if m.b.Freed() != m.freed || m.b.Size() != m.size {
		m.t.Fatalf("freed %v, size %d, want %v, %d", m.b.Freed(), m.b.Size(), m.freed, m.size)
	}
	if oldest := m.b.state.Load().chain.oldest.Load().start; first != max(exact, oldest) {
		m.t.Fatalf("first %d, want %d (oldest block %d)", first, max(exact, oldest), oldest)
	}
	for _, r := range m.readers {
		if err := r.r.Err(); err != r.err || r.err == nil && r.r.Position() != r.pos {
			m.t.Fatalf("reader at %d: position %d, error %v, want %v", r.pos, r.r.Position(), err, r.err)
		}
		if r.err != nil && r.r.block.Load() != nil {
			m.t.Fatalf("an ended reader (%v) holds a block", r.err)
		}
	}
	m.checkThreshold()
	m.checkMemory()
}

// checkMemory adds up the blocks that can be reached.
func (m *model) checkMemory() {
	c := m.b.state.Load().chain
	first := c.oldest.Load()
	for r := range m.b.readers {
		if k := r.block.Load(); k.start < first.start {
			first = k
		}
	}
	var own, all int64
	for k := first; k != nil; k = k.next.Load() {
		all += int64(len(k.buf))
		if k.start >= c.oldest.Load().start {
			own += int64(len(k.buf))
		}
	}
	if m.b.Memory() != own || m.b.Retained() != all-own {
		m.t.Fatalf("Memory %d, Retained %d, want %d, %d", m.b.Memory(), m.b.Retained(), own, all-own)
	}
}

// checkThreshold is the invariant of Backlog.checkAt.
func (m *model) checkThreshold() {
	for r := range m.b.readers {
		if at := m.b.checkAt.Load(); at > r.overrunAt() {
			m.t.Fatalf("checkAt %d, a reader can overrun at %d", at, r.overrunAt())
		}
	}
}

// finish reads every living reader to the end: nothing that it was promised may be missing.
func (m *model) finish() {
	m.b.Wake()
	m.woken()
	for i, r := range m.readers {
		for r.err == nil && r.pos < m.end() {
			m.read(i, 0)
		}
	}
}

func runModel(t *testing.T, seed uint64, s script) {
	m := &model{t: t, b: New(5000), size: 5000, rng: rand.New(rand.NewPCG(seed, 0))}
	m.run(s)
	m.finish()
}

func TestModel(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		s := make(script, 600)
		for i := range s {
			s[i] = byte(rng.Uint32())
		}
		runModel(t, seed, s)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func FuzzModel(f *testing.F) {
	f.Add([]byte{0, 99, 7, 1, 1, 6, 255, 14, 8, 0, 0})
	f.Add([]byte{6, 9, 7, 3, 0, 15, 2, 7, 14, 12, 0, 13, 0})
	f.Add([]byte{15, 0, 255, 6, 200, 15, 0, 1, 7, 1, 9, 4, 50, 8, 0, 1})
	f.Fuzz(func(t *testing.T, s []byte) {
		if len(s) > 4000 {
			return
		}
		runModel(t, uint64(len(s)), s)
	})
}

// TestConcurrentReaders lets readers of several habits compare every byte with what the writer must have written,
// and others look at the offsets, which must always lie between two appends. It is meant for -race.
func TestConcurrentReaders(t *testing.T) {
	const records, record = 20_000, 120 // a record holds its own number
	b := New(64 << 10)
	done := make(chan error)
	for i := range 4 {
		r, err := b.NewReader(0, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		go func() { done <- readRecords(t, r, records*record, record, [...]int{0, 1000, 77, 5}[i]) }()
	}
	go func() { done <- watchOffsets(b, records*record, record) }()

	p := make([]byte, 0, 200*record)
	for i := 0; i < records; {
		// Batches of 1 to 200 records: some span several blocks of the small backlog.
		p = p[:0]
		for range min(1+i%200, records-i) {
			p = append(p, bytes.Repeat(binary.BigEndian.AppendUint64(nil, uint64(i)), record/8)...)
			i++
		}
		b.Append(p)
		b.Wake()
	}
	for range 5 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func readRecords(t *testing.T, r *Reader, total, record, most int) error {
	defer r.Close()
	var got, want [8]byte
	for pos := 0; pos < total; {
		p, err := r.Next(t.Context(), most)
		if err != nil {
			return err
		}
		for _, c := range p {
			binary.BigEndian.PutUint64(want[:], uint64(pos/record))
			if got[pos%8] = c; c != want[pos%8] {
				return errors.New("a reader saw a byte that was not written there")
			}
			pos++
		}
	}
	return nil
}

func watchOffsets(b *Backlog, total, record int64) error {
	for {
		first, end := b.Window()
		off := b.Offset()
		if end%record != 0 || off%record != 0 || off < end || first > end {
			return errors.New("an offset inside of an append became visible")
		}
		if d := b.Check("?", 0); d.End%record != 0 {
			return errors.New("Check saw half an append")
		}
		if off == total {
			return nil
		}
	}
}

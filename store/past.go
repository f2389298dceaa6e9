package store

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/understudy-go/understudy/store/internal/table"
)

// A past keeps what the store was at one version: the entries that were
// replaced or removed since, beside the tables that hold all the others. It
// costs nothing until the first change after that version, and then one kept
// entry a changed key, whatever the size of the data set.
//
// The writer keeps an entry before it changes the slot. A reader looks into
// the table first and here second, so it finds the entry in one place or in
// both, never in neither.
type past struct {
	version uint64 // entries of this version and older belong to it
	budget  int64  // bytes that may be retained; 0 for any number
	flat    bool   // nobody will walk it: each side has one part

	gen      atomic.Pointer[generation] // of a snapshot; nil once dropped, so that it pins nothing
	retained atomic.Int64
	spent    atomic.Bool            // over the budget: nothing is kept any more
	alone    map[*table.Entry]int64 // of kept entries with chunks or a body: bytes of these that were charged; the writer's
	bodies   map[any]*table.Entry   // kept entries with a body, by its lineage; the writer's

	mu    sync.RWMutex // protects the two below
	few   []*side      // the first sides, looked through one by one
	sides map[*table.Table]*side
}

// side is what a past keeps of one table.
type side struct {
	tab   *table.Table
	len   int // of the table at the past's version
	shift uint8
	parts []atomic.Pointer[part] // by the leading bits of the hash, so that a walk in hash order meets them in order; nil: nothing kept
}

type part struct {
	mu   sync.Mutex // protects the two below; held for one look-up or one copy
	few  []*table.Entry
	kept map[string]*table.Entry
}

// Most commits touch a few keys of one table: beyond these numbers a map is
// faster than looking through a slice.
const (
	fewSides = 4
	fewKept  = 16
)

// mostParts is log2 of the parts of a side: the first write after a cut makes
// them, and must not cost more than any other.
const mostParts = 10

// keptOverhead is what a kept entry costs beside its own bytes, measured.
const keptOverhead = 81

// keep notes that the slot of old in tab, which may be empty, is about to
// change. REQUIRES: the writer lock, and to be called before the change.
func (p *past) keep(tab *table.Table, h uint64, old *table.Entry) {
	if p.spent.Load() {
		return
	}
	sd := p.side(tab)
	if sd == nil {
		depth := min(tab.Depth(), mostParts)
		if p.flat {
			depth = 0
		}
		sd = p.addSide(tab, depth)
	}
	if old == nil || old.Version() > p.version {
		return
	}
	if !sd.make(h).keep(old) {
		return // a commit that was rolled back kept it already
	}
	if b := old.Body(); b != nil && !p.flat {
		if p.bodies == nil {
			p.bodies = map[any]*table.Entry{}
		}
		p.bodies[lineageOf(b)] = old
	}
	p.charge(int64(old.Size()) - old.Sharable() + keptOverhead)
}

// has reports whether the table of r belongs to this past: a key's database, or the
// table of the large collection that r is an element of.
//
// Versions do not tell of a database: in one that was loaded they are of the time when
// the load began. Of a collection they do. A copy has entries that are older than its
// table, and no snapshot of before it sees them there. A table that was loaded passes
// for older than it is, and no snapshot that has it is older than that.
// REQUIRES: the writer lock.
func (p *past) has(r ref) bool {
	if r.ks == nil {
		return r.tab.Made() <= p.version
	}
	g := p.gen.Load()
	return g != nil && (g.spaces[r.db] == r.ks || slices.Contains(g.spaces, r.ks))
}

// diverge charges for the chunks of r's key that nobody but this past holds any
// more, now that e, nil for none, is about to take the place of old. A string of
// many megabytes that a few bytes were written to costs a few chunks, not its
// size: else a handful of bitmaps under writes would let no full sync end.
//
// REQUIRES: the writer lock.
func (p *past) diverge(r ref, old, e *table.Entry) {
	if kept := p.kept(r.tab, r.h, r.key); kept != nil {
		p.chargeAlone(kept, kept.Lost(old, e), kept.Sharable())
	}
}

// lose charges for bytes of b that the live data has no longer, if this past has b, or
// what b was forked from: under whatever key. At most what it keeps of it is charged.
// REQUIRES: the writer lock.
func (p *past) lose(b table.Body, bytes int64) {
	if kept := p.bodies[lineageOf(b)]; kept != nil {
		p.chargeAlone(kept, bytes, kept.Body().Bytes())
	}
}

// loseAll is lose for all that this past keeps of b.
func (p *past) loseAll(b table.Body) { p.lose(b, math.MaxInt64) }

// chargeAlone charges bytes of a kept entry, at most as many in sum as it has: a commit
// that is rolled back loses the same again and again.
func (p *past) chargeAlone(kept *table.Entry, bytes, most int64) {
	bytes = min(bytes, most-p.alone[kept])
	if bytes <= 0 || p.spent.Load() {
		return
	}
	if p.alone == nil {
		p.alone = map[*table.Entry]int64{}
	}
	p.alone[kept] += bytes
	p.charge(bytes)
}

// charge counts bytes that nobody but this past holds any more. REQUIRES: the
// writer lock.
func (p *past) charge(bytes int64) {
	if p.spent.Load() {
		return
	}
	if n := p.retained.Add(bytes); p.budget > 0 && n > p.budget {
		p.drop()
	}
}

// drop gives up what is kept. Readers of the past learn it from spent.
func (p *past) drop() {
	p.spent.Store(true)
	p.gen.Store(nil)
	p.mu.Lock()
	p.few, p.sides = nil, nil
	p.mu.Unlock()
	p.alone, p.bodies = nil, nil // the writer's, or of a snapshot that the writer has forgotten
}

func (p *past) side(tab *table.Table) *side {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, sd := range p.few {
		if sd.tab == tab {
			return sd
		}
	}
	return p.sides[tab]
}

// addSide begins to keep what changes in tab, in as many parts as depth bits
// tell apart.
func (p *past) addSide(tab *table.Table, depth uint8) *side {
	sd := &side{tab: tab, len: tab.Len(), shift: 64 - depth, parts: make([]atomic.Pointer[part], 1<<depth)}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case len(p.few) < fewSides:
		p.few = append(p.few, sd)
	case p.sides == nil:
		p.sides = map[*table.Table]*side{tab: sd}
	default:
		p.sides[tab] = sd
	}
	return sd
}

// make returns the part of a hash. REQUIRES: the writer lock.
func (sd *side) make(h uint64) *part {
	at := &sd.parts[h>>sd.shift]
	if at.Load() == nil {
		at.Store(&part{})
	}
	return at.Load()
}

// keep adds an entry and reports whether it was not there already.
func (pt *part) keep(e *table.Entry) bool {
	pt.mu.Lock()
	defer pt.mu.Unlock()
	if pt.lookup(e.Key()) != nil {
		return false
	}
	if len(pt.few) < fewKept {
		pt.few = append(pt.few, e)
		return true
	}
	if pt.kept == nil {
		pt.kept = map[string]*table.Entry{}
	}
	pt.kept[e.Key()] = e
	return true
}

// lookup finds an entry by key. REQUIRES: mu.
func (pt *part) lookup(key string) *table.Entry {
	for _, e := range pt.few {
		if e.Key() == key {
			return e
		}
	}
	return pt.kept[key]
}

// find is the entry of key as it was at the past's version, or nil.
func (p *past) find(tab *table.Table, h uint64, key string) *table.Entry {
	if e := tab.Find(h, key); e != nil && e.Version() <= p.version {
		return e
	}
	return p.kept(tab, h, key)
}

func (p *past) kept(tab *table.Table, h uint64, key string) *table.Entry {
	sd := p.side(tab)
	if sd == nil {
		return nil
	}
	pt := sd.parts[h>>sd.shift].Load()
	if pt == nil {
		return nil
	}
	pt.mu.Lock()
	defer pt.mu.Unlock()
	return pt.lookup(key)
}

// len is the number of keys that tab had.
func (p *past) len(tab *table.Table) int {
	n := tab.Len()
	if sd := p.side(tab); sd != nil {
		return sd.len
	}
	return n
}

// each calls fn for every entry that tab had, once, in chunks of hash order,
// until fn returns false. The caller checks spent afterwards.
func (p *past) each(tab *table.Table, fn func(*table.Entry) bool) {
	var b chunk
	for next, more := p.chunk(tab, 0, &b, fn); more && next != 0; {
		next, more = p.chunk(tab, next, &b, fn)
	}
}

// chunk is the memory of a walk, reused from segment to segment.
type chunk struct{ live, kept []*table.Entry }

// chunk calls fn for what tab had in the segment of position pos, or in those of
// its part if something is kept, and returns the position behind, 0 at the end.
func (p *past) chunk(tab *table.Table, pos uint64, b *chunk, fn func(*table.Entry) bool) (next uint64, more bool) {
	b.live = b.live[:0]
	first, last := p.collect(tab, pos, b)
	for end := p.partEnd(tab, pos); last < end; {
		_, last = p.collect(tab, last+1, b)
	}
	b.kept = p.keptBetween(tab, first, last, b.kept[:0])
	for _, e := range b.kept {
		if !fn(e) {
			return 0, false
		}
	}
	for _, e := range without(b.live, b.kept) {
		if !fn(e) {
			return 0, false
		}
	}
	return last + 1, true
}

func (p *past) collect(tab *table.Table, pos uint64, b *chunk) (first, last uint64) {
	return tab.Chunk(pos, func(e *table.Entry) bool {
		if e.Version() <= p.version {
			b.live = append(b.live, e)
		}
		return true
	})
}

// partEnd is the last hash of the part of position pos: walking all of a part at
// once means looking through what it keeps once.
func (p *past) partEnd(tab *table.Table, pos uint64) uint64 {
	if sd := p.side(tab); sd != nil {
		return pos | (1<<sd.shift - 1)
	}
	return pos
}

// without returns live less the entries that are also in kept: those that were
// replaced between the look into the table and the look here.
func without(live, kept []*table.Entry) []*table.Entry {
	if len(kept) == 0 {
		return live
	}
	twice := make(map[*table.Entry]bool, len(kept))
	for _, e := range kept {
		twice[e] = true
	}
	rest := live[:0]
	for _, e := range live {
		if !twice[e] {
			rest = append(rest, e)
		}
	}
	return rest
}

func (p *past) keptBetween(tab *table.Table, first, last uint64, to []*table.Entry) []*table.Entry {
	sd := p.side(tab)
	if sd == nil {
		return to
	}
	for i := first >> sd.shift; i <= last>>sd.shift; i++ {
		if pt := sd.parts[i].Load(); pt != nil {
			to = pt.between(tab, first, last, to)
		}
	}
	return to
}

func (pt *part) between(tab *table.Table, first, last uint64, to []*table.Entry) []*table.Entry {
	n := len(to)
	to = pt.copyTo(to)
	in := to[:n]
	for _, e := range to[n:] { // outside of the lock: the writer may be waiting for it
		if h := tab.Hash(e.Key()); h >= first && h <= last {
			in = append(in, e)
		}
	}
	return in
}

// copyTo appends all entries to a list.
func (pt *part) copyTo(to []*table.Entry) []*table.Entry {
	pt.mu.Lock()
	defer pt.mu.Unlock()
	to = append(to, pt.few...)
	for _, e := range pt.kept {
		to = append(to, e)
	}
	return to
}

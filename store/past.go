package store

import (
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

	retained atomic.Int64
	spent    atomic.Bool // over the budget: nothing is kept any more

	mu    sync.RWMutex // protects sides
	sides map[*table.Table]*side
}

// side is what a past keeps of one table.
type side struct {
	len   int // of the table at the past's version
	shift uint8
	parts []part // by the leading bits of the hash, so that a walk in hash order meets them in order
}

type part struct {
	mu   sync.Mutex // protects kept; held for one look-up or one copy
	kept map[string]*table.Entry
}

// keptOverhead is what a kept entry costs beside its own bytes, measured.
const keptOverhead = 81

func newPast(version uint64, budget int64) *past {
	p := &past{}
	p.init(version, budget)
	return p
}

func (p *past) init(version uint64, budget int64) {
	p.version, p.budget, p.sides = version, budget, map[*table.Table]*side{}
}

// keep notes that the slot of old in tab, which may be empty, is about to
// change. REQUIRES: the writer lock, and to be called before the change.
func (p *past) keep(tab *table.Table, h uint64, old *table.Entry) {
	if p.spent.Load() {
		return
	}
	sd := p.side(tab)
	if sd == nil {
		sd = p.addSide(tab)
	}
	if old == nil || old.Version() > p.version {
		return
	}
	pt := &sd.parts[h>>sd.shift]
	pt.mu.Lock()
	if pt.kept == nil {
		pt.kept = map[string]*table.Entry{}
	}
	pt.kept[old.Key()] = old
	pt.mu.Unlock()
	if n := p.retained.Add(int64(old.Size()) + keptOverhead); p.budget > 0 && n > p.budget {
		p.drop()
	}
}

// drop gives up what is kept. Readers of the past learn it from spent.
func (p *past) drop() {
	p.spent.Store(true)
	p.mu.Lock()
	p.sides = nil
	p.mu.Unlock()
}

func (p *past) side(tab *table.Table) *side {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.sides[tab]
}

func (p *past) addSide(tab *table.Table) *side {
	depth := tab.Depth()
	sd := &side{len: tab.Len(), shift: 64 - depth, parts: make([]part, 1<<depth)}
	p.mu.Lock()
	p.sides[tab] = sd
	p.mu.Unlock()
	return sd
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
	pt := &sd.parts[h>>sd.shift]
	pt.mu.Lock()
	defer pt.mu.Unlock()
	return pt.kept[key]
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
	var live, kept []*table.Entry
	for pos := uint64(0); ; {
		live, kept = live[:0], kept[:0]
		first, last := tab.Chunk(pos, func(e *table.Entry) bool {
			if e.Version() <= p.version {
				live = append(live, e)
			}
			return true
		})
		kept = p.keptBetween(tab, first, last, kept)
		for _, e := range kept {
			if !fn(e) {
				return
			}
		}
		for _, e := range without(live, kept) {
			if !fn(e) {
				return
			}
		}
		if pos = last + 1; pos == 0 {
			return
		}
	}
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
		to = sd.parts[i].between(tab, first, last, to)
	}
	return to
}

func (pt *part) between(tab *table.Table, first, last uint64, to []*table.Entry) []*table.Entry {
	pt.mu.Lock()
	defer pt.mu.Unlock()
	for key, e := range pt.kept {
		if h := tab.Hash(key); h >= first && h <= last {
			to = append(to, e)
		}
	}
	return to
}

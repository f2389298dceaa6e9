package table

import "fmt"

// Check reports the first broken invariant of the table: every entry is found
// under its key, counts agree, and each segment stands where its depth says.
func (t *Table) Check() error {
	d, total := t.dir.Load(), 0
	for i := 0; i < len(d.segments); {
		s := d.segments[i].Load()
		span := 1 << (d.depth - s.depth)
		for j := range span {
			if i%span != 0 || d.segments[i+j].Load() != s {
				return fmt.Errorf("segment of depth %d does not fill its range at %d", s.depth, i)
			}
		}
		n, err := t.checkSegment(s, uint64(i))
		if err != nil {
			return err
		}
		total += n
		i += span
	}
	if err := t.checkBytes(); err != nil {
		return err
	}
	if _, ok := t.Settled(); !ok {
		return fmt.Errorf("the count was left in the midst of a step")
	}
	if total != t.Len() {
		return fmt.Errorf("segments hold %d entries, the table counts %d", total, t.Len())
	}
	return nil
}

func (t *Table) checkSegment(s *segment, slot uint64) (keys int, err error) {
	n := 0
	s.each(func(e *Entry) bool {
		n++
		keys += int(alive(e))
		h := t.Hash(e.Key())
		if t.dir.Load().segment(h) != s || t.Find(h, e.Key()) != e {
			err = fmt.Errorf("entry %q is not found from its directory slot %d", e.Key(), slot)
		}
		return err == nil
	})
	if err == nil && n != s.live {
		err = fmt.Errorf("segment at %d holds %d entries, counts %d", slot, n, s.live)
	}
	return keys, err
}

// checkBytes compares the account with a count: entries, and tables owned.
func (t *Table) checkBytes() error {
	var bytes int64
	for pos := uint64(0); ; {
		_, last := t.Chunk(pos, func(e *Entry) bool {
			bytes += sizeOf(e)
			if b := e.Body(); b != nil {
				bytes += b.Bytes()
			}
			return true
		})
		if pos = last + 1; pos == 0 {
			break
		}
	}
	if bytes != t.bytes {
		return fmt.Errorf("entries take %d bytes, the table counts %d", bytes, t.bytes)
	}
	return nil
}

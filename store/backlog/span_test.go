package backlog

import (
	"bytes"
	"testing"
)

// TestSpanIsShownWhole stops an append that spans blocks where all of it is written and none of it shown: neither the
// count nor a reader may have moved. Then it is made to the end.
func TestSpanIsShownWhole(t *testing.T) {
	for _, used := range []int{0, 1, minBlock - 1, minBlock} {
		for _, n := range []int{minBlock + 1, 20 * minBlock} {
			b := at(0, 1<<20)
			b.Append(fill(used))
			r, err := b.NewReader(int64(used), 0, nil)
			if err != nil {
				t.Fatal(err)
			}
			p := bytes.Repeat([]byte("0123456789abcde"), n)[:n]
			c := b.state.Load().chain
			aside(c.tail.Load(), used, p, b.Size(), new(reserve))
			first, end := b.Window()
			if got := r.TryNext(0); got != nil || first != 0 || end != int64(used) {
				t.Errorf("%d bytes behind %d, not shown yet: window [%d, %d], a reader gets %d bytes", n, used, first, end, len(got))
			}
			b.Append(p)
			var got []byte
			for q := r.TryNext(0); q != nil; q = r.TryNext(0) {
				got = append(got, q...)
			}
			if _, end := b.Window(); end != int64(used+n) || !bytes.Equal(got, p) {
				t.Errorf("%d bytes behind %d: end %d, a reader gets %d bytes", n, used, end, len(got))
			}
		}
	}
}

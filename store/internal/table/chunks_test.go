package table

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"unsafe"
)

// version is a string in chunks, with what it held when it was made.
type version struct {
	c    *chunkedText
	want string
}

func (v version) verify(t testing.TB, what string) {
	t.Helper()
	if err := v.c.check(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if !v.c.equals(v.want) || v.c.text() != v.want {
		t.Fatalf("%s: a string of %d bytes, want %d, is not what was written", what, v.c.len, len(v.want))
	}
}

// next writes to v, and to its bytes.
func (v version) next(at int, p string) version {
	b := append([]byte(v.want), make([]byte, max(0, at+len(p)-len(v.want)))...)
	copy(b[at:], p)
	return version{v.c.write(at, p), string(b)}
}

// somewhere is an offset up to n, half of the time beside the edge of a chunk.
func somewhere(r *rand.Rand, n int) int {
	at := r.IntN(n + 1)
	if r.IntN(2) == 0 {
		at = at&^(chunkSize-1) + r.IntN(3) - 1
	}
	return min(max(at, 0), n)
}

func noise(r *rand.Rand, n int) string {
	b := make([]byte, n)
	if r.IntN(4) > 0 { // else zero bytes
		for i := range b {
			b[i] = byte(r.Uint32())
		}
	}
	return string(b)
}

// Random writes, appends and cuts give what they give on bytes, and every version
// stays what it was.
func TestChunksAgainstBytes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	const most = 3 * leafSize * chunkSize
	start := noise(r, 1+r.IntN(3*chunkSize))
	old := []version{{newChunks(start), start}}
	for range 400 {
		v := old[r.IntN(len(old))]
		n := 1 + r.IntN(40)
		if r.IntN(4) == 0 {
			n = 1 + r.IntN(3*chunkSize)
		}
		at := somewhere(r, min(v.c.len+chunkSize, most))
		switch r.IntN(20) {
		case 0:
			at = somewhere(r, most)
		case 1, 2:
			at = v.c.len
		case 3:
			n = 0
			at = v.c.len
		}
		v = v.next(at, noise(r, n))
		v.verify(t, "new")
		from := somewhere(r, v.c.len)
		to := from + r.IntN(v.c.len-from+1)
		if v.c.cut(from, to) != v.want[from:to] {
			t.Fatalf("bytes %d to %d of %d are wrong", from, to, v.c.len)
		}
		if old = append(old, v); len(old) > 12 {
			i := r.IntN(len(old))
			old[i].verify(t, "old")
			old = append(old[:i], old[i+1:]...)
		}
	}
	for _, v := range old {
		v.verify(t, "old")
	}
}

// Bytes of the script: offset in steps that reach every edge, length, filling.
func FuzzChunks(f *testing.F) {
	f.Add([]byte{0, 0, 1, 'x'})
	f.Add([]byte{0, 16, 255, 'x', 0, 15, 2, 'y', 1, 0, 16, 0})
	f.Add([]byte{64, 0, 1, 'x', 63, 255, 200, 'y', 0, 0, 255, 0, 255, 255, 255, 'z'})
	f.Fuzz(func(t *testing.T, script []byte) {
		v := version{newChunks("seed"), "seed"}
		var old []version
		for ; len(script) >= 4 && len(old) < 24; script = script[4:] {
			at := int(script[0])<<13 + int(script[1])*chunkSize/16 - int(script[1]&1)
			p := bytes.Repeat(script[3:4], 1+int(script[2])*36)
			old = append(old, v)
			v = v.next(max(at, 0), string(p))
		}
		for _, v := range append(old, v) {
			v.verify(t, "version")
		}
	})
}

// What c alone holds is counted chunk by chunk.
func TestChunksLost(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	kept := newChunks(strings.Repeat("x", 2*leafSize*chunkSize)).write(3*leafSize*chunkSize, "far")
	live, lost := kept, int64(0)
	for range 300 {
		next := live.write(somewhere(r, live.len), noise(r, 1+r.IntN(2*chunkSize)))
		lost += kept.lost(live, next)
		live = next
		if want := alone(kept, live); lost != want {
			t.Fatalf("%d bytes are said to be held alone, %d are", lost, want)
		}
	}
	if lost == 0 || lost > kept.sharable() {
		t.Errorf("%d bytes of %d are held alone", lost, kept.sharable())
	}
}

// alone is what c holds and other does not, found the long way.
func alone(c, other *chunkedText) (bytes int64) {
	has := map[any]bool{}
	for _, l := range other.root {
		if has[l] = true; l != nil {
			for _, ch := range l {
				has[ch] = true
			}
		}
	}
	for _, l := range c.root {
		if l == nil {
			continue
		}
		if !has[l] {
			bytes += leafHeld
		}
		for _, ch := range l {
			if ch != nil && !has[ch] {
				bytes += chunkSize
			}
		}
	}
	return bytes
}

// Zero bytes that nobody wrote take no memory, nor do those that were copied in.
func TestChunksOfZeros(t *testing.T) {
	const n = 512 << 20
	c := newChunks("").write(n-1, "x")
	if c.len != n || c.held > 16<<10 {
		t.Errorf("%d bytes take %d", c.len, c.held)
	}
	if got := c.cut(n-5000, n); got != strings.Repeat("\x00", 4999)+"x" {
		t.Errorf("the last 5000 bytes are %.20q...", got)
	}
	if d := newChunks(strings.Repeat("\x00", 1<<20)); d.held > 1<<10 {
		t.Errorf("1 MB of zero bytes takes %d", d.held)
	}
}

// A write copies what it changes and the way there, however long the string is.
func TestChunksWriteIsCheap(t *testing.T) {
	c := newChunks(strings.Repeat("x", 64<<20))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range 100 {
		c = c.write(i*600_011, "0123456789abcdef")
	}
	runtime.ReadMemStats(&after)
	if n := (after.TotalAlloc - before.TotalAlloc) / 100; n > 16<<10 {
		t.Errorf("16 bytes allocate %d", n)
	}
}

// Readers share the whole as long as one keeps it, and the collector takes it then.
func TestChunksWholeIsShared(t *testing.T) {
	c := newChunks(strings.Repeat("x", 1<<20))
	a := c.text()
	runtime.GC()
	if b := c.text(); unsafe.StringData(a) != unsafe.StringData(b) {
		t.Error("a second reader gets a copy of its own")
	}
	runtime.KeepAlive(a)
	for range 10 { // a stack may refer to it for a while
		runtime.GC()
	}
	if w := c.flat.Load(); w.Value() != nil {
		t.Error("the whole is kept although nobody has it")
	}
	if d := c.write(5, "y"); d.text() == c.text() {
		t.Error("a new version has the old whole")
	}
}

// What lies in one chunk is not copied; a string that was cut out stays.
func TestEntryRange(t *testing.T) {
	e := NewText(1, "k", strings.Repeat("ab", 50_000), 7).Overwrite(2, 1, "-", 1000)
	cut := e.Range(0, 4)
	if n := testing.AllocsPerRun(100, func() { cut = e.Range(0, 4) }); n != 0 {
		t.Errorf("a range in one chunk allocates %v times", n)
	}
	f := e.Overwrite(3, 0, "????", 1000)
	if cut != "a-ab" || e.Range(0, 4) != "a-ab" || f.Range(0, 5) != "????a" || f.Deadline() != 7 || f.Key() != "k" {
		t.Errorf("got %q, %q, then %q", cut, e.Range(0, 4), f.Range(0, 5))
	}
	if got := e.Range(chunkSize-1, chunkSize+1); got != "ba" {
		t.Errorf("across two chunks: %q", got)
	}
	if got := e.Range(9, 9); got != "" {
		t.Errorf("an empty range gives %q", got)
	}
}

// Overwrite chooses the form by length; Len, Same, Append and With hold in each.
func TestOverwriteForms(t *testing.T) {
	const whole = 5000
	for _, n := range []int{0, 1, inlineLimit - 1, inlineLimit, whole - 1, whole, whole + 1, 3 * chunkSize} {
		for _, at := range []int{0, 1, n, n + 7, whole - 1, whole, 10 * chunkSize} {
			v := version{newChunks("-"), strings.Repeat("x", n)}.next(at, "y")
			e := NewText(1, "k", strings.Repeat("x", n), 3).Overwrite(2, at, "y", whole)
			if _, ok := e.Pieces(); ok != (len(v.want) > whole) {
				t.Errorf("%d bytes written at %d: chunks %v", n, at, ok)
			}
			for _, e := range []*Entry{e, e.With(4, "k", 3)} {
				if e.Text() != v.want || e.Len() != len(v.want) || !e.Same("k", v.want, Text, 3) || e.Same("k", "-"+v.want[1:], Text, 3) || e.Check() != nil {
					t.Errorf("%d bytes written at %d: a text of %d bytes, Len %d, %v", n, at, len(e.Text()), e.Len(), e.Check())
				}
			}
			if a := e.Append(5, "more").Append(6, ""); a.Text() != v.want+"more" || a.Key() != "k" || a.Deadline() != 3 {
				t.Errorf("%d bytes written at %d, then appended to: %d bytes", n, at, a.Len())
			}
		}
	}
}

// Readers of all versions beside the writer of the next: for the race detector.
func TestChunksReadersBesideWriter(t *testing.T) {
	var wg sync.WaitGroup
	defer wg.Wait()
	v := version{newChunks(strings.Repeat("x", 20*chunkSize)), strings.Repeat("x", 20*chunkSize)}
	r := rand.New(rand.NewPCG(7, 8))
	for range 40 {
		mine := v
		wg.Go(func() {
			if !mine.c.equals(mine.want) || mine.c.text() != mine.want {
				t.Error("a reader sees another version")
			}
		})
		v = v.next(somewhere(r, v.c.len), noise(r, 100))
	}
}

package table

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// A draft takes pieces in any number and place, and neither the entry that it was made of
// nor what was read of it before changes.
func TestDraftAgainstBytes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	const whole = 5000
	e, b := NewText(1, "key", "start", 7), []byte("start")
	for i := range 300 {
		if r.IntN(20) == 0 {
			b = []byte(noise(r, 1+r.IntN(3*chunkSize)))
			e = NewText(1, "key", string(b), 7)
		}
		n := len(b) + r.IntN(3)*r.IntN(3000)
		d, was, text := e.Draft(n, whole), e, string(b)
		b = append(b, make([]byte, n-len(b))...)
		type read struct{ got, want string }
		var reads []read
		for range r.IntN(6) {
			at := somewhere(r, n-1)
			p := noise(r, 1+r.IntN(min(n-at, 2*chunkSize)))
			d.Write(at, p)
			copy(b[at:], p)
			from := somewhere(r, n-1)
			to := from + r.IntN(n-from+1)
			reads = append(reads, read{d.Range(from, to), string(b[from:to])})
		}
		if d.Len() != n {
			t.Fatalf("a draft of %d bytes has %d", n, d.Len())
		}
		e = d.Entry(uint64(i))
		for _, r := range reads {
			if r.got != r.want {
				t.Fatalf("step %d: what was read of a draft is wrong, or has changed", i)
			}
		}
		if !e.Same("key", string(b), Text, 7) || e.Version() != uint64(i) || e.Check() != nil {
			t.Fatalf("step %d: %d bytes are not what was written to them, %v", i, n, e.Check())
		}
		if was.Text() != text {
			t.Fatalf("step %d: the entry that a draft was made of has changed", i)
		}
		if len(b) > 20*chunkSize {
			b = b[:1]
			e = NewText(1, "key", string(b), 7)
		}
	}
}

// Block by block an entry is made, and read: with its holes.
func TestFilledBlocks(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, inlineLimit, inlineLimit + 1, chunkSize - 1, chunkSize, chunkSize + 1, 5*chunkSize + 77, 2 * leafSize * chunkSize} {
		for _, inChunks := range []bool{false, true} {
			want := make([]byte, n)
			for at := 0; at < n; at += chunkSize {
				if r.IntN(2) == 0 {
					copy(want[at:min(at+chunkSize, n)], bytes.Repeat([]byte{byte(1 + r.IntN(255))}, chunkSize))
				}
			}
			key := []byte("key")
			e := NewFilled(3, View(key), n, inChunks, func(at int, block []byte) bool {
				if len(bytes.Trim(block, "\x00")) > 0 {
					t.Fatalf("the block at %d is not empty", at)
				}
				return strings.Trim(View(block[:copy(block, want[at:])]), "\x00") != ""
			})
			key[0] = 'x'
			if !e.Same("key", string(want), Text, 0) || e.Version() != 3 || e.Check() != nil || e.InChunks() != inChunks {
				t.Fatalf("%d bytes, in chunks %v: %v", n, inChunks, e.Check())
			}
			checkParts(t, e, want)
		}
	}
}

// checkParts reads e block by block, and parts of blocks.
func checkParts(t *testing.T, e *Entry, want []byte) {
	t.Helper()
	for at := 0; at < len(want); at += BlockSize {
		end := min(at+BlockSize, len(want))
		part, hole := e.Part(at, end)
		if part != string(want[at:end]) || hole != (e.InChunks() && strings.Trim(part, "\x00") == "") {
			t.Fatalf("the block at %d is wrong, or a hole: %v", at, hole)
		}
		if part, _ = e.Part(end-1, end); part != string(want[end-1:end]) {
			t.Fatalf("byte %d is %q", end-1, part)
		}
	}
}

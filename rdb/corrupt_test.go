package rdb_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"testing/iotest"
	"time"

	"github.com/understudy-go/understudy/rdb"
)

// TestCorruption damages files and payloads as transfers and disks do, and as an enemy would: flips bits, cuts, repeats, moves and
// splices pieces, and writes the numbers that mean something to the format. Whatever comes out: no panic, an end, and
// no more memory than the documentation allows. The checksum, by which most of it would be found at once, is switched off.
//
// UNDERSTUDY_CORRUPT makes it go on for that long, as in
//
//	UNDERSTUDY_CORRUPT=1h go test -run='^TestCorruption$' -count=1 -timeout=0 -v ./rdb
//
// and UNDERSTUDY_CORRUPT_SEED repeats a run. A failure shows the input.
func TestCorruption(t *testing.T) {
	seed := uint64(1)
	if s := os.Getenv("UNDERSTUDY_CORRUPT_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	c := corruption{t: t, r: rand.New(rand.NewPCG(seed, 2)), files: corruptible(t), payloads: corruptiblePayloads(t)}
	more := func() bool { return c.inputs < 3000 }
	if s := os.Getenv("UNDERSTUDY_CORRUPT"); s != "" {
		long, err := time.ParseDuration(s)
		if err != nil {
			t.Fatal(err)
		}
		if os.Getenv("UNDERSTUDY_CORRUPT_SEED") == "" {
			c.r = rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 2))
		}
		end := time.Now().Add(long)
		more = func() bool { return time.Now().Before(end) }
	}
	for more() && !t.Failed() {
		c.inputs++
		if c.r.IntN(4) == 0 {
			c.payload()
		} else {
			c.file()
		}
	}
	t.Logf("%d inputs of %d files and %d payloads: %d read to their end, %d of these written again; at most %d bytes held and %d allocated for %d of input",
		c.inputs, len(c.files), len(c.payloads), c.whole, c.again, c.held, c.allocated, c.size)
	if c.whole == 0 || c.again == 0 || c.whole == c.inputs {
		t.Error("the damage is such that everything or nothing can be read")
	}
}

type corruption struct {
	t               *testing.T
	r               *rand.Rand
	files, payloads [][]byte

	inputs, whole, again  int
	held, allocated, size int // of the input that took most
}

// corruptible are the files of real servers, and those of the tables.
func corruptible(t *testing.T) (files [][]byte) {
	for _, path := range goldenFiles(t) {
		if file := readFile(t, path); len(file) < 20_000 {
			files = append(files, file)
		}
	}
	for _, tt := range bodies {
		files = append(files, fileOf(12, tt.body))
	}
	for _, tt := range streamBodies {
		files = append(files, fileOf(tt.version, tt.body))
	}
	for _, tt := range dialectFiles {
		files = append(files, tt.file)
	}
	return slices.DeleteFunc(files, func(p []byte) bool { return len(p) > 20_000 })
}

// corruptiblePayloads are the values of these files.
func corruptiblePayloads(t *testing.T) (payloads [][]byte) {
	for _, file := range corruptible(t) {
		d := rdb.NewDecoder(bytes.NewReader(file), nil)
		for {
			rec, err := d.Next()
			if err != nil {
				break
			}
			if rec.Op != rdb.OpKey {
				continue
			}
			var b bytes.Buffer
			e := rdb.NewDumpEncoder(&b, &rdb.EncoderOptions{Version: 12, Compress: len(payloads)%2 == 0})
			if transcodeKey(d, e, rec) == nil && e.End() == nil {
				payloads = append(payloads, b.Bytes())
			}
		}
	}
	return payloads
}

// file damages a file and reads it.
func (c *corruption) file() {
	file := c.damage(c.files)
	if len(file) > 17 {
		clear(file[len(file)-8:]) // not checked
	}
	file = append(file, "\xff\x00\x00\x00\x00\x00\x00\x00\x00"...)
	c.check(file, func() *rdb.Decoder { return rdb.NewDecoder(bytes.NewReader(file), nil) })
	if c.r.IntN(8) == 0 {
		want := dump(rdb.NewDecoder(bytes.NewReader(file), nil))
		if got := dump(rdb.NewDecoderSize(iotest.HalfReader(bytes.NewReader(file)), c.r.IntN(100))); got != want {
			c.fail(file, fmt.Sprintf("through a small buffer it decodes to\n%s\nwant\n%s", got, want))
		}
	}
}

// payload damages a payload and reads it, with the right checksum.
func (c *corruption) payload() {
	value := c.damage(c.payloads)
	value = value[:max(len(value)-10, 0)]
	payload := payloadOf(12, string(value))
	c.check(payload, func() *rdb.Decoder { return rdb.NewDumpDecoder(payload, nil) })
}

// check reads an input in several ways.
func (c *corruption) check(input []byte, open func() *rdb.Decoder) {
	defer func() {
		if p := recover(); p != nil {
			c.fail(input, fmt.Sprint("panic: ", p))
			panic(p)
		}
	}()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	d := open()
	parts, err := countParts(d)
	runtime.ReadMemStats(&after)
	c.measure(input, d.Memory(), int(after.TotalAlloc-before.TotalAlloc), parts)
	skip(open())
	if err != nil {
		return
	}
	c.whole++
	var b bytes.Buffer
	if transcode(open(), rdb.NewEncoder(&b, &rdb.EncoderOptions{Version: 12})) == nil && d.Version() > 0 {
		c.again++
		if got, want := contents(c.t, b.Bytes()), contentsOf(c.t, open()); !maps.Equal(got, want) {
			c.fail(input, fmt.Sprintf("written again it has %.2000q, want %.2000q", got, want))
		}
	}
}

// measure holds an input to its bounds: a text is at most MaxRatio times as long as its compressed form, a Decoder holds no more
// than a few texts, and what it returns has come from at least one byte each.
func (c *corruption) measure(input []byte, held, allocated, parts int) {
	text := len(input) * (rdb.MaxRatio + 1)
	if held > 5*text+1<<18 || allocated > 10*text+1<<20 || parts > text+2 {
		c.fail(input, fmt.Sprintf("%d bytes held, %d allocated, %d parts", held, allocated, parts))
	}
	if allocated > c.allocated {
		c.held, c.allocated, c.size = held, allocated, len(input)
	}
}

func (c *corruption) fail(input []byte, what string) {
	c.t.Errorf("input %d, %s: %s", c.inputs, hex.EncodeToString(input), what)
}

// damage returns one of the inputs, or two, with some damage.
func (c *corruption) damage(inputs [][]byte) []byte {
	p := bytes.Clone(inputs[c.r.IntN(len(inputs))])
	for range 1 + c.r.IntN(4) {
		if len(p) == 0 {
			return p
		}
		at := c.r.IntN(len(p))
		n := min(1+c.r.IntN(1+c.r.IntN(40)), len(p)-at)
		switch c.r.IntN(8) {
		case 0, 1:
			p[at] ^= 1 << c.r.IntN(8)
		case 2, 3:
			const telling = "\x00\x01\x02\x3f\x40\x7f\x80\x81\xbf\xc0\xc2\xc3\xe0\xf0\xf4\xfe\xff"
			p[at] = telling[c.r.IntN(len(telling))]
		case 4:
			p = p[:at]
		case 5:
			p = slices.Delete(p, at, at+n)
		case 6:
			p = slices.Insert(p, c.r.IntN(len(p)), bytes.Clone(p[at:at+n])...)
		case 7:
			other := inputs[c.r.IntN(len(inputs))]
			from := c.r.IntN(len(other))
			p = append(p[:at], other[from:]...)
		}
	}
	return p
}

// countParts reads everything, and counts what it got. It keeps nothing, so that what is allocated is the Decoder's.
func countParts(d *rdb.Decoder) (n int, err error) {
	for {
		rec, err := d.Next()
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		n++
		for ok := rec.Op == rdb.OpKey; ok; n++ {
			var part rdb.StreamPart
			switch rec.Kind {
			case rdb.String:
				_, err = d.Text()
				ok = false
			case rdb.Module:
				_, err = d.Module()
				ok = false
			case rdb.Hash:
				_, _, _, ok, err = d.DatedField()
			case rdb.SortedSet:
				_, _, ok, err = d.Member()
			case rdb.Stream:
				part, ok, err = d.StreamPart()
				for more := part.Op == rdb.PartEntry; more && err == nil; n++ {
					_, _, more, err = d.Field()
				}
			default:
				_, ok, err = d.Element()
			}
			if err != nil {
				return n, err
			}
		}
	}
}

// skip reads the records alone.
func skip(d *rdb.Decoder) {
	for {
		if _, err := d.Next(); err != nil {
			return
		}
	}
}

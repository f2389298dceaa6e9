package rdb_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/rdb"
)

var (
	update   = flag.Bool("update", false, "rewrite the dumps in testdata")
	generate = flag.Bool("generate", false, "rewrite the files in testdata that real servers make")
)

// dump decodes a whole file into text, one line for each thing in it. A line is added for the error that ended it.
func dump(d *rdb.Decoder) string {
	var b strings.Builder
	err := dumpTo(&b, d)
	if err != io.EOF {
		fmt.Fprintf(&b, "error: %v\n", err)
	}
	return b.String()
}

func dumpTo(b *strings.Builder, d *rdb.Decoder) error {
	for {
		rec, err := d.Next()
		if err != nil {
			return err
		}
		switch rec.Op {
		case rdb.OpAux:
			fmt.Fprintf(b, "aux %s = %s\n", short(rec.Name), short(rec.Value))
		case rdb.OpFunction:
			fmt.Fprintf(b, "function %s\n", short(rec.Value))
		case rdb.OpSelectDB:
			fmt.Fprintf(b, "db %d\n", rec.DB)
		case rdb.OpResizeDB:
			fmt.Fprintf(b, "size %d, %d with a deadline\n", rec.Keys, rec.Expires)
		case rdb.OpSlotImport:
			fmt.Fprintf(b, "slot import %s: %v\n", short(rec.Name), d.Slots())
		case rdb.OpEnd:
			fmt.Fprintf(b, "end of version %d at %d\n", d.Version(), d.Offset())
		case rdb.OpKey:
			if err := dumpKey(b, d, rec); err != nil {
				return err
			}
		}
	}
}

func dumpKey(b *strings.Builder, d *rdb.Decoder, rec rdb.Record) error {
	fmt.Fprintf(b, "%s %s", rec.Kind, short(rec.Key))
	if rec.Deadline != 0 {
		fmt.Fprintf(b, " deadline=%d", rec.Deadline)
	}
	if rec.Idle >= 0 {
		fmt.Fprintf(b, " idle=%d", rec.Idle)
	}
	if rec.Freq >= 0 {
		fmt.Fprintf(b, " freq=%d", rec.Freq)
	}
	if rec.Meta {
		fmt.Fprintf(b, " meta=%q", d.KeyMeta())
	}
	if rec.Kind == rdb.Module {
		v, err := d.Module()
		fmt.Fprintf(b, " of %v, version %d = %s\n", rec.Module, rec.Module.Version(), short(v))
		return err
	}
	if rec.Kind == rdb.String {
		v, err := d.Text()
		fmt.Fprintf(b, " = %s\n", short(v))
		return err
	}
	if rec.Kind == rdb.Stream {
		b.WriteString("\n")
		return dumpStream(b, d)
	}
	fmt.Fprintf(b, " len=%d\n", rec.Len)
	return dumpParts(b, d, rec.Kind)
}

// dumpParts writes the first parts of a collection, and for the others their number and a hash of them all.
func dumpParts(b *strings.Builder, d *rdb.Decoder, k rdb.Kind) error {
	all, n := fnv.New64a(), 0
	err := readParts(d, k, func(part, more []byte) {
		if n++; n <= 20 {
			fmt.Fprintf(b, "\t%s", short(part))
			if more != nil {
				fmt.Fprintf(b, " = %s", short(more))
			}
			b.WriteString("\n")
		}
		fmt.Fprintf(all, "%q %q ", part, more)
	})
	if n > 20 {
		fmt.Fprintf(b, "\t... %d %s, fnv %016x\n", n, partNames[k], all.Sum64())
	}
	return err
}

var partNames = map[rdb.Kind]string{rdb.Hash: "fields", rdb.List: "elements", rdb.Set: "members", rdb.SortedSet: "members"}

// readParts calls fn for each part of a collection: field and value, element and nil, or member and score.
func readParts(d *rdb.Decoder, k rdb.Kind, fn func(part, more []byte)) error {
	for {
		var part, more []byte
		var score float64
		var ok bool
		var err error
		switch k {
		case rdb.Hash:
			var deadline int64
			part, more, deadline, ok, err = d.DatedField()
			if deadline != 0 {
				more = fmt.Appendf(bytes.Clone(more), " until %d", deadline)
			}
		case rdb.SortedSet:
			part, score, ok, err = d.Member()
			more = strconv.AppendFloat(nil, score, 'g', -1, 64)
		default:
			part, ok, err = d.Element()
		}
		if !ok || err != nil {
			return err
		}
		fn(part, more)
	}
}

// short quotes p; of a long p only the beginning, the length and a hash.
func short(p []byte) string {
	if len(p) <= 60 {
		return fmt.Sprintf("%q", p)
	}
	h := fnv.New64a()
	h.Write(p)
	return fmt.Sprintf("%q... %d bytes, fnv %016x", p[:40], len(p), h.Sum64())
}

func goldenFiles(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*/*.rdb")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files in testdata, %v", len(files), err)
	}
	return files
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	p, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What real servers wrote is decoded to the text that is kept beside it.
func TestGolden(t *testing.T) {
	for _, path := range goldenFiles(t) {
		t.Run(strings.TrimPrefix(path, "testdata/"), func(t *testing.T) {
			file := readFile(t, path)
			got := dump(rdb.NewDecoder(bytes.NewReader(file), nil))
			text := strings.TrimSuffix(path, ".rdb") + ".txt"
			if *update {
				if err := os.WriteFile(text, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := readFile(t, text); got != string(want) {
				t.Errorf("decodes to\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// Cut anywhere, a file gives a CorruptError that wraps io.ErrUnexpectedEOF and points into what there was.
func TestGoldenTruncated(t *testing.T) {
	for _, path := range goldenFiles(t) {
		file := readFile(t, path)
		var whole *rdb.UnsupportedError
		if err := readAll(rdb.NewDecoder(bytes.NewReader(file), nil)); errors.As(err, &whole) {
			file = file[:whole.Offset] // what comes behind is never looked at
		}
		step := 1 + len(file)/500
		for n := 0; n < len(file); n += step {
			err := readAll(rdb.NewDecoder(bytes.NewReader(file[:n]), nil))
			var corrupt *rdb.CorruptError
			if !errors.As(err, &corrupt) || !errors.Is(err, io.ErrUnexpectedEOF) || corrupt.Offset > int64(n) {
				t.Fatalf("%s cut to %d of %d bytes: %v", path, n, len(file), err)
			}
		}
	}
}

// A changed bit is found by the checksum, if nothing else finds it.
func TestGoldenFlippedBit(t *testing.T) {
	for _, path := range goldenFiles(t) {
		file := readFile(t, path)
		if err := readAll(rdb.NewDecoder(bytes.NewReader(file), nil)); err != nil || unchecked(file) {
			continue
		}
		step := 1 + len(file)/300
		for n := 0; n < len(file); n += step {
			file[n] ^= 1 << (n % 8)
			if err := readAll(rdb.NewDecoder(bytes.NewReader(file), nil)); err == nil {
				t.Fatalf("%s with a bit of byte %d flipped is read without an error", path, n)
			}
			file[n] ^= 1 << (n % 8)
		}
	}
}

func unchecked(file []byte) bool {
	return bytes.Equal(file[len(file)-8:], make([]byte, 8))
}

// readAll reads everything in a file, and returns nil at its end.
func readAll(d *rdb.Decoder) error {
	for {
		rec, err := d.Next()
		if err == io.EOF {
			return nil
		}
		switch rec.Kind {
		case 0:
		case rdb.String:
			_, err = d.Text()
		case rdb.Stream:
			err = dumpStream(io.Discard, d)
		case rdb.Module:
			_, err = d.Module()
		default:
			err = readParts(d, rec.Kind, func(_, _ []byte) {})
		}
		if err != nil {
			return err
		}
	}
}

// TestGenerate makes the files of testdata anew, by the recipes that are there. It runs on demand only: the files hold
// times and memory sizes, so they differ from run to run.
func TestGenerate(t *testing.T) {
	if !*generate {
		t.Skip("files of real servers are made with -generate only")
	}
	recipes, err := filepath.Glob("testdata/*/*.recipe")
	if err != nil || len(recipes) == 0 {
		t.Fatalf("no recipes, %v", err)
	}
	programs := map[string]string{"redis-7.0": "redis7-server", "redis-8.0": "redis8-server"}
	for _, path := range recipes {
		t.Run(path, func(t *testing.T) {
			program := programs[filepath.Base(filepath.Dir(path))]
			file := cook(t, peer(t, program), path)
			if err := os.WriteFile(strings.TrimSuffix(path, ".recipe")+".rdb", file, 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// cook starts a server with the flags in the recipe, sends it the recipe's other lines, and returns what it saved.
func cook(t *testing.T, program, recipe string) []byte {
	text, err := os.ReadFile(recipe)
	if err != nil {
		t.Fatal(err)
	}
	var flags, commands []string
	for line := range strings.Lines(string(text)) {
		switch line = strings.TrimSpace(line); {
		case line == "" || line[0] == '#':
		case strings.HasPrefix(line, "--"):
			flags = append(flags, strings.Fields(line)...)
		default:
			commands = append(commands, line)
		}
	}
	dir := shortDir(t)
	s := startServer(t, program, dir, flags...)
	for _, c := range append(commands, "SAVE") {
		s.send(c + "\r\n") // the inline form, in which servers understand quotes and \x
	}
	file, err := os.ReadFile(filepath.Join(dir, "dump.rdb"))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// Each type that a server writes is in one of its files.
func TestGoldenCoversTypes(t *testing.T) {
	for folder, want := range map[string]string{
		"redis-7.0": "[0 2 4 5 11 16 17 18 19]",
		"redis-8.0": "[0 2 4 5 7 11 16 17 18 20 21 24 25]",
	} {
		seen := map[byte]bool{}
		for _, path := range goldenFiles(t) {
			if !strings.Contains(path, folder) {
				continue
			}
			d := rdb.NewDecoder(bytes.NewReader(readFile(t, path)), nil)
			for {
				rec, err := d.Next()
				if err != nil {
					break
				}
				if rec.Op == rdb.OpKey {
					seen[d.ValueType()] = true
				}
			}
		}
		if got := fmt.Sprint(slices.Sorted(maps.Keys(seen))); got != want {
			t.Errorf("%s: types %s, want %s", folder, got, want)
		}
	}
}

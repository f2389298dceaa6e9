package rdb_test

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"testing"

	"github.com/understudy-go/understudy/rdb"
)

// benchKeys is how many keys the files of the benchmarks hold; figures are per key or field.
const benchKeys = 10_000

func BenchmarkEncode(b *testing.B) {
	keys := make([]string, benchKeys)
	for i := range keys {
		keys[i] = fmt.Sprintf("user:%08d:x", i)
	}
	value := "a value of thirty-two bytes, yes" // 32
	text := string(bytes.Repeat([]byte("compressible "), 80))
	run := func(name string, o *rdb.EncoderOptions, size int, call func(e *rdb.Encoder, key string)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size))
			e := rdb.NewEncoder(io.Discard, o)
			for i := 0; b.Loop(); i++ {
				call(e, keys[i%benchKeys])
			}
		})
	}
	run("string", nil, 49, func(e *rdb.Encoder, key string) { e.String(key, value, 0) })
	run("string/nochecksum", &rdb.EncoderOptions{NoChecksum: true}, 49, func(e *rdb.Encoder, key string) { e.String(key, value, 0) })
	run("string/deadline", nil, 58, func(e *rdb.Encoder, key string) { e.String(key, value, 4102444800000) })
	run("string/integer", nil, 20, func(e *rdb.Encoder, key string) { e.String(key, "12345", 0) })
	run("string/compress/size=1040", &rdb.EncoderOptions{Compress: true}, 1040, func(e *rdb.Encoder, key string) { e.String(key, text, 0) })
	run("hash/fields=1", nil, 70, func(e *rdb.Encoder, key string) {
		e.BeginHash(key, 1, 0)
		e.Field("a field", value)
	})
	b.Run("entry", func(b *testing.B) {
		e := rdb.NewEncoder(io.Discard, nil)
		b.ReportAllocs()
		for n := 0; n < b.N; n += benchKeys {
			e.BeginStream("s", rdb.StreamState{Last: rdb.StreamID{Ms: 1 << 50}}, benchEntries(value), 0)
		}
	})
}

// benchEntries are entries of two pairs.
func benchEntries(value string) iter.Seq2[rdb.StreamID, []string] {
	pairs := []string{"name", value, "number", "12345"}
	return func(yield func(rdb.StreamID, []string) bool) {
		for i := range benchKeys {
			if !yield(rdb.StreamID{Ms: 1700000000000 + uint64(i)}, pairs) {
				return
			}
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	value := "a value of thirty-two bytes, yes"
	key := func(i int) string { return fmt.Sprintf("user:%08d:x", i) }
	files := []struct {
		name  string
		calls func(e *rdb.Encoder)
	}{
		{"string", func(e *rdb.Encoder) {
			for i := range benchKeys {
				e.String(key(i), value, 0)
			}
		}},
		{"string/deadline", func(e *rdb.Encoder) {
			for i := range benchKeys {
				e.String(key(i), value, 4102444800000)
			}
		}},
		{"string/integer", func(e *rdb.Encoder) {
			for i := range benchKeys {
				e.String(key(i), fmt.Sprint(i), 0)
			}
		}},
		{"field", func(e *rdb.Encoder) {
			e.BeginHash("h", benchKeys, 0)
			for i := range benchKeys {
				e.Field(key(i), value)
			}
		}},
		{"entry", func(e *rdb.Encoder) {
			e.BeginStream("s", rdb.StreamState{Last: rdb.StreamID{Ms: 1 << 50}}, benchEntries(value), 0)
		}},
	}
	for _, f := range files {
		b.Run(f.name, func(b *testing.B) {
			file := encode(b, nil, f.calls)
			b.SetBytes(int64(len(file) / benchKeys))
			b.ReportAllocs()
			r := bytes.NewReader(file)
			for n := 0; n < b.N; n += benchKeys {
				r.Reset(file)
				if err := readAll(rdb.NewDecoder(r, nil)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

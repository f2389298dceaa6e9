package resp

import (
	"fmt"
	"strings"
	"testing"
)

func benchArgs(n, size int) []string {
	args := make([]string, n)
	for i := range args {
		args[i] = strings.Repeat("x", size)
	}
	return args
}

var benchShapes = []struct{ args, bulk int }{{3, 32}, {3, 4}, {3, 1024}, {100, 32}}

// BenchmarkReaderCommand reads one command an iteration, in batches as the apply
// of a stream does.
func BenchmarkReaderCommand(b *testing.B) {
	for _, s := range benchShapes {
		b.Run(fmt.Sprintf("args=%d/bulk=%d", s.args, s.bulk), func(b *testing.B) {
			one := AppendCommand(nil, benchArgs(s.args, s.bulk)...)
			r := NewReader(&loop{data: []byte(strings.Repeat(string(one), 1000))}, nil)
			b.SetBytes(int64(len(one)))
			b.ReportAllocs()
			for b.Loop() {
				_, ok, err := r.TryCommand()
				if !ok {
					_, err = r.ReadCommand()
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReaderInline(b *testing.B) {
	line := "set key value\r\n"
	r := NewReader(&loop{data: []byte(line)}, nil)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.ReadCommand(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReaderValue(b *testing.B) {
	wire := AppendValue(nil, ArrayOf(BulkString("field"), BulkString("value"), Integer(42)), 3)
	r := NewReader(&loop{data: wire}, nil)
	b.SetBytes(int64(len(wire)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.ReadValue(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendCommand(b *testing.B) {
	for _, s := range benchShapes {
		b.Run(fmt.Sprintf("args=%d/bulk=%d", s.args, s.bulk), func(b *testing.B) {
			args := benchArgs(s.args, s.bulk)
			buf := AppendCommand(nil, args...)
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				buf = AppendCommand(buf[:0], args...)
			}
		})
	}
}

package server

import "testing"

// BenchmarkExecute measures what the server adds to a command that has arrived with others: it is executed, and its reply is collected. One operation is one
// command; nothing is read or written.
func BenchmarkExecute(b *testing.B) {
	for _, bm := range []struct {
		name  string
		lines [][]string
	}{
		{"same", [][]string{{"GET", "k"}}},
		{"mixed", [][]string{{"GET", "k"}, {"EXISTS", "k"}, {"STRLEN", "k"}, {"TTL", "k"}}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			s := start(b, newFake(b))
			c := dial(b, s)
			c.want("OK", "SET", "k", "v")
			own := s.clients()[0]
			lines := make([][][]byte, len(bm.lines))
			for i, words := range bm.lines {
				for _, w := range words {
					lines[i] = append(lines[i], []byte(w))
				}
			}
			c.want("PONG", "PING") // the connection's goroutine is reading from here on
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				own.execute(lines[i%len(lines)])
				if own.full {
					own.dropReplies()
					own.full = false
				}
			}
		})
	}
}

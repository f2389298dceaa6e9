package store

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/understudy-go/understudy/resp"
)

// pfSides are a store and a real server that get the same commands.
type pfSides struct {
	t    *testing.T
	c    *Session
	peer *peer
	sent int
}

func (s *pfSides) do(args ...string) {
	s.t.Helper()
	s.sent++
	ours, theirs := asRead(s.t, s.c.Do(argv(args...)), 2), s.peer.do(args...).String()
	if ours != theirs {
		s.t.Fatalf("command %d, %.60q:\nstore  %.300s\nserver %.300s", s.sent, args, ours, theirs)
	}
}

// elements are some out of n, so that some come again.
func elements(r *rand.Rand, n, most int) (list []string) {
	for range r.IntN(most + 1) {
		list = append(list, fmt.Sprint("element ", r.IntN(n)))
	}
	return list
}

// The same elements make the same bytes here and in servers, whatever their number and
// their order, and so do unions; and they are counted as the same to the unit.
func TestServerCounts(t *testing.T) {
	for _, name := range []string{"redis7-server", "redis8-server"} {
		t.Run(name, func(t *testing.T) {
			s := &pfSides{t: t, c: newStore(t, nil).NewSession(nil), peer: startPeer(t, name, nil)}
			r := rand.New(rand.NewPCG(7, 8))
			keys := []string{"a", "b", "c", "d"}
			for round := range fewer(1000, 300) {
				key := keys[r.IntN(len(keys))]
				switch r.IntN(12) {
				case 0:
					s.do("PFCOUNT", key)
				case 1:
					s.do("PFCOUNT", key, keys[r.IntN(len(keys))], "none")
				case 2:
					s.do("PFMERGE", key, keys[r.IntN(len(keys))], keys[r.IntN(len(keys))])
				case 3:
					s.do("PFDEBUG", "DECODE", key)
				case 4:
					if r.IntN(4) == 0 {
						s.do("DEL", key)
					}
				default:
					s.do(append([]string{"PFADD", key}, elements(r, 1<<(3+round%18), 1<<(round%9))...)...)
				}
				s.do("GET", key)
			}
			if got, want := s.c.s.Digest(), s.peer.digest(); got != want {
				t.Errorf("digest %s, of the server %s", got, want)
			}
		})
	}
}

// Values that somebody made by hand have the same answers.
func TestServerCountsStrangeValues(t *testing.T) {
	s := &pfSides{t: t, c: newStore(t, nil).NewSession(nil), peer: startPeer(t, "redis7-server", nil)}
	for _, body := range strangeSketches() {
		for _, command := range [][]string{{"PFCOUNT", "k"}, {"PFCOUNT", "k", "none"}, {"PFADD", "k", "a"}, {"PFADD", "k"}, {"PFMERGE", "m", "k"}, {"PFMERGE", "k"},
			{"PFDEBUG", "ENCODING", "k"}, {"PFDEBUG", "DECODE", "k"}, {"PFDEBUG", "TODENSE", "k"}} {
			s.do("SET", "k", body)
			s.do("DEL", "m")
			s.do(command...)
		}
	}
}

// Both ways: a server follows what the store streams, the store what the server streams,
// and a file takes values over. Then the bytes are the same.
func TestServerTakesSketches(t *testing.T) {
	s := newStore(t, nil)
	c := s.NewSession(nil)
	before := s.backlog.Offset()
	for i := range 200 {
		do(t, c, fmt.Sprintf("PFADD small%d e%d f%d", i%5, i, i%7))
		do(t, c, fmt.Sprintf("PFADD large %d %d %d %d %d %d %d", i, i+1000, i+2000, i+3000, i+4000, i+5000, i+6000))
		do(t, c, fmt.Sprintf("PFMERGE union%d small%d large", i%3, i%5))
		do(t, c, fmt.Sprintf("PFCOUNT union%d", i%2))
	}
	do(t, c, "PFDEBUG TODENSE small1")
	for _, name := range []string{"redis7-server", "redis8-server"} {
		loaded := startPeer(t, name, file(t, s))
		if got, want := loaded.digest(), s.Digest(); got != want {
			t.Errorf("%s: digest after a load is %s, want %s", name, got, want)
		}
		told := startPeer(t, name, nil)
		for _, f := range split(t, streamSince(t, s, before)) {
			args := make([]string, len(f.Args))
			for i, a := range f.Args {
				args[i] = string(a)
			}
			if v := told.do(args...); v.Kind == resp.Error {
				t.Fatalf("%s: %q: %s", name, args, v.Str)
			}
		}
		if got, want := told.digest(), s.Digest(); got != want {
			t.Errorf("%s: digest after the stream is %s, want %s", name, got, want)
		}
		if got, want := load(t, loaded.save()).Digest(), s.Digest(); got != want {
			t.Errorf("%s: digest of its file is %s, want %s", name, got, want)
		}
	}
}

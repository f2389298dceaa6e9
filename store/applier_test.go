package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func wires(lines ...string) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(wire(l))
	}
	return b.String()
}

// newReplica returns a store in the role of a replica at offset 1000 of some
// history.
func newReplica(t testing.TB, o *Options) (*Store, *Applier) {
	t.Helper()
	s := newStore(t, o)
	s.Replication().Demote()
	s.mu.Lock()
	h := s.backlog.History()
	h.Offset, h.StreamDB = 1000, 0
	s.backlog.Reset(h)
	s.mu.Unlock()
	return s, s.Replication().NewApplier()
}

// What came before the offending unit is applied and forwarded; of the unit
// itself nothing is, and the error says where its command stands.
func TestApplierErrors(t *testing.T) {
	before := wires("SELECT 1", "SET k v")
	for _, tt := range []struct {
		name string
		bad  []string // the last of good commands is at index at-1
		at   int      // index of the offending command
		err  string   // %d is its offset
		is   error
	}{
		{"unknown command", []string{"VADD l 1"}, 0, `store: unknown command "VADD" in the stream at offset %d`, nil},
		{"unknown in MULTI", []string{"MULTI", "SET k w", "VADD l 1", "SET k x", "EXEC"}, 2, `store: unknown command "VADD" in the stream at offset %d`, nil},
		{"unknown after one", []string{"MULTI", "SET k w", "VADD l 1", "EXEC"}, 2, `store: unknown command "VADD" in the stream at offset %d`, nil},
		{"unknown alone in MULTI", []string{"MULTI", "VADD l 1", "EXEC"}, 1, `store: unknown command "VADD" in the stream at offset %d`, nil},
		{"session command", []string{"WATCH k"}, 0, `store: unknown command "WATCH" in the stream at offset %d`, nil},
		{"error reply", []string{"INCR k"}, 0, `store: command "INCR" in the stream at offset %d: ERR value is not an integer or out of range`, nil},
		{"error in MULTI", []string{"MULTI", "SET n 1", "DEL k", "HSET h f v", "RENAME none k", "EXEC"}, 4, `store: command "RENAME" in the stream at offset %d: ERR no such key`, nil},
		{"error after FLUSHALL", []string{"MULTI", "SET n 1", "FLUSHALL", "SWAPDB 0 1", "INCRBY n x", "EXEC"}, 4, `store: command "INCRBY" in the stream at offset %d: ERR value is not an integer or out of range`, nil},
		{"wrong arity", []string{"SET k"}, 0, `store: command "SET" in the stream at offset %d: ERR wrong number of arguments for 'set' command`, nil},
		{"SELECT out of range", []string{"SELECT 16"}, 0, `store: command "SELECT" in the stream at offset %d: ERR DB index is out of range`, ErrNoDatabase},
		{"SELECT in MULTI", []string{"MULTI", "SELECT 2", "SELECT -1", "EXEC"}, 2, `store: command "SELECT" in the stream at offset %d: ERR DB index is out of range`, ErrNoDatabase},
		{"SELECT of no number", []string{"SELECT x"}, 0, `store: command "SELECT" in the stream at offset %d: ERR value is not an integer or out of range`, ErrNotInteger},
		{"nested MULTI", []string{"MULTI", "SET k w", "MULTI"}, 2, `store: command "MULTI" in the stream at offset %d: ERR syntax error`, ErrSyntax},
		{"EXEC without MULTI", []string{"EXEC"}, 0, `store: command "EXEC" in the stream at offset %d: ERR syntax error`, ErrSyntax},
		{"library and error", []string{"MULTI", "FUNCTION FLUSH", "SET n 1", "INCR k", "EXEC"}, 3, `store: command "INCR" in the stream at offset %d: ERR value is not an integer or out of range`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all := before + wires(tt.bad...)
			offset := 1000 + int64(len(before)) + int64(len(wires(tt.bad[:tt.at]...)))
			// In one batch, and cut in two at every frame: what is held back counts.
			frames := split(t, all)
			for cut := range frames {
				s, a := newReplica(t, nil)
				s.mu.functions = libraries{"lib": "#!lua name=lib"}
				head := 0
				for _, f := range frames[:cut] {
					head += f.Size
				}
				err := apply(t, a, all[:head])
				if err == nil {
					err = apply(t, a, all[head:])
				}
				if want := fmt.Sprintf(tt.err, offset); err == nil || err.Error() != want {
					t.Errorf("cut at %d: error %v, want %s", cut, err, want)
				}
				if tt.is != nil && !errors.Is(err, tt.is) {
					t.Errorf("cut at %d: %v is not %v", cut, err, tt.is)
				}
				checkAsBefore(t, s, before)
				a.Drop()
				if err := apply(t, a, wires("SELECT 1", "APPEND k w")); err != nil {
					t.Errorf("cut at %d: the applier is of no use after Drop: %v", cut, err)
				}
				if v, _ := s.DB(1).Get("k"); v != "vw" {
					t.Errorf("cut at %d: after Drop k = %q, want vw", cut, v)
				}
			}
		})
	}
}

func checkAsBefore(t *testing.T, s *Store, before string) {
	t.Helper()
	h := s.Replication().History()
	if got := streamSince(t, s, 1000); got != before || h.StreamDB != 1 {
		t.Errorf("forwarded %q, database %d, want %q, 1", got, h.StreamDB, before)
	}
	if v, err := s.DB(1).Get("k"); v != "v" || err != nil || s.DB(1).Len() != 1 || s.DB(0).Len() != 0 || s.DB(2).Len() != 0 {
		t.Errorf("the failing unit changed the data: k = %q, %v", v, err)
	}
	if len(s.mu.functions) != 1 {
		t.Errorf("the failing unit changed the function libraries")
	}
	if err := s.check(); err != nil {
		t.Error(err)
	}
}

// A transaction that has not arrived whole is not applied, not counted and not
// forwarded, wherever it is cut; the offset stands before its MULTI.
func TestUnfinishedTransactionIsHeldBack(t *testing.T) {
	lines := []string{"SET a 1", "MULTI", "SELECT 2", "INCR n", "PING", "INCR n", "EXEC", "INCR n"}
	all := wires(lines...)
	for cut := 0; cut <= len(lines); cut++ {
		s, a := newReplica(t, nil)
		head := wires(lines[:cut]...)
		if err := apply(t, a, head); err != nil {
			t.Fatal(err)
		}
		whole := head
		if cut >= 2 && cut <= 6 {
			whole = wires(lines[:1]...)
		}
		if got := streamSince(t, s, 1000); got != whole || a.Held() != len(head)-len(whole) {
			t.Errorf("cut at %d: forwarded %q, held %d, want %q, %d", cut, got, a.Held(), whole, len(head)-len(whole))
		}
		if _, err := s.DB(2).Get("n"); (err == nil) != (cut > 6) {
			t.Errorf("cut at %d: n is there: %v", cut, err)
		}
		// Either the rest comes, or the link breaks and all is sent again.
		rest := all[len(head):]
		if cut%2 == 0 {
			a.Drop()
			rest = all[len(whole):]
		}
		if err := apply(t, a, rest); err != nil {
			t.Fatal(err)
		}
		if v, _ := s.DB(2).Get("n"); v != "3" || streamSince(t, s, 1000) != all || a.Held() != 0 {
			t.Errorf("cut at %d: in the end n = %q, %d bytes held", cut, v, a.Held())
		}
	}
}

// What is forwarded are the very bytes that came, whatever their form.
func TestForwardedBytesAreTheSame(t *testing.T) {
	raw := "*3\r\n$3\r\nsEt\r\n$1\r\nk\r\n$1\r\nv\r\n" + "*1\r\n$4\r\npiNG\r\n" + "*2\r\n$6\r\nselect\r\n$2\r\n15\r\n" +
		"*1\r\n$5\r\nmulti\r\n" + "*2\r\n$4\r\nincr\r\n$1\r\nn\r\n" + "*1\r\n$4\r\nexec\r\n" +
		"*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n" + "*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$1\r\nm\r\n"
	for size := 1; size <= 8; size++ {
		s, a := newReplica(t, nil)
		frames := split(t, raw)
		at := 0
		for len(frames) > 0 {
			n := min(size, len(frames))
			end := at
			for _, f := range frames[:n] {
				end += f.Size
			}
			if err := a.Apply(frames[:n], []byte(raw[at:end])); err != nil {
				t.Fatal(err)
			}
			frames, at = frames[n:], end
		}
		if got := streamSince(t, s, 1000); got != raw {
			t.Errorf("batches of %d: forwarded %q, want %q", size, got, raw)
		}
		if h := s.Replication().History(); h.StreamDB != 15 || h.Offset != 1000+int64(len(raw)) {
			t.Errorf("batches of %d: history %+v", size, h)
		}
	}
}

func TestTransactionLimit(t *testing.T) {
	// Bytes are kept twice, and each frame and each of the four words costs beside.
	cost := int64(2*len(wires("MULTI", "SET k 0123456789")) + 2*frameCost + 4*argCost)
	for _, tt := range []struct {
		limit int64
		err   error
	}{{cost, nil}, {cost - 1, ErrTransactionTooBig}} {
		s, a := newReplica(t, &Options{TransactionBytes: tt.limit})
		err := apply(t, a, wire("SET a 1")+wire("MULTI"))
		if err == nil {
			err = apply(t, a, wire("SET k 0123456789"))
		}
		if err != tt.err {
			t.Errorf("limit %d: %v, want %v", tt.limit, err, tt.err)
		}
		if got := streamSince(t, s, 1000); got != wire("SET a 1") {
			t.Errorf("limit %d: forwarded %q", tt.limit, got)
		}
		if err != nil && a.Held() != 0 {
			t.Errorf("limit %d: %d bytes are still held", tt.limit, a.Held())
		}
	}
}

// Keys written by the stream survive the reuse of the buffers they came in.
func TestHeldFramesAreCopied(t *testing.T) {
	s, a := newReplica(t, nil)
	big := strings.Repeat("v", 3000)
	for _, l := range []string{"MULTI", "SET k " + big, "HSET h f " + big, "EXEC", "SET z " + big} {
		if err := apply(t, a, wire(l)); err != nil {
			t.Fatal(err)
		}
	}
	k, _ := s.DB(0).Get("k")
	z, _ := s.DB(0).Get("z")
	f, _ := s.DB(0).HGet("h", "f")
	if k != big || z != big || f != big {
		t.Errorf("values changed with the buffers: %.10q %.10q %.10q", k, z, f)
	}
}

// Function libraries are carried: stream to data, data to file, file to data.
func TestLibrariesAreCarried(t *testing.T) {
	s, a := newReplica(t, nil)
	code := func(name, body string) string { return "#!lua name=" + name + "\n" + body }
	load := func(args ...string) string {
		return "*" + fmt.Sprint(len(args)) + "\r\n" + bulks(args)
	}
	err := apply(t, a, load("FUNCTION", "LOAD", code("one", "1"))+load("FUNCTION", "LOAD", "REPLACE", code("one", "2"))+
		load("function", "load", code("two", "x"))+load("FUNCTION", "LOAD", code("three", "x"))+load("FUNCTION", "DELETE", "three"))
	if err != nil {
		t.Fatal(err)
	}
	sn := s.Snapshot()
	defer sn.Close()
	if err := apply(t, a, load("FUNCTION", "FLUSH", "ASYNC")+wire("FLUSHALL")); err != nil {
		t.Fatal(err)
	}
	n, _ := loadStore(t, sn)
	if l := n.mu.functions; len(l) != 2 || l["one"] != code("one", "2") || l["two"] != code("two", "x") {
		t.Errorf("libraries of the file: %q", l)
	}
	if len(s.mu.functions) != 0 {
		t.Errorf("after FLUSH: %q", s.mu.functions)
	}
	if err := apply(t, a, load("FUNCTION", "LOAD", "no name")); err == nil {
		t.Errorf("a library without a name was accepted")
	}
}

func bulks(args []string) string {
	var b strings.Builder
	for _, x := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(x), x)
	}
	return b.String()
}

// A primary later than Redis 7.0 sorts by numbers beyond the range of a double: what it
// stored is stored here too, while clients get the error of Redis 7.0.
func TestSortByWhatThePrimarySortedBy(t *testing.T) {
	s, a := newReplica(t, nil)
	if err := apply(t, a, wires("RPUSH l 1e400 5 -1e400", "SORT l STORE d")); err != nil {
		t.Fatal(err)
	}
	c := s.NewSession(nil)
	if got := do(t, c, "LRANGE d 0 -1").String(); got != `["-1e400" "5" "1e400"]` {
		t.Errorf("stored %s", got)
	}
	if got := c.Do(argv("SORT_RO", "l")).String(); got[0] != '-' {
		t.Errorf("SORT_RO = %s", got)
	}
}

package replication_test

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/store"
)

var loadModes = []replication.LoadMode{replication.LoadAside, replication.LoadInPlace, replication.LoadWhenEmpty, replication.LoadSpooled}

// disk makes temporary files and counts those that are open. It can be full, or slow.
type disk struct {
	t   testing.TB
	dir string

	mu sync.Mutex

	// mu protects the fields below.
	trouble trouble
	made    int
	open    int
}

// trouble is what is wrong with a disk. The zero value is none.
type trouble struct {
	room  int          // bytes of a file; 0 = as many as come
	noNew error        // why no file can be made
	read  func() error // called before each read; may be nil
	write func()       // called before each write; may be nil
}

func (d *disk) suffer(with trouble) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.trouble = with
}

func (d *disk) suffers() trouble {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.trouble
}

func newDisk(t testing.TB) *disk { return &disk{t: t, dir: t.TempDir()} }

func (d *disk) create() (replication.SpoolFile, error) {
	if err := d.suffers().noNew; err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(d.dir, "spool")
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.made++
	d.open++
	return &diskFile{File: f, d: d}, nil
}

// clean fails unless all files are closed and gone, and want of them were made, once whoever is at it has ended.
func (d *disk) clean(want int) {
	d.t.Helper()
	d.gone()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.made != want {
		d.t.Errorf("%d files made, want %d", d.made, want)
	}
}

// gone is clean for any number of files.
func (d *disk) gone() {
	d.t.Helper()
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	left, err := os.ReadDir(d.dir)
	if d.open != 0 || len(left) != 0 || err != nil {
		d.t.Errorf("of %d files %d open, %d left, %v", d.made, d.open, len(left), err)
	}
}

type diskFile struct {
	*os.File
	d    *disk
	size int
}

func (f *diskFile) Write(b []byte) (int, error) {
	if write := f.d.suffers().write; write != nil {
		write()
	}
	if f.size += len(b); f.size > cmp.Or(f.d.suffers().room, f.size) {
		return 0, syscall.ENOSPC
	}
	return f.File.Write(b)
}

func (f *diskFile) ReadAt(b []byte, at int64) (int, error) {
	if read := f.d.suffers().read; read != nil {
		if err := read(); err != nil {
			return 0, err
		}
	}
	return f.File.ReadAt(b, at)
}

func (f *diskFile) Close() error {
	f.d.mu.Lock()
	f.d.open--
	f.d.mu.Unlock()
	return f.File.Close()
}

// content names what r holds of the keys that the tests use: a, b of the old data, c, d of the new.
func content(r *replication.Replica) string {
	var b strings.Builder
	for _, k := range []string{"a", "b", "c", "d"} {
		if get(r.Store(), k) != "" {
			b.WriteString(k)
		}
	}
	return b.String()
}

// framed is a grant of a full resync with its payload, with a length or a mark.
func framed(file []byte, offset int, marked bool) string {
	head := fmt.Sprintf("+FULLRESYNC %s %d\r\n", flipID, offset)
	if marked {
		return head + "$EOF:" + wireMark + "\r\n" + string(file) + wireMark
	}
	return head + fmt.Sprintf("$%d\r\n", len(file)) + string(file)
}

// loading starts a replica that has the old data, and whose second resync is what resync does. The link is then left alone for a while; the third brings
// the new data.
func loading(t *testing.T, mode replication.LoadMode, d *disk, resync func(p *peer)) *replication.Replica {
	t.Helper()
	f := newFakePrimary(t,
		func(p *peer) { p.grant(rdbOf(t, "a", "b"), 7) },
		func(p *peer) { p.shakeHands(); resync(p) },
		func(p *peer) { p.grant(rdbOf(t, "c", "d"), 50); p.live() },
	)
	r, err := replication.NewReplica("redis://fake:6379", &replication.ReplicaOptions{
		Dial: f.net.Dial, LoadMode: mode, Timeout: 20 * time.Second, Guard: replication.Guard{Off: true},
		Backoff: func(int) time.Duration { return 10 * time.Second },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	r.SpoolTo(16, d.create)
	go r.Run(t.Context())
	if err := r.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// A payload that ends after whichever byte leaves the data as it was, or, in place, no data; never a part of the new. After that the replica asks for what it
// needs, and gets it. All temporary files are gone.
func TestLoadModesCutAfterEachByte(t *testing.T) {
	held := map[bool]int{true: len(wireMark) - 1} // bytes that may still turn out to be of the mark
	for _, mode := range loadModes {
		for _, marked := range []bool{false, true} {
			text := framed(rdbOf(t, "c", "d"), 50, marked)
			for n := strings.Index(text, "\n") + 1; n < len(text); n++ {
				synctest.Test(t, func(t *testing.T) {
					d := newDisk(t)
					r := loading(t, mode, d, func(p *peer) { p.say("%s", text[:n]) })
					time.Sleep(15 * time.Second) // the second attempt has failed, the third has not begun
					st, got := r.Status(), content(r)
					dropped := st.Vacant && got == "" && st.Offset == 0 && st.ID != fakeID && st.ID != flipID && st.Secondary == ""
					kept := !st.Vacant && got == "ab" && st.Offset == 7 && st.ID == fakeID
					begun := n >= strings.Index(text, "REDIS")+9+held[marked]
					if st.State != replication.Waiting || kept == dropped || dropped != (mode == replication.LoadInPlace && begun) {
						t.Errorf("%v, cut after %q: data %q, %+v", mode, text[:n], got, st)
					}
					time.Sleep(10 * time.Second)
					if st, got := r.Status(), content(r); st.State != replication.Streaming || got != "cd" || st.Vacant || st.ID != fakeID {
						t.Errorf("%v, cut after %q, then: data %q, %+v", mode, text[:n], got, st)
					}
					files := d.made
					d.clean(files)
					if spools := mode == replication.LoadSpooled || mode == replication.LoadWhenEmpty; spools != (files > 0) {
						t.Errorf("%v: %d temporary files", mode, files)
					}
				})
				if t.Failed() {
					return
				}
			}
		}
	}
}

// However slowly a payload comes, at each byte of it readers see the old data, or in place none, and then all of the new.
func TestNobodySeesHalfALoad(t *testing.T) {
	for _, mode := range loadModes {
		synctest.Test(t, func(t *testing.T) {
			text := framed(rdbOf(t, "c", "d"), 50, true)
			d := newDisk(t)
			var seen []string
			step, stepped := make(chan string), make(chan struct{})
			r := loading(t, mode, d, func(p *peer) {
				for s := range step {
					p.say("%s", s)
					stepped <- struct{}{}
				}
				p.live()
			})
			for i := range len(text) {
				step <- text[i : i+1]
				<-stepped
				synctest.Wait()
				if got := content(r); len(seen) == 0 || seen[len(seen)-1] != got {
					seen = append(seen, got)
				}
			}
			close(step)
			want := "ab>cd"
			if mode == replication.LoadInPlace {
				want = "ab>>cd"
			}
			if got := strings.Join(seen, ">"); got != want {
				t.Errorf("%v: readers saw %s, want %s", mode, got, want)
			}
			d.gone()
		})
	}
}

// A replica that is promoted in the middle of a load is a primary of the old data, under a history that goes on; in place it is an empty one, whose history
// nobody continues.
func TestPromotionInTheMiddleOfALoad(t *testing.T) {
	for _, mode := range loadModes {
		synctest.Test(t, func(t *testing.T) {
			text := framed(rdbOf(t, "c", "d"), 50, true)
			d := newDisk(t)
			r := loading(t, mode, d, func(p *peer) { p.say("%s", text[:len(text)-60]); p.hold() })
			time.Sleep(15 * time.Second)
			if st := r.Status(); st.State != replication.Loading {
				t.Fatalf("%v: not in the middle of a load: %+v", mode, st)
			}
			p, err := r.Promote(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			do(t, p.Store(), "INCR", "n")
			st, got := p.Status(), content(r)
			c := clientOf(t, r)
			c.send("PSYNC", fakeID, "8")
			if mode == replication.LoadInPlace {
				c.expect("+FULLRESYNC " + st.ID)
				if got != "" || st.Secondary == fakeID || st.Vacant || p.Store().Save(t.TempDir()+"/dump.rdb") != nil {
					t.Errorf("%v: data %q, %+v", mode, got, st)
				}
			} else {
				c.expect("+CONTINUE")
				if got != "ab" || st.Secondary != fakeID || st.SecondaryLimit != 7 {
					t.Errorf("%v: data %q, %+v", mode, got, st)
				}
			}
			d.gone()
		})
	}
}

// big is a payload that takes several reads of its file.
func big(t testing.TB) []byte {
	s := store.New(nil)
	defer s.Close()
	for _, k := range []string{"c", "d"} {
		do(t, s, "SET", k, strings.Repeat("v", 1<<20))
	}
	sn := s.Snapshot()
	defer sn.Close()
	var b strings.Builder
	if err := sn.WriteRDB(&b, nil); err != nil {
		t.Fatal(err)
	}
	return []byte(b.String())
}

// The file is all that is left of the sync when it is loaded, and closing a connection says nothing to who reads a file. Promotion and Close do not wait for its end.
func TestStopWhileTheFileLoads(t *testing.T) {
	for _, how := range []string{"promote", "close"} {
		synctest.Test(t, func(t *testing.T) {
			d := newDisk(t)
			reading, goOn := make(chan struct{}), make(chan struct{})
			var reads, newlines atomic.Int64
			r := loading(t, replication.LoadSpooled, d, func(p *peer) {
				p.say("%s", framed(big(t), 50, false))
				b := make([]byte, 64)
				for n, err := p.Read(b); err == nil; n, err = p.Read(b) {
					newlines.Add(int64(strings.Count(string(b[:n]), "\n")))
				}
			})
			d.suffer(trouble{read: func() error {
				if reads.Add(1) == 2 {
					close(reading)
					<-goOn
				}
				return nil
			}})
			<-reading
			time.Sleep(5 * time.Second)
			if st := r.Status(); st.State != replication.Loading || st.Spooled != st.Total || st.Spooled <= st.Loaded || newlines.Load() < 4 {
				t.Errorf("%d newlines, %+v", newlines.Load(), st)
			}
			done := make(chan error, 1)
			go func() {
				if how == "close" {
					done <- r.Close()
					return
				}
				_, err := r.Promote(t.Context(), nil)
				done <- err
			}()
			synctest.Wait()
			close(goOn)
			if err := <-done; err != nil || reads.Load() > 2 || content(r) != "ab" {
				t.Errorf("%s: %v, %d reads of the file, data %q", how, err, reads.Load(), content(r))
			}
			d.clean(2)
		})
	}
}

// A disk that is full, or broken, costs the attempt and nothing else. The error tells; the next attempt may find room.
func TestSpoolFails(t *testing.T) {
	for name, with := range map[string]trouble{
		"full":       {room: 20000},
		"read only":  {noNew: syscall.EROFS},
		"unreadable": {read: func() error { return syscall.EIO }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDisk(t)
				r := loading(t, replication.LoadSpooled, d, func(p *peer) { p.say("%s", framed(big(t), 50, true)); p.hold() })
				d.suffer(with)
				time.Sleep(15 * time.Second)
				st := r.Status()
				var spool *replication.SpoolError
				var link *replication.LinkError
				if st.State != replication.Waiting || !errors.As(st.Err, &spool) || !errors.As(st.Err, &link) || content(r) != "ab" || st.Offset != 7 {
					t.Errorf("data %q, %v, %+v", content(r), st.Err, st)
				}
				if !as[syscall.Errno](st.Err) {
					t.Errorf("%v does not wrap the error of the disk", st.Err)
				}
				d.suffer(trouble{})
				time.Sleep(10 * time.Second)
				if st := r.Status(); st.State != replication.Streaming || content(r) != "cd" {
					t.Errorf("no recovery: %+v", st)
				}
				d.gone()
			})
		})
	}
}

// What cannot be loaded at all does not cost the old data, not even in place: the version is looked at first. A type that is not known comes too late for that.
func TestInPlaceLooksFirst(t *testing.T) {
	good := string(rdbOf(t, "c", "d"))
	for _, tc := range []struct {
		name, file, data string
		state            replication.State
	}{
		{"a version of the future", strings.Replace(good, "REDIS00", "REDIS99", 1), "ab", replication.Stopped},
		{"a Valkey of the future", "VALKEY999" + good[9:], "ab", replication.Stopped},
		{"no file", strings.Replace(good, "REDIS", "RADIS", 1), "ab", replication.Waiting},
		{"an unknown type", good[:9] + "\xfe\x00\x63\x01k", "", replication.Stopped},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := loading(t, replication.LoadInPlace, newDisk(t), func(p *peer) { p.say("%s", framed([]byte(tc.file), 50, true)); p.hold() })
				time.Sleep(15 * time.Second)
				if st := r.Status(); content(r) != tc.data || st.State != tc.state || st.Vacant != (tc.data == "") {
					t.Errorf("data %q, %+v", content(r), st)
				}
			})
		})
	}
}

// Clients of a node that has dropped its data are told so, instead of that there is no key; an operator gets through. No file is replaced by nothing.
func TestClientsOfAVacantReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text := framed(rdbOf(t, "c", "d"), 50, false)
		goOn := make(chan struct{})
		r := loading(t, replication.LoadInPlace, newDisk(t), func(p *peer) {
			p.say("%s", text[:len(text)-5])
			<-goOn
			p.say("%s", text[len(text)-5:])
			p.live()
		})
		time.Sleep(12 * time.Second)
		c := clientOf(t, r)
		for _, step := range []struct{ command, want string }{
			{"GET a", "-LOADING "},
			{"PING", "-LOADING "},
			{"GET", "-ERR wrong number"},
			{"NOSUCH", "-ERR unknown command"},
			{"MULTI", "+OK"},
			{"GET a", "-LOADING "},
			{"EXEC", "-EXECABORT"},
			{"PSYNC ? -1", "-NOMASTERLINK"},
		} {
			c.send(strings.Fields(step.command)...)
			if got := c.line(); !strings.HasPrefix(got, step.want) {
				t.Errorf("%s = %q, want %s...", step.command, got, step.want)
			}
		}
		info := infoOf(t, r)
		if info["loading"] != "1" || info["async_loading"] != "0" || info["loading_total_bytes"] == "" || info["loading_eta_seconds"] == "" {
			t.Errorf("INFO = %v", info)
		}
		if err := r.Store().Save(t.TempDir() + "/dump.rdb"); !errors.Is(err, store.ErrVacant) {
			t.Errorf("Save = %v", err)
		}
		close(goOn)
		synctest.Wait()
		c = clientOf(t, r)
		c.send("GET", "c")
		c.expect("$1")
		if info := infoOf(t, r); info["loading"] != "0" || info["loading_total_bytes"] != "" {
			t.Errorf("afterwards INFO = %v", info)
		}
	})
}

// infoOf is what a client of r is told by INFO.
func infoOf(t testing.TB, r *replication.Replica) map[string]string {
	t.Helper()
	c := clientOf(t, r)
	defer c.Close()
	c.send("INFO")
	v, err := c.in.ReadValue()
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]string{}
	for line := range strings.Lines(v.Str) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		fields[name] = value
	}
	return fields
}

// A first sync finds nothing that a file could save: LoadWhenEmpty makes none.
func TestLoadWhenEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(t)
		r := loading(t, replication.LoadWhenEmpty, d, func(p *peer) { p.say("%s", framed(rdbOf(t), 50, false)) }) // of no keys
		d.clean(0)
		time.Sleep(15 * time.Second)
		if content(r) != "" {
			t.Errorf("data %q", content(r))
		}
		d.clean(1)
		time.Sleep(10 * time.Second)
		if content(r) != "cd" {
			t.Errorf("data %q", content(r))
		}
		d.clean(1)
	})
}

// The directive names the mode of the options, and what CONFIG SET says holds for the next resync.
func TestLoadModeDirective(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := rdbOf(t, "k")
		held := make(chan struct{})
		f := newFakePrimary(t, func(p *peer) {
			p.shakeHands()
			p.say("%s", framed(file, 7, false)[:120])
			<-held
		})
		s, err := replication.NewReplica("redis://fake:6379", &replication.ReplicaOptions{Dial: f.net.Dial, LoadMode: replication.LoadInPlace, AllowReplicaOf: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		c := clientOf(t, s)
		ask := func(want string, args ...string) {
			t.Helper()
			c.send(args...)
			v, err := c.in.ReadValue()
			if got := v.String(); err != nil || !strings.Contains(got, want) {
				t.Errorf("%q = %s, %v, want %s", args, got, err, want)
			}
		}
		ask("flushdb", "CONFIG", "GET", "repl-diskless-load")
		ask("OK", "CONFIG", "SET", "repl-diskless-load", "disabled")
		go s.Run(t.Context())
		time.Sleep(time.Second)
		if st := s.Status(); st.Spooled == 0 || st.Loaded != 0 || st.Vacant {
			t.Errorf("with disabled: %+v", st)
		}
		ask("OK", "CONFIG", "SET", "repl-diskless-load", "flush-before-load")
		close(held)
		time.Sleep(2 * time.Second)
		if st := s.Status(); st.Spooled != 0 || !st.Vacant {
			t.Errorf("with flush-before-load: %+v", st)
		}
	})
}

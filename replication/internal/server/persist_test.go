package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSave(t *testing.T) {
	n := newFake(t)
	dir := t.TempDir()
	c := dial(t, start(t, n, "--dir", dir, "--dbfilename", "x.rdb"))
	c.want("OK", "SET", "k", "v")
	wantFields(t, parseInfo(t, c.value("INFO", "persistence").Str), "rdb_changes_since_last_save:1 rdb_saves:0 rdb_last_bgsave_time_sec:-1")
	c.want("OK", "SAVE")
	wantFields(t, parseInfo(t, c.value("INFO", "persistence").Str), "rdb_changes_since_last_save:0 rdb_saves:1 rdb_last_bgsave_status:ok rdb_bgsave_in_progress:0")
	if b, err := os.ReadFile(filepath.Join(dir, "x.rdb")); err != nil || !strings.HasPrefix(string(b), "REDIS") {
		t.Errorf("SAVE wrote %.9q, %v", b, err)
	}
	if last := c.value("LASTSAVE").Int; time.Since(time.Unix(last, 0)) > time.Minute {
		t.Errorf("LASTSAVE = %d", last)
	}

	// A save that fails says so, keeps the old file, and the next one can succeed.
	gone := filepath.Join(t.TempDir(), "gone")
	os.Mkdir(gone, 0o755)
	c.want("OK", "CONFIG", "SET", "dir", gone)
	os.Remove(gone)
	if got := c.value("SAVE").Str; !strings.HasPrefix(got, "ERR ") {
		t.Errorf("SAVE into nowhere = %q", got)
	}
	wantFields(t, parseInfo(t, c.value("INFO", "persistence").Str), "rdb_last_bgsave_status:err rdb_saves:1")
	c.want("OK", "CONFIG", "SET", "dir", dir)
	c.want("OK", "SAVE")
}

// TestOneSaveAtATime holds the token that a running save holds.
func TestOneSaveAtATime(t *testing.T) {
	s := start(t, newFake(t))
	c := dial(t, s)
	if !s.saver.begin(t.Context(), false) {
		t.Fatal("cannot begin a save")
	}
	c.want("ERR Background save already in progress", "SAVE")
	c.want("ERR Background save already in progress", "BGSAVE")
	wantFields(t, parseInfo(t, c.value("INFO", "persistence").Str), "rdb_bgsave_in_progress:1 rdb_current_bgsave_time_sec:0")
	s.saver.finish(0, nil)
	c.want("Background saving started", "BGSAVE")
	s.Close() // waits for it
	if _, err := os.Stat(s.config().Path()); err != nil {
		t.Errorf("after BGSAVE: %v", err)
	}
}

func TestShutdown(t *testing.T) {
	for _, c := range []struct {
		name  string
		save  string
		words string
		saved bool
	}{
		{"no save points", "", "", false},
		{"save points", "900 1", "", true},
		{"nosave", "900 1", " NOSAVE", false},
		{"save", "", " SAVE", true},
		{"now and force", "", " NOW FORCE", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, newFake(t), "--save", c.save)
			cl := dial(t, s)
			cl.send("SHUTDOWN" + c.words + "\r\n")
			cl.gone()
			select {
			case <-s.Shutdown():
			default:
				t.Error("the owner is not told")
			}
			if _, err := os.Stat(s.config().Path()); (err == nil) != c.saved {
				t.Errorf("saved: %v, want %v", err == nil, c.saved)
			}
		})
	}
}

// TestShutdownThatCannotSave goes on serving: the data would be lost. FORCE overrides.
func TestShutdownThatCannotSave(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "gone")
	os.Mkdir(gone, 0o755)
	s := start(t, newFake(t), "--save", "900 1", "--dir", gone)
	os.Remove(gone)
	c := dial(t, s)
	c.want("ERR Errors trying to SHUTDOWN. Check logs.", "SHUTDOWN")
	select {
	case <-s.Shutdown():
		t.Error("shut down although the data could not be saved")
	default:
	}
	c.want("OK", "SET", "k", "still writable")
	c.send("SHUTDOWN FORCE\r\n")
	c.gone()
	<-s.Shutdown()
}

// TestNoWriteAfterTheLastSave: whoever was told OK is in the file. A write that comes during the last save gets no answer.
func TestNoWriteAfterTheLastSave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFake(t), "--save", "900 1")
		a, b := dial(t, s), dial(t, s)
		a.want("OK", "SET", "k", "1")
		a.send("SHUTDOWN\r\n")
		a.gone()
		b.send("SET k 2\r\n")
		synctest.Wait()
		if n := b.conn.Incoming().Buffered(); n != 0 {
			t.Errorf("%d bytes of an answer to a write after the last save", n)
		}
		if got := s.saver.state().commits; got != s.store.Stats().Commits {
			t.Errorf("%d commits are saved of %d", got, s.store.Stats().Commits)
		}
	})
}

// TestSavePoints: a save starts by itself when enough changes are old enough, and not before.
func TestSavePoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFake(t), "--save", "10 3")
		c := dial(t, s)
		exists := func() bool {
			synctest.Wait()
			_, err := os.Stat(s.config().Path())
			return err == nil
		}
		c.want("OK", "SET", "k", "1")
		c.want("OK", "SET", "k", "2")
		time.Sleep(30 * time.Second)
		if exists() {
			t.Error("saved after two changes of three")
		}
		c.want("OK", "SET", "k", "3")
		time.Sleep(1500 * time.Millisecond)
		if !exists() {
			t.Error("not saved after three changes in 30 s")
		}
		os.Remove(s.config().Path())
		for range 5 {
			c.want("OK", "SET", "k", "4")
		}
		time.Sleep(8 * time.Second)
		if exists() {
			t.Error("saved again within 10 s")
		}
		time.Sleep(3 * time.Second)
		if !exists() {
			t.Error("not saved again after 10 s")
		}
	})
}

func TestConfigRewriteCommand(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.conf")
	if err := os.WriteFile(path, []byte("hz 10\nsave \"\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := ParseArgs([]string{path, "--dir", t.TempDir()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := New(newFake(t), &Options{Config: cfg, Standalone: true})
	defer s.Close()
	c := dial(t, s)
	c.want("OK", "CONFIG", "SET", "hz", "20")
	c.want("OK", "REPLICAOF", "h", "1")
	c.want("OK", "CONFIG", "REWRITE")
	text := func() string {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if got := text(); !strings.HasPrefix(got, "hz 20\nsave \"\"\n"+rewriteMark) || !strings.Contains(got, "\nreplicaof h 1\n") {
		t.Errorf("rewritten: %q", got)
	}
	c.want("OK", "REPLICAOF", "no", "one")
	c.want("OK", "CONFIG", "REWRITE")
	if got := text(); strings.Contains(got, "replicaof") {
		t.Errorf("rewritten as a primary: %q", got)
	}
}

package replication_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/store"
)

// A replica that acknowledged all but the last byte of a write does not have it.
func TestWaitReplicasWantsTheLastByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		r := dial(t, p)
		r.online()
		p.Do("SET", "k", "v")
		end := p.Offset()
		for _, tc := range []struct {
			acked int64
			want  int
		}{{end - 1, 0}, {end, 1}} {
			r.send("REPLCONF", "ACK", strconv.FormatInt(tc.acked, 10))
			synctest.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if n, _ := p.WaitReplicas(ctx, 1, end); n != tc.want {
				t.Errorf("with %d of %d bytes acknowledged WaitReplicas = %d, want %d", tc.acked, end, n, tc.want)
			}
			cancel()
		}
	})
}

// Bytes inside of the backlog are kept anyway: an output limit below its size refuses nobody who asks for them.
func TestOutputLimitIsNotBelowTheBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.NewWith(t, &replicationtest.Options{
			Store: &store.Options{BacklogBytes: 1000}, Primary: &replication.PrimaryOptions{OutputLimit: 100},
		})
		p.Do("SET", "k", strings.Repeat("x", 5000))
		r := dial(t, p)
		r.send("PSYNC", p.Status().ID, strconv.FormatInt(p.Offset()-1000+1, 10))
		r.expect("+CONTINUE")
		r.read(1000)
	})
}

// A replica that has its whole payload may take as long as it likes to load it: no snapshot is kept for it.
func TestSnapshotIsFreedBeforeTheFirstAck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		r := dial(t, p)
		r.send("REPLCONF", "capa", "eof")
		r.expect("+OK")
		r.send("PSYNC", "?", "-1")
		r.expect("+FULLRESYNC")
		r.payload()
		synctest.Wait()
		if n := p.Store().Stats().Snapshots; n != 0 {
			t.Errorf("%d snapshots are open while the replica loads, want none", n)
		}
	})
}

// Files of data are closed when Save and Load have returned.
func TestDataFilesAreClosed(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(dir, "probe"))
	if err != nil {
		t.Fatal(err)
	}
	if openFiles(dir) != 1 {
		t.Skip("open files cannot be listed here")
	}
	f.Close()
	s := store.New(nil)
	defer s.Close()
	do(t, s, "SET", "k", "v")
	path := filepath.Join(dir, "data.rdb")
	if err := s.Save(path); err != nil {
		t.Fatal(err)
	}
	if err := s.Load(path); err != nil {
		t.Fatal(err)
	}
	if n := openFiles(dir); n != 0 {
		t.Errorf("%d files are open after Save and Load", n)
	}
}

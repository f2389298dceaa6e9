package store

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/understudy-go/understudy/store/backlog"
)

// TestDamagedFiles loads files of real servers with some damage, the checksum switched off. A
// file is refused, or gives a store that is sound in every structure, writes a file of
// its own, and is the same when that is loaded. UNDERSTUDY_CORRUPT makes it go on for that
// long, and UNDERSTUDY_CORRUPT_SEED repeats a run; a failure shows the file.
func TestDamagedFiles(t *testing.T) {
	seed := uint64(1)
	if s := os.Getenv("UNDERSTUDY_CORRUPT_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	inputs, loaded := 0, 0
	more := func() bool { return inputs < 500 }
	if s := os.Getenv("UNDERSTUDY_CORRUPT"); s != "" {
		long, err := time.ParseDuration(s)
		if err != nil {
			t.Fatal(err)
		}
		if os.Getenv("UNDERSTUDY_CORRUPT_SEED") == "" {
			seed = uint64(time.Now().UnixNano())
		}
		end := time.Now().Add(long)
		more = func() bool { return time.Now().Before(end) }
	}
	random := rand.New(rand.NewPCG(seed, 3))
	files := realFiles(t)
	for ; more() && !t.Failed(); inputs++ {
		if tryDamaged(t, damaged(random, files)) {
			loaded++
		}
	}
	t.Logf("%d damaged files, %d of them loaded", inputs, loaded)
	if loaded == 0 || loaded == inputs {
		t.Error("the damage is such that everything or nothing can be loaded")
	}
}

// realFiles are those of package rdb that are not too long to be tried often.
func realFiles(t *testing.T) (files [][]byte) {
	paths, err := filepath.Glob("../rdb/testdata/*/*.rdb")
	if err != nil || len(paths) < 10 {
		t.Fatalf("%d files of real servers, %v", len(paths), err)
	}
	for _, path := range paths {
		p, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(p) < 20_000 {
			files = append(files, p)
		}
	}
	return files
}

// tryDamaged reports whether the file can be loaded, and then goes on with it.
func tryDamaged(t *testing.T, file []byte) bool {
	defer func() {
		if p := recover(); p != nil || t.Failed() {
			t.Errorf("the file is %s", hex.EncodeToString(file))
			if p != nil {
				panic(p)
			}
		}
	}()
	s := New(nil)
	defer s.Close()
	if !loadBytes(t, s, file) {
		return false
	}
	if err := s.check(); err != nil {
		t.Errorf("loaded, the store is not sound: %v", err)
	}
	var b bytes.Buffer
	err := s.View(func(sn *Snapshot) error { return sn.WriteRDB(&b, &WriteOptions{Version: 12}) })
	if err != nil {
		t.Errorf("loaded, it cannot be written: %v", err)
		return true
	}
	again := New(nil)
	defer again.Close()
	if !loadBytes(t, again, b.Bytes()) {
		t.Error("what was written cannot be loaded")
	} else if x, y := s.Digest(), again.Digest(); x != y {
		t.Errorf("the digest is %s, and after writing and loading %s", x, y)
	}
	return true
}

// loadBytes loads a file into s, if it can be.
func loadBytes(t *testing.T, s *Store, file []byte) bool {
	t.Helper()
	s.Replication().Demote()
	l := s.Replication().NewLoader()
	if l.LoadRDB(bytes.NewReader(file)) != nil {
		l.Abort()
		return false
	}
	if err := l.Commit(backlog.History{ID: backlog.NewID(), SecondaryLimit: -1}); err != nil {
		t.Errorf("the file was read, and cannot be taken: %v", err)
		return false
	}
	return true
}

// damaged is one of the files, with some damage and no checksum.
func damaged(r *rand.Rand, files [][]byte) []byte {
	p := bytes.Clone(files[r.IntN(len(files))])
	p = p[:len(p)-9]
	for range 1 + r.IntN(3) {
		at := r.IntN(len(p))
		n := min(1+r.IntN(1+r.IntN(40)), len(p)-at)
		switch r.IntN(6) {
		case 0, 1:
			p[at] ^= 1 << r.IntN(8)
		case 2:
			const telling = "\x00\x01\x02\x3f\x40\x7f\x80\x81\xc0\xc3\xf0\xfe\xff"
			p[at] = telling[r.IntN(len(telling))]
		case 3:
			p = slices.Delete(p, at, at+n)
		case 4:
			p = slices.Insert(p, r.IntN(len(p)), bytes.Clone(p[at:at+n])...)
		case 5:
			other := files[r.IntN(len(files))]
			p = append(p[:at], other[r.IntN(len(other)):]...)
		}
		if len(p) == 0 {
			p = []byte{0}
		}
	}
	return append(p, "\xff\x00\x00\x00\x00\x00\x00\x00\x00"...)
}

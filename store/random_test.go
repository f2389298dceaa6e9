package store

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/understudy-go/understudy/resp"
)

const (
	modelDBs   = 3
	trialWhole = 600 // bytes; longer strings that are written by offset are in chunks
)

// trial runs random commands on a store and on a model, through every door,
// with snapshots that come and go, and a follower that is fed in pieces.
type trial struct {
	t     testing.TB
	g     generator
	clock *fakeClock
	s     *Store
	c     *Session
	m     *model
	cuts  []cut

	replica *Store
	applier *Applier
}

// cut is an open snapshot with the model as it was.
type cut struct {
	sn *Snapshot
	m  *model
}

func TestRandomCommands(t *testing.T) {
	for range 8 {
		runTrial(t, rand.Uint64(), fewer(1500, 300))
	}
}

func FuzzCommands(f *testing.F) {
	f.Add(uint64(1))
	f.Add(uint64(2))
	f.Fuzz(func(t *testing.T, seed uint64) { runTrial(t, seed, 120) })
}

func runTrial(t *testing.T, seed uint64, steps int) {
	t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
		clock := newClock()
		o := &Options{Databases: modelDBs, Clock: clock.now, BacklogBytes: 1 << 30, wholeText: trialWhole}
		r := &trial{t: t, g: generator{rand.New(rand.NewPCG(seed, 1))}, clock: clock, s: New(o), m: newModel(modelDBs)}
		r.c = r.s.NewSession(nil)
		r.replica, r.applier = follower(t, r.s, o)
		for range steps {
			r.step()
		}
		for len(r.cuts) > 0 {
			r.closeCut()
		}
		r.feed(true)
		sameState(t, "replica", r.s, r.replica)
		r.m.purge(r.now())
		r.compare("end", r.m, func(db int) reader { return r.s.DB(db) })
	})
}

func (r *trial) step() {
	switch n := r.g.IntN(100); {
	case n < 40:
		r.byWords()
	case n < 55:
		r.byDo()
	case n < 70:
		r.byMethod()
	case n < 80:
		r.byUpdate()
	case n < 88:
		r.byMulti()
	case n < 90:
		r.clock.advance(time.Duration(r.g.IntN(900)) * time.Millisecond)
	case n < 91:
		r.s.Replication().Sweep(r.g.IntN(5))
	case n < 92:
		do(r.t, r.c, fmt.Sprint("SELECT ", r.g.IntN(modelDBs)))
	case n < 94 && len(r.cuts) < 5:
		r.m.purge(r.now())
		r.cuts = append(r.cuts, cut{r.s.Snapshot(), r.m.clone()})
	case n < 96 && len(r.cuts) > 0:
		r.closeCut()
	case n < 98:
		r.feed(false)
	default:
		r.m.purge(r.now())
		r.compare("live", r.m, func(db int) reader { return r.s.DB(db) })
		if err := r.s.check(); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *trial) now() int64 { return r.clock.ms.Load() }

// expect runs args on the model and compares.
func (r *trial) expect(m *model, db int, args []string, got resp.Value) {
	r.t.Helper()
	want := m.run(db, args)
	if a, b := normal(args[0], got), normal(args[0], want); a != b {
		r.t.Fatalf("db %d, %.300q:\n got %.500s\nwant %.500s", db, args, a, b)
	}
}

func (r *trial) byWords() {
	args := r.g.command()
	r.m.purge(r.now())
	b := argv(args...)
	v := r.c.Do(b)
	r.expect(r.m, r.c.DB(), args, v)
}

func (r *trial) byDo() {
	args, db := r.g.command(), r.g.IntN(modelDBs)
	r.m.purge(r.now())
	r.expect(r.m, db, args, orError(r.s.DB(db).Do(args...)))
}

func orError(v resp.Value, err error) resp.Value {
	if err != nil {
		return reply(err)
	}
	return v
}

// byMethod uses the typed methods, which are told apart by the model's command.
func (r *trial) byMethod() {
	n := r.g.IntN(modelDBs)
	db, key := r.s.DB(n), r.g.any()
	r.m.purge(r.now())
	var args []string
	var got resp.Value
	switch r.g.IntN(14) {
	case 12:
		args = []string{"SETRANGE", key, r.g.offset(), r.g.value()}
		got = intReply(db.SetRange(key, mInt(args[2]), args[3]))
	case 13:
		args = []string{"GETRANGE", key, r.g.offset(), r.g.offset()}
		v, err := db.GetRange(key, mInt(args[2]), mInt(args[3]))
		got = orError(resp.BulkString(v), err)
	case 0:
		ttl := r.g.IntN(3000)
		args = []string{"SET", key, r.g.value(), "PX", strconv.Itoa(ttl)}
		if ttl == 0 {
			args = args[:3]
		}
		got = okReply(db.Set(key, args[2], time.Duration(ttl)*time.Millisecond))
	case 1:
		args = []string{"SETNX", key, r.g.value()}
		done, err := db.SetNX(key, args[2], 0)
		got = orError(boolReply(done), err)
	case 2:
		args = []string{"INCRBY", key, "7"}
		got = intReply(db.Incr(key, 7))
	case 3:
		args = []string{"APPEND", key, r.g.value()}
		got = intReply(db.Append(key, args[2]))
	case 4:
		args = []string{"DEL", key, r.g.any()}
		got = intReply(db.Del(args[1:]...))
	case 5:
		args = []string{"RENAME", key, r.g.any()}
		got = okReply(db.Rename(key, args[2]))
	case 6:
		at := r.now() + int64(r.g.IntN(5000)) - 100
		args = []string{"PEXPIREAT", key, strconv.FormatInt(at, 10)}
		done, err := db.Expire(key, time.UnixMilli(at))
		got = orError(boolReply(done), err)
	case 7:
		args = []string{"PERSIST", key}
		done, err := db.Persist(key)
		got = orError(boolReply(done), err)
	case 8, 9:
		args = append([]string{"HSET", key}, r.g.pairs()...)
		got = intReply(db.HSet(key, args[2:]...))
	case 10:
		args = append([]string{"HDEL", key}, r.g.fields()...)
		got = intReply(db.HDel(key, args[2:]...))
	case 11:
		args = []string{"HINCRBY", key, r.g.field(), "-3"}
		got = intReply(db.HIncr(key, args[2], -3))
	}
	r.expect(r.m, n, args, got)
}

var errOnPurpose = errors.New("on purpose")

// byUpdate runs some commands as one transaction, a third of which fails and a
// sixth of which panics.
func (r *trial) byUpdate() {
	r.m.purge(r.now())
	m, end := r.m.clone(), r.g.IntN(6)
	defer func() {
		if p := recover(); p != nil && p != errOnPurpose {
			panic(p)
		}
	}()
	_, err := r.s.Update(func(tx *Tx) error {
		for range 1 + r.g.IntN(6) {
			args, db := r.g.command(), r.g.IntN(modelDBs)
			r.expect(m, db, args, orError(tx.DB(db).Do(args...)))
		}
		r.compare("inside", m, func(db int) reader { return tx.DB(db) })
		switch end {
		case 0:
			panic(errOnPurpose)
		case 1, 2:
			return errOnPurpose
		}
		return nil
	})
	if err == nil {
		r.m = m
	} else if err != errOnPurpose {
		r.t.Fatalf("Update: %v", err)
	}
}

// byMulti runs some commands between MULTI and EXEC, sometimes beside a change
// of what is watched, sometimes with a DISCARD.
func (r *trial) byMulti() {
	r.m.purge(r.now())
	watched := r.g.any()
	do(r.t, r.c, "WATCH "+watched)
	spoilt := r.g.IntN(4) == 0
	if spoilt {
		args := []string{"SET", watched, r.g.value()}
		r.expect(r.m, r.c.DB(), args, orError(r.s.DB(r.c.DB()).Do(args...)))
	}
	do(r.t, r.c, "MULTI")
	var queue [][]string
	for range r.g.IntN(5) {
		queue = append(queue, r.g.command())
		r.c.Do(argv(queue[len(queue)-1]...))
	}
	if r.g.IntN(6) == 0 {
		do(r.t, r.c, "DISCARD")
		return
	}
	v := r.c.Do(argv("EXEC"))
	if spoilt != (v.Kind == resp.Null) {
		r.t.Fatalf("EXEC = %v, watched key changed: %v", v, spoilt)
	}
	for i, e := range v.Elems {
		r.expect(r.m, r.c.DB(), queue[i], e)
	}
}

// feed hands what the stream has grown by to the follower: whole frames in
// batches of random size; sometimes the link breaks inside of a transaction.
func (r *trial) feed(all bool) {
	// The applier asks again from what is applied, as a replica does.
	pos := r.replica.backlog.Offset()
	r.applier.Drop()
	frames := split(r.t, streamSince(r.t, r.s, pos))
	if !all && len(frames) > 0 {
		frames = frames[:r.g.IntN(len(frames)+1)]
	}
	for len(frames) > 0 {
		n := 1 + r.g.IntN(min(len(frames), 12))
		var batch string
		for _, f := range frames[:n] {
			batch += string(resp.AppendCommandBytes(nil, f.Args...))
		}
		if err := apply(r.t, r.applier, batch); err != nil {
			r.t.Fatal(err)
		}
		frames = frames[n:]
	}
	if err := r.replica.check(); err != nil {
		r.t.Fatal(err)
	}
}

// closeCut compares one open snapshot with its model in three ways, and with
// what comes of its file and the stream after it.
func (r *trial) closeCut() {
	i := r.g.IntN(len(r.cuts))
	k := r.cuts[i]
	r.cuts = append(r.cuts[:i], r.cuts[i+1:]...)
	r.compare("snapshot", k.m, func(db int) reader { return k.sn.DB(db) })
	var file bytes.Buffer
	if err := k.sn.WriteRDB(&file, &WriteOptions{Compress: r.g.IntN(2) == 0}); err != nil {
		r.t.Fatal(err)
	}
	clock := newClock()
	clock.ms.Store(k.m.now)
	n := newStore(r.t, &Options{Databases: modelDBs, Clock: clock.now, wholeText: trialWhole})
	n.Replication().Demote()
	l := n.Replication().NewLoader()
	if err := l.LoadRDB(&file); err != nil {
		r.t.Fatal(err)
	}
	h, ok := l.History()
	if want := k.sn.History(); !ok || h.ID != want.ID || h.Offset != want.Offset {
		r.t.Fatalf("history in the file: %+v, want %+v", h, want)
	}
	if err := l.Commit(h); err != nil {
		r.t.Fatal(err)
	}
	r.compare("file", k.m, func(db int) reader { return n.DB(db) })
	if n.Digest() != k.sn.Digest() {
		r.t.Fatalf("digests of snapshot and file differ")
	}
	if err := apply(r.t, n.Replication().NewApplier(), streamSince(r.t, r.s, h.Offset)); err != nil {
		r.t.Fatal(err)
	}
	if h := r.s.backlog.History(); h.Offset != k.sn.History().Offset {
		sameState(r.t, "file and stream", r.s, n)
	}
	k.sn.Close()
}

// reader is what all kinds of database have in common.
type reader interface {
	Get(key string) (string, error)
	Kind(key string) Kind
	ExpireTime(key string) (time.Time, bool)
	HGetAll(key string) (map[string]string, error)
	HLen(key string) (int, error)
	Keys() iter.Seq2[string, Kind]
}

// compare fails unless the databases hold what the model holds.
func (r *trial) compare(what string, m *model, open func(db int) reader) {
	r.t.Helper()
	for n, db := range m.dbs {
		d := open(n)
		seen := map[string]bool{}
		for key, kind := range d.Keys() {
			if v, ok := db[key]; !ok || v.kind() != kind || seen[key] {
				r.t.Fatalf("%s: db %d: Keys yields %q, %v (model has it: %v, twice: %v)", what, n, key, kind, ok, seen[key])
			}
			seen[key] = true
		}
		if len(seen) != len(db) {
			r.t.Fatalf("%s: db %d: Keys yields %d keys, want %d", what, n, len(seen), len(db))
		}
		for key, v := range db {
			r.compareKey(fmt.Sprintf("%s: db %d: %q", what, n, key), d, key, v)
		}
	}
}

func (r *trial) compareKey(what string, d reader, key string, v mvalue) {
	r.t.Helper()
	at, ok := d.ExpireTime(key)
	if ok != (v.deadline != 0) || ok && at.UnixMilli() != v.deadline {
		r.t.Fatalf("%s: deadline %d, %v, want %d", what, at.UnixMilli(), ok, v.deadline)
	}
	if v.hash == nil {
		if got, err := d.Get(key); got != v.text || err != nil {
			r.t.Fatalf("%s holds %.80q, %v, want %.80q", what, got, err, v.text)
		}
		return
	}
	got, err := d.HGetAll(key)
	if !maps.Equal(got, v.hash) || err != nil {
		r.t.Fatalf("%s holds %d fields, %v, want %d", what, len(got), err, len(v.hash))
	}
	if n, err := d.HLen(key); n != len(v.hash) || err != nil {
		r.t.Fatalf("%s has HLen %d, %v, want %d", what, n, err, len(v.hash))
	}
}

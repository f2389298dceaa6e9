package store

import (
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/resp"
)

// listModel is what list commands mean: slices by key. A slice is never changed, so
// that a copy of the model is cheap.
type listModel map[string][]string

func (m listModel) put(key string, items []string) {
	if len(items) == 0 {
		delete(m, key)
	} else {
		m[key] = items
	}
}

func (m listModel) push(key, side string, values ...string) {
	items := slices.Clone(m[key])
	for _, v := range values {
		if side == "LEFT" {
			items = slices.Insert(items, 0, v)
		} else {
			items = append(items, v)
		}
	}
	m.put(key, items)
}

func (m listModel) pop(key, side string, n int) (out []string) {
	items := slices.Clone(m[key])
	for ; n > 0 && len(items) > 0; n-- {
		if side == "LEFT" {
			out, items = append(out, items[0]), items[1:]
		} else {
			out, items = append(out, items[len(items)-1]), items[:len(items)-1]
		}
	}
	m.put(key, items)
	return out
}

// clip is items[start..stop] with Redis's rules.
func (m listModel) clip(key string, start, stop int) []string {
	var out []string
	for i, v := range m[key] {
		n := len(m[key])
		from, to := start, stop
		if from < 0 {
			from += n
		}
		if to < 0 {
			to += n
		}
		if i >= from && i <= to {
			out = append(out, v)
		}
	}
	return out
}

func (m listModel) rem(key string, count int, value string) (removed int) {
	items := slices.Clone(m[key])
	if count < 0 {
		slices.Reverse(items)
	}
	kept := []string{}
	for _, v := range items {
		if v == value && (count == 0 || removed < max(count, -count)) {
			removed++
		} else {
			kept = append(kept, v)
		}
	}
	if count < 0 {
		slices.Reverse(kept)
	}
	m.put(key, kept)
	return removed
}

var listSides = map[byte]string{'L': "LEFT", 'R': "RIGHT"}

// run is the reply to a command.
func (m listModel) run(a []string) resp.Value {
	key := a[min(1, len(a)-1)]
	items := m[key]
	num := func(i int) int { n, _ := strconv.Atoi(a[i]); return n }
	nth := func(i int) int {
		if i < 0 {
			i += len(items)
		}
		return i
	}
	switch a[0] {
	case "LPUSH", "RPUSH":
		m.push(key, listSides[a[0][0]], a[2:]...)
		return resp.Integer(int64(len(m[key])))
	case "LPUSHX", "RPUSHX":
		if items != nil {
			m.push(key, listSides[a[0][0]], a[2:]...)
		}
		return resp.Integer(int64(len(m[key])))
	case "LPOP", "RPOP":
		if items == nil {
			return resp.NullArray()
		}
		return bulksReply(m.pop(key, listSides[a[0][0]], num(2)))
	case "LMPOP":
		for _, key := range a[2:4] {
			if m[key] != nil {
				return resp.ArrayOf(resp.BulkString(key), bulksReply(m.pop(key, a[4], num(6))))
			}
		}
		return resp.NullArray()
	case "LMOVE":
		if items == nil {
			return resp.NullValue()
		}
		v := m.pop(key, a[3], 1)
		m.push(a[2], a[4], v...)
		return resp.BulkString(v[0])
	case "LLEN":
		return resp.Integer(int64(len(items)))
	case "LINDEX":
		if i := nth(num(2)); i >= 0 && i < len(items) {
			return resp.BulkString(items[i])
		}
		return resp.NullValue()
	case "LSET":
		i := nth(num(2))
		switch {
		case items == nil:
			return reply(ErrNoKey)
		case i < 0 || i >= len(items):
			return reply(ErrIndex)
		}
		items = slices.Clone(items)
		items[i] = a[3]
		m[key] = items
		return resp.OK()
	case "LRANGE":
		return bulksReply(m.clip(key, num(2), num(3)))
	case "LTRIM":
		m.put(key, m.clip(key, num(2), num(3)))
		return resp.OK()
	case "LREM":
		return resp.Integer(int64(m.rem(key, num(2), a[3])))
	case "LINSERT":
		i := slices.Index(items, a[3])
		if items == nil || i < 0 {
			return resp.Integer(int64(min(0, max(-1, -len(items)))))
		}
		if a[2] == "AFTER" {
			i++
		}
		m[key] = slices.Insert(slices.Clone(items), i, a[4])
		return resp.Integer(int64(len(m[key])))
	case "RENAME":
		if items == nil {
			return reply(ErrNoKey)
		}
		delete(m, key)
		m[a[2]] = items
		return resp.OK()
	case "PEXPIRE":
		return boolReply(items != nil)
	case "DEL":
		delete(m, key)
		return boolReply(items != nil)
	}
	panic("the model does not know " + a[0])
}

// listTrial runs random list commands on a store and on the model, with snapshots,
// pinned iterators and a follower.
type listTrial struct {
	t       *testing.T
	r       *rand.Rand
	s       *Store
	c       *Session
	m       listModel
	cuts    []listCut
	replica *Store
	applier *Applier
	fed     int64
}

// listCut is what a snapshot or an iterator must show for ever.
type listCut struct {
	sn    *Snapshot // nil for an iterator
	m     listModel
	items iter.Seq[string]
	want  []string
}

func TestRandomLists(t *testing.T) {
	for range 6 {
		runListTrial(t, rand.Uint64(), fewer(4000, 1000))
	}
}

func FuzzLists(f *testing.F) {
	f.Add(uint64(1))
	f.Add(uint64(2))
	f.Fuzz(func(t *testing.T, seed uint64) { runListTrial(t, seed, 300) })
}

func runListTrial(t *testing.T, seed uint64, steps int) {
	t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
		o := &Options{BacklogBytes: 1 << 30}
		x := &listTrial{t: t, r: rand.New(rand.NewPCG(seed, 3)), s: newStore(t, o), m: listModel{}}
		x.c = x.s.NewSession(nil)
		x.replica, x.applier = follower(t, x.s, o)
		for range steps {
			x.step()
		}
		for len(x.cuts) > 0 {
			x.closeCut()
		}
		x.feed()
		x.compare("replica", x.replica.DB(0).reads, x.m)
		x.compare("end", x.s.DB(0).reads, x.m)
	})
}

func (x *listTrial) value() string {
	switch x.r.IntN(60) {
	case 0:
		return strings.Repeat("x", x.r.IntN(6000))
	case 1:
		return "\x00\r\n\xff"
	case 2:
		return ""
	}
	return strconv.Itoa(x.r.IntN(8))
}

func (x *listTrial) values() []string {
	n := 1 + x.r.IntN(4)
	if x.r.IntN(12) == 0 {
		n = 1 + x.r.IntN(smallListItems*2)
	}
	out := make([]string, n)
	for i := range out {
		out[i] = x.value()
	}
	return out
}

func (x *listTrial) pick(words ...string) string { return words[x.r.IntN(len(words))] }

// index is near an end, or anywhere.
func (x *listTrial) index() string {
	n := 6
	if x.r.IntN(3) == 0 {
		n = 3000
	}
	return strconv.Itoa(x.r.IntN(2*n+1) - n)
}

func (x *listTrial) command() []string {
	key := x.pick("a", "b", "c")
	switch n := x.r.IntN(100); {
	case n < 25:
		return append([]string{x.pick("LPUSH", "RPUSH", "LPUSHX", "RPUSHX"), key}, x.values()...)
	case n < 37:
		return []string{x.pick("LPOP", "RPOP"), key, strconv.Itoa(x.r.IntN(1 + x.r.IntN(200)))}
	case n < 41:
		return []string{"LMPOP", "2", key, x.pick("a", "b", "c"), x.pick("LEFT", "RIGHT"), "COUNT", strconv.Itoa(1 + x.r.IntN(9))}
	case n < 49:
		return []string{"LMOVE", key, x.pick("a", "b", "c"), x.pick("LEFT", "RIGHT"), x.pick("LEFT", "RIGHT")}
	case n < 51:
		return []string{"LLEN", key}
	case n < 56:
		return []string{"LINDEX", key, x.index()}
	case n < 63:
		return []string{"LSET", key, x.index(), x.value()}
	case n < 69:
		return []string{"LRANGE", key, x.index(), x.index()}
	case n < 73:
		return []string{"LTRIM", key, strconv.Itoa(x.r.IntN(40)), strconv.Itoa(-1 - x.r.IntN(40))}
	case n < 74:
		return []string{"LTRIM", key, x.index(), x.index()}
	case n < 79:
		return []string{"LREM", key, strconv.Itoa(x.r.IntN(7) - 3), x.value()}
	case n < 92:
		return []string{"LINSERT", key, x.pick("BEFORE", "AFTER"), x.value(), x.value()}
	case n < 95:
		return []string{"RENAME", key, x.pick("a", "b", "c")}
	case n < 98:
		return []string{"PEXPIRE", key, "1000000000"}
	}
	return []string{"DEL", key}
}

func (x *listTrial) step() {
	switch n := x.r.IntN(100); {
	case n < 75:
		args := x.command()
		x.expect(args, x.c.Do(argv(args...)))
	case n < 83:
		x.transaction()
	case n < 86:
		x.rollBack()
	case n < 89 && len(x.cuts) < 6:
		x.cuts = append(x.cuts, listCut{sn: x.s.Snapshot(), m: maps.Clone(x.m)})
	case n < 92 && len(x.cuts) < 6:
		items, err := x.s.DB(0).LItems("a")
		if err != nil {
			x.t.Fatal(err)
		}
		x.cuts = append(x.cuts, listCut{items: items, want: x.m["a"]})
	case n < 95 && len(x.cuts) > 0:
		x.closeCut()
	case n < 97:
		x.feed()
	case n < 98:
		x.compare("live", x.s.DB(0).reads, x.m)
		if err := x.s.check(); err != nil {
			x.t.Fatal(err)
		}
	}
}

func (x *listTrial) expect(args []string, got resp.Value) {
	x.t.Helper()
	if want := x.m.run(args); got.String() != want.String() {
		x.t.Fatalf("%.200q:\n got %.300s\nwant %.300s", args, got, want)
	}
}

func (x *listTrial) transaction() {
	do(x.t, x.c, "MULTI")
	var all [][]string
	for range 1 + x.r.IntN(4) {
		args := x.command()
		all = append(all, args)
		x.c.Do(argv(args...))
	}
	v := do(x.t, x.c, "EXEC")
	for i, args := range all {
		x.expect(args, v.Elems[i])
	}
}

func (x *listTrial) rollBack() {
	_, err := x.s.Update(func(tx *Tx) error {
		for range 1 + x.r.IntN(4) {
			_, _ = tx.DB(0).Do(x.command()...)
		}
		return errOnPurpose
	})
	if err != errOnPurpose {
		x.t.Fatal(err)
	}
}

func (x *listTrial) closeCut() {
	i := x.r.IntN(len(x.cuts))
	cut := x.cuts[i]
	x.cuts = slices.Delete(x.cuts, i, i+1)
	if cut.sn == nil {
		if got := slices.Collect(cut.items); !slices.Equal(got, cut.want) {
			x.t.Fatalf("iterator: %d elements, want %d", len(got), len(cut.want))
		}
		return
	}
	x.compare("snapshot", cut.sn.DB(0).reads, cut.m)
	cut.sn.Close()
}

// feed applies what the stream has by now to the follower.
func (x *listTrial) feed() {
	if err := apply(x.t, x.applier, streamSince(x.t, x.s, x.fed)); err != nil {
		x.t.Fatal(err)
	}
	x.fed = x.s.backlog.Offset()
}

func (x *listTrial) compare(what string, d reads, m listModel) {
	x.t.Helper()
	for _, key := range []string{"a", "b", "c"} {
		if got := lrange(x.t, d, key); !slices.Equal(got, m[key]) {
			x.t.Fatalf("%s: %s has %d elements, want %d", what, key, len(got), len(m[key]))
		}
		if n, err := d.LLen(key); n != len(m[key]) || err != nil {
			x.t.Fatalf("%s: length of %s is %d, %v", what, key, n, err)
		}
	}
	if n := d.Len(); n != len(m) {
		x.t.Fatalf("%s: %d keys, want %d", what, n, len(m))
	}
}

package store

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/resp"
)

// setModel is what sets mean: maps. Key "str" holds a string.
type setModel map[string]map[string]bool

func (m setModel) clone() setModel {
	c := setModel{}
	for k, v := range m {
		c[k] = maps.Clone(v)
	}
	return c
}

func (m setModel) put(key string, set map[string]bool) {
	if m[key] = set; len(set) == 0 {
		delete(m, key)
	}
}

func setOf(members ...string) map[string]bool {
	s := map[string]bool{}
	for _, m := range members {
		s[m] = true
	}
	return s
}

func (m setModel) combine(op string, keys []string) map[string]bool {
	out := maps.Clone(m[keys[0]])
	if out == nil {
		out = map[string]bool{}
	}
	for _, k := range keys[1:] {
		switch op[:5] {
		case "SUNIO":
			maps.Copy(out, m[k])
		case "SINTE":
			maps.DeleteFunc(out, func(e string, _ bool) bool { return !m[k][e] })
		case "SDIFF":
			maps.DeleteFunc(out, func(e string, _ bool) bool { return m[k][e] })
		}
	}
	return out
}

// setTrial runs random commands on a store and on a model, through every door, with
// snapshots that come and go and a follower.
type setTrial struct {
	t *testing.T
	*rand.Rand
	s       *Store
	c       *Session
	m       setModel
	cuts    []setCut
	replica *Store
	applier *Applier
}

type setCut struct {
	sn *Snapshot
	m  setModel
}

func TestRandomSetCommands(t *testing.T) {
	for range 6 {
		runSetTrial(t, rand.Uint64(), fewer(800, 250))
	}
}

func FuzzSetCommands(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { runSetTrial(t, seed, 100) })
}

func runSetTrial(t *testing.T, seed uint64, steps int) {
	t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
		r := &setTrial{t: t, Rand: rand.New(rand.NewPCG(seed, 1)), s: newStore(t, &Options{BacklogBytes: 1 << 30}), m: setModel{}}
		r.c = r.s.NewSession(nil)
		do(t, r.c, "SET str v")
		r.replica, r.applier = follower(t, r.s, nil)
		for range steps {
			r.step()
		}
		for len(r.cuts) > 0 {
			r.closeCut()
		}
		r.feed()
	})
}

func (r *setTrial) step() {
	switch n := r.IntN(100); {
	case n < 35:
		args := r.command()
		r.expect(r.m, args, r.c.Do(argv(args...)))
	case n < 55:
		args := r.command()
		r.expect(r.m, args, orError(r.s.DB(0).Do(args...)))
	case n < 75:
		r.byMethod()
	case n < 85:
		r.byUpdate()
	case n < 90:
		r.byMulti()
	case n < 93 && len(r.cuts) < 4:
		r.cuts = append(r.cuts, setCut{r.s.Snapshot(), r.m.clone()})
	case n < 96 && len(r.cuts) > 0:
		r.closeCut()
	case n < 98:
		r.feed()
	default:
		r.compare("live", r.m, r.s.DB(0).reads)
		if err := r.s.check(); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *setTrial) key() string {
	if r.IntN(30) == 0 {
		return "str"
	}
	return fmt.Sprint("s", r.IntN(5))
}

func (r *setTrial) keys() (k []string) {
	for range 1 + r.IntN(3) {
		k = append(k, r.key())
	}
	return k
}

func (r *setTrial) member() string {
	switch r.IntN(60) {
	case 0:
		return strings.Repeat("l", 64+r.IntN(2))
	case 1:
		return []string{"", "+1", "01", "-0", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "40000", "-70000", "\x00\xff"}[r.IntN(10)]
	case 2, 3:
		return fmt.Sprint("m", r.IntN(200))
	}
	return fmt.Sprint(r.IntN(700) - 50)
}

// members are few in most cases; the store's sets go over every limit all the same.
func (r *setTrial) members() (m []string) {
	n := 1 + r.IntN(4)
	if r.IntN(5) == 0 {
		n = 50 + r.IntN(600)
	}
	for range n {
		m = append(m, r.member())
	}
	return m
}

func (r *setTrial) count() string {
	return fmt.Sprint([]int{0, 1, 2, 5, r.IntN(200), r.IntN(1000)}[r.IntN(6)])
}

func (r *setTrial) signedCount() string {
	return strings.Replace(r.pick("", "-")+r.count(), "-0", "0", 1)
}

func (r *setTrial) pick(words ...string) string { return words[r.IntN(len(words))] }

func (r *setTrial) command() []string {
	switch r.IntN(22) {
	case 0, 1, 2, 3:
		return append([]string{"SADD", r.key()}, r.members()...)
	case 4, 5:
		return append([]string{"SREM", r.key()}, r.members()...)
	case 6, 7:
		return []string{"SMOVE", r.key(), r.key(), r.member()}
	case 8:
		return []string{"SPOP", r.key()}
	case 9:
		return []string{"SPOP", r.key(), r.count()}
	case 10, 11:
		return append([]string{r.pick("SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"), fmt.Sprint("s", r.IntN(5))}, r.keys()...)
	case 12:
		return []string{"DEL", fmt.Sprint("s", r.IntN(5))}
	case 20:
		return []string{"COPY", fmt.Sprint("s", r.IntN(3)), fmt.Sprint("s", 3+r.IntN(2)), "REPLACE"}
	case 21:
		return []string{"RENAME", fmt.Sprint("s", r.IntN(3)), fmt.Sprint("s", 3+r.IntN(2))}
	case 13:
		return []string{"SRANDMEMBER", r.key(), r.signedCount()}
	case 14:
		return []string{"SRANDMEMBER", r.key()}
	case 15, 16:
		return append([]string{r.pick("SINTER", "SUNION", "SDIFF")}, r.keys()...)
	case 17:
		return append([]string{"SMISMEMBER", r.key()}, r.members()...)
	case 18:
		return []string{"SISMEMBER", r.key(), r.member()}
	}
	return []string{r.pick("SCARD", "SMEMBERS"), r.key()}
}

// expect runs args on the model, which follows the reply where that is random, and
// fails if the two do not agree.
func (r *setTrial) expect(m setModel, args []string, got resp.Value) {
	r.t.Helper()
	if err := m.run(args, got); err != nil {
		r.t.Fatalf("%.200q: %v", args, err)
	}
}

func (m setModel) wrong(args []string) bool {
	switch args[0] {
	case "SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE":
		return slices.Contains(args[2:], "str")
	case "SINTER", "SUNION", "SDIFF":
		return slices.Contains(args[1:], "str")
	case "SMOVE":
		return args[1] == "str" || m[args[1]] != nil && args[2] == "str"
	}
	return args[1] == "str"
}

func (m setModel) run(args []string, got resp.Value) error {
	if m.wrong(args) {
		return sameText(got.Str, ErrWrongType.text)
	}
	key, set := args[1], m[args[1]]
	switch args[0] {
	case "SADD", "SREM", "DEL":
		return sameInt(got, m.change(args))
	case "COPY", "RENAME":
		if set != nil {
			m[args[2]] = set
		}
		if args[0] == "RENAME" {
			delete(m, key)
		}
		return nil // these replies are others' affair
	case "SMOVE":
		if !set[args[3]] {
			return sameInt(got, 0)
		}
		m.change([]string{"SREM", key, args[3]})
		m.change([]string{"SADD", args[2], args[3]})
		return sameInt(got, 1)
	case "SPOP", "SRANDMEMBER":
		return m.random(args, got)
	case "SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE":
		m.put(key, m.combine(args[0], args[2:]))
		return sameInt(got, len(m[key]))
	case "SCARD":
		return sameInt(got, len(set))
	case "SMEMBERS":
		return sameMembers(got, set)
	case "SINTER", "SUNION", "SDIFF":
		return sameMembers(got, m.combine(args[0], args[1:]))
	case "SISMEMBER":
		return sameText(got.String(), boolReply(set[args[2]]).String())
	}
	for i, e := range args[2:] { // SMISMEMBER
		if got.Elems[i].Int == 1 != set[e] {
			return fmt.Errorf("%q is a member: %v", e, set[e])
		}
	}
	return nil
}

// change is SADD, SREM and DEL.
func (m setModel) change(args []string) int {
	set := maps.Clone(m[args[1]])
	had := len(set)
	if set == nil {
		set = map[string]bool{}
	}
	for _, e := range args[2:] {
		if args[0] == "SADD" {
			set[e] = true
		} else {
			delete(set, e)
		}
	}
	if args[0] == "DEL" {
		had = min(had, 1)
		clear(set)
	}
	m.put(args[1], set)
	if args[0] == "DEL" {
		return had
	}
	return max(len(set)-had, had-len(set))
}

// random checks what may be picked, and takes it out for SPOP.
func (m setModel) random(args []string, got resp.Value) error {
	set, picked := m[args[1]], values(got)
	want := min(1, len(set))
	if len(args) == 3 {
		if want = int(mInt(args[2])); want > len(set) || want < 0 && len(set) == 0 {
			want = len(set)
		}
	} else if got.Kind == resp.Bulk {
		picked = []string{got.Str}
	}
	if len(picked) != max(want, -want) {
		return fmt.Errorf("%d members of %d", len(picked), len(set))
	}
	for _, e := range picked {
		if !set[e] {
			return fmt.Errorf("%q is no member", e)
		}
	}
	if n := len(setOf(picked...)); want >= 0 && n != want {
		return fmt.Errorf("%d different members, want %d", n, want)
	}
	if args[0] == "SPOP" && want > 0 {
		m.change(append([]string{"SREM", args[1]}, picked...))
	}
	return nil
}

func sameText(got, want string) error {
	if got != want {
		return fmt.Errorf("reply %q, want %q", got, want)
	}
	return nil
}

func sameInt(got resp.Value, want int) error {
	if got.Kind != resp.Int || got.Int != int64(want) {
		return fmt.Errorf("reply %v, want %d", got, want)
	}
	return nil
}

func sameMembers(got resp.Value, want map[string]bool) error {
	if list := values(got); got.Kind != resp.Set || len(list) != len(want) || !maps.Equal(setOf(list...), want) {
		return fmt.Errorf("reply %c of %d members, %d different, want %d", got.Kind, len(list), len(setOf(list...)), len(want))
	}
	return nil
}

// byMethod uses the typed methods, which are told apart by the model's command.
func (r *setTrial) byMethod() {
	db, args := r.s.DB(0), r.command()
	var v resp.Value
	switch {
	case args[0] == "SADD":
		v = intReply(db.SAdd(args[1], args[2:]...))
	case args[0] == "SREM":
		v = intReply(db.SRem(args[1], args[2:]...))
	case args[0] == "SMOVE":
		done, err := db.SMove(args[1], args[2], args[3])
		v = orError(boolReply(done), err)
	case args[0] == "SPOP" && len(args) == 3:
		v = listReply(db.SPopN(args[1], int(mInt(args[2]))))
	case args[0] == "SRANDMEMBER" && len(args) == 3:
		v = listReply(db.SRandMemberN(args[1], int(mInt(args[2]))))
	case args[0] == "SISMEMBER":
		is, err := db.SIsMember(args[1], args[2])
		v = orError(boolReply(is), err)
	case args[0] == "SCARD":
		v = intReply(db.SCard(args[1]))
	case args[0] == "SINTER":
		v = listReply(db.SInter(args[1:]...))
	case args[0] == "SUNION":
		v = listReply(db.SUnion(args[1:]...))
	case args[0] == "SDIFF":
		v = listReply(db.SDiff(args[1:]...))
	case args[0] == "SINTERSTORE":
		v = intReply(db.SInterStore(args[1], args[2:]...))
	case args[0] == "SUNIONSTORE":
		v = intReply(db.SUnionStore(args[1], args[2:]...))
	case args[0] == "SDIFFSTORE":
		v = intReply(db.SDiffStore(args[1], args[2:]...))
	default:
		return
	}
	r.expect(r.m, args, v)
}

func listReply(members []string, err error) resp.Value {
	return orError(resp.SetOf(memberReplies(members)...), err)
}

// byUpdate runs some commands as one transaction, half of which fails.
func (r *setTrial) byUpdate() {
	m, fails := r.m.clone(), r.IntN(2) == 0
	_, err := r.s.Update(func(tx *Tx) error {
		for range 1 + r.IntN(5) {
			args := r.command()
			r.expect(m, args, orError(tx.DB(0).Do(args...)))
		}
		r.compare("inside", m, tx.DB(0).reads)
		if fails {
			return errOnPurpose
		}
		return nil
	})
	if fails != (err != nil) {
		r.t.Fatalf("Update: %v", err)
	}
	if !fails {
		r.m = m
	}
}

func (r *setTrial) byMulti() {
	do(r.t, r.c, "MULTI")
	var queue [][]string
	for range 1 + r.IntN(4) {
		queue = append(queue, r.command())
		r.c.Do(argv(queue[len(queue)-1]...))
	}
	for i, v := range r.c.Do(argv("EXEC")).Elems {
		r.expect(r.m, queue[i], v)
	}
}

// feed hands what the stream has grown by to the follower, which must then be equal.
func (r *setTrial) feed() {
	if err := apply(r.t, r.applier, streamSince(r.t, r.s, r.replica.backlog.Offset())); err != nil {
		r.t.Fatal(err)
	}
	r.compare("replica", r.m, r.replica.DB(0).reads)
	sameState(r.t, "replica", r.s, r.replica)
}

// closeCut compares one open snapshot with its model.
func (r *setTrial) closeCut() {
	i := r.IntN(len(r.cuts))
	k := r.cuts[i]
	r.cuts = slices.Delete(r.cuts, i, i+1)
	r.compare("snapshot", k.m, k.sn.DB(0).reads)
	for range 5 {
		key := r.key()
		got, err := k.sn.DB(0).Do("SRANDMEMBER", key, r.signedCount())
		if key != "str" && err != nil {
			r.t.Fatal(err)
		}
		for _, e := range values(got) {
			if !k.m[key][e] {
				r.t.Fatalf("snapshot: %q is a random member of %q, but no member", e, key)
			}
		}
	}
	n, _ := loadStore(r.t, k.sn)
	r.compare("file", k.m, n.DB(0).reads)
	if a, b := n.Digest(), k.sn.Digest(); a != b {
		r.t.Fatalf("digests of file %s and snapshot %s differ", a, b)
	}
	k.sn.Close()
}

// compare fails unless the database holds what the model holds.
func (r *setTrial) compare(what string, m setModel, d reads) {
	r.t.Helper()
	for i := range 5 {
		key := fmt.Sprint("s", i)
		got := d.members(key)
		if err := sameMembers(resp.SetOf(memberReplies(got)...), m[key]); err != nil {
			r.t.Fatalf("%s: %s: %v", what, key, err)
		}
		if n, err := d.SCard(key); n != len(m[key]) || err != nil {
			r.t.Fatalf("%s: SCard(%s) = %d, %v, want %d", what, key, n, err, len(m[key]))
		}
		if kind := d.Kind(key); (kind == Set) != (m[key] != nil) {
			r.t.Fatalf("%s: %s is a %v, the model has %d members", what, key, kind, len(m[key]))
		}
	}
}

package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/understudy-go/understudy/resp"
)

// groupWalk makes random commands of streams and their groups. What they mean is held
// against servers elsewhere; here it is that every way to have the data has the same.
type groupWalk struct{ *rand.Rand }

func (w groupWalk) pick(list ...string) string { return list[w.IntN(len(list))] }

func (w groupWalk) id() string { return fmt.Sprintf("%d-%d", 1+w.IntN(30), w.IntN(9)) }

func (w groupWalk) command() []string {
	key, group, consumer := w.pick("s", "s", "s", "t"), w.pick("g", "g", "h"), w.pick("ada", "bob", "eve")
	switch w.IntN(18) {
	case 0, 1, 2:
		return []string{"XADD", key, "*", "f", fmt.Sprint(w.IntN(100))}
	case 3:
		var many []string
		for range 1 + w.IntN(20) {
			many = append(many, w.id())
		}
		return append([]string{"XDEL", key}, many...)
	case 4:
		return []string{"XTRIM", key, "MAXLEN", w.pick("20", "100", "0")}
	case 5:
		return []string{"XGROUP", "CREATE", key, group, w.pick("0", "$", w.id()), "MKSTREAM"}
	case 6:
		return []string{"XGROUP", "SETID", key, group, w.pick("0", "$", "0"), "ENTRIESREAD", w.pick("0", "-1", "5")}
	case 7:
		if w.IntN(6) == 0 {
			return []string{"XGROUP", "DESTROY", key, group}
		}
		return []string{"XGROUP", w.pick("DELCONSUMER", "CREATECONSUMER"), key, group, consumer}
	case 8, 9, 10:
		return []string{"XREADGROUP", "GROUP", group, consumer, "COUNT", w.pick("1", "5", "70"), "STREAMS", key, ">"}
	case 11:
		return []string{"XREADGROUP", "GROUP", group, consumer, "NOACK", "COUNT", w.pick("1", "9"), "STREAMS", key, ">"}
	case 12:
		return []string{"XREADGROUP", "GROUP", group, consumer, "COUNT", "3", "STREAMS", key, "t", "0", ">"}
	case 13, 14:
		return []string{"XACK", key, group, w.stored(), w.stored(), w.stored(), w.stored()}
	case 15:
		return []string{"XCLAIM", key, group, consumer, w.pick("0", "5000"), w.stored(), w.stored(), w.pick("FORCE", "JUSTID"), "LASTID", w.stored()}
	case 16:
		return []string{"XAUTOCLAIM", key, group, consumer, w.pick("0", "5000"), w.pick("-", w.stored()), "COUNT", w.pick("2", "50")}
	}
	return []string{w.pick("DEL", "EXISTS", "EXISTS", "EXISTS", "EXISTS"), key}
}

// stored is an ID that an entry may have: the clock of the test moves by steps of 1.
func (w groupWalk) stored() string { return fmt.Sprintf("%d-0", 1_700_000_000_000+w.Int64N(800)) }

// groupState is all that is known of streams and groups, but for when consumers asked.
func groupState(t testing.TB, do func(args ...string) (resp.Value, error)) string {
	t.Helper()
	var b strings.Builder
	for _, key := range []string{"s", "t", "copy"} {
		v, err := do("XINFO", "STREAM", key, "FULL", "COUNT", "0")
		if err != nil {
			fmt.Fprintf(&b, "%s: %v\n", key, err)
			continue
		}
		fmt.Fprintf(&b, "%s: %s\n", key, timeless(v))
	}
	return b.String()
}

// timeless is v without the times at which consumers asked, and got something.
func timeless(v resp.Value) resp.Value {
	v.Elems = slices.Clone(v.Elems)
	for i := range v.Elems {
		if name := v.Elems[i].Str; (name == "seen-time" || name == "active-time") && i+1 < len(v.Elems) {
			v.Elems[i+1] = resp.Integer(0)
		}
		v.Elems[i] = timeless(v.Elems[i])
	}
	return v
}

// Snapshots stay what they were, transactions that fail leave nothing, and replicas and
// files have what the store has: entries, groups, consumers, and what is pending.
func TestGroupsStayWhole(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { walkGroups(t, groupWalk{rand.New(rand.NewPCG(seed, 11))}) })
	}
}

func walkGroups(t *testing.T, w groupWalk) {
	clock := newClock()
	s := newStore(t, &Options{Clock: clock.now})
	replica, a := newReplica(t, nil)
	type cut struct {
		sn   *Snapshot
		want string
	}
	var cuts []cut
	defer func() {
		for _, c := range cuts {
			c.sn.Close()
		}
	}()
	at := int64(0)
	for i := range 3000 {
		clock.advance(time.Millisecond)
		_, _ = s.DB(0).Do(w.command()...)
		if i%60 == 0 {
			was := groupState(t, s.DB(0).Do)
			_, err := s.Update(func(tx *Tx) error {
				for range 1 + w.IntN(8) {
					_, _ = tx.DB(0).Do(w.command()...)
				}
				if got := groupState(t, s.DB(0).Do); got != was {
					t.Errorf("step %d: others see the transaction\n got %s\nwant %s", i, got, was)
				}
				return errOnPurpose
			})
			if got := groupState(t, s.DB(0).Do); err != errOnPurpose || got != was {
				t.Fatalf("step %d: %v; after the rollback\n got %s\nwant %s", i, err, got, was)
			}
		}
		if i%45 == 0 {
			sn := s.Snapshot()
			cuts = append(cuts, cut{sn, groupState(t, sn.DB(0).Do)})
			if len(cuts) > 4 {
				k := w.IntN(len(cuts))
				cuts[k].sn.Close()
				cuts = slices.Delete(cuts, k, k+1)
			}
			if w.IntN(3) == 0 {
				_, _ = s.DB(0).Do("COPY", "s", "copy", "REPLACE")
			}
		}
		if i%30 == 0 && len(cuts) > 0 {
			c := cuts[w.IntN(len(cuts))]
			if got := groupState(t, c.sn.DB(0).Do); got != c.want {
				t.Fatalf("step %d: a snapshot has changed\n got %s\nwant %s", i, got, c.want)
			}
		}
		if i%100 == 0 {
			if err := s.check(); err != nil {
				t.Fatalf("step %d: %v", i, err)
			}
			if err := apply(t, a, streamSince(t, s, at)); err != nil {
				t.Fatalf("step %d: %v", i, err)
			}
			at = s.backlog.Offset()
			want := groupState(t, s.DB(0).Do)
			if got := groupState(t, replica.DB(0).Do); got != want {
				t.Fatalf("step %d: the replica has\n%s\nwant %s", i, got, want)
			}
			if i%500 == 0 {
				if got := groupState(t, load(t, file(t, s)).DB(0).Do); got != want {
					t.Fatalf("step %d: of the file we have\n%s\nwant %s", i, got, want)
				}
			}
		}
	}
	if err := replica.check(); err != nil {
		t.Fatal(err)
	}
}

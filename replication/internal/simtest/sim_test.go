package simtest

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
)

// How many seeds are run when nobody asks for more. A group is a test of its own, for those who want fewer.
const (
	seeds      = 200
	shortSeeds = 50
	group      = 25
)

// play in a bubble: its time is its own, and no goroutine may outlive it.
func bubble(t *testing.T, sc *script, say func(string, ...any)) (n tally, err error) {
	err = errors.New("the simulation ended without a result")
	synctest.Test(t, func(*testing.T) { n, err = play(sc, say) })
	return n, err
}

// TestSimulation runs the seeds from 1 on, or what the environment asks for: see the package comment.
func TestSimulation(t *testing.T) {
	if text := os.Getenv("UNDERSTUDY_SIM_SEED"); text != "" {
		runOne(t, number(t, text))
		return
	}
	first, count := uint64(1), uint64(seeds)
	if testing.Short() || raceEnabled {
		count = shortSeeds
	}
	if text := os.Getenv("UNDERSTUDY_SIM_FIRST"); text != "" {
		first = number(t, text)
	}
	if text := os.Getenv("UNDERSTUDY_SIM_SEEDS"); text != "" {
		count = number(t, text)
	}
	sum := newReport(first, count)
	t.Cleanup(func() { sum.write(t) }) // after the groups, which run beside each other
	for at := first; at < first+count; at += group {
		last := min(at+group, first+count) - 1
		t.Run(fmt.Sprintf("%d-%d", at, last), func(t *testing.T) {
			t.Parallel()
			runGroup(t, at, last, sum)
		})
	}
}

// runGroup ends at its first failure: those that follow are mostly the same.
func runGroup(t *testing.T, first, last uint64, sum *report) {
	for seed := first; seed <= last; seed++ {
		sc := draw(seed)
		n, err := bubble(t, sc, nil)
		sum.add(n, err)
		if err != nil {
			t.Fatalf("%v\n%v\nUNDERSTUDY_SIM_SEED=%d runs it again, step by step", err, sc, seed)
		}
	}
}

// runOne tells each step, and looks for a shorter script that fails as well.
func runOne(t *testing.T, seed uint64) {
	sc := draw(seed)
	t.Logf("\n%v", sc)
	n, err := bubble(t, sc, t.Logf)
	t.Logf("\n%v", n)
	if err == nil {
		return
	}
	t.Errorf("%v", err)
	least, err := shrink(sc, func(sc *script) error { _, err := bubble(t, sc, nil); return err })
	t.Logf("shorter, %v\n%v", err, least)
}

// shrink leaves out steps, many at a time and then fewer, for as long as the script fails all the same.
func shrink(sc *script, run func(*script) error) (*script, error) {
	var last error
	for size := len(sc.steps); size > 0; size /= 2 {
		for at := 0; at+size <= len(sc.steps); {
			less := *sc
			less.steps = slices.Delete(slices.Clone(sc.steps), at, at+size)
			if err := run(&less); err != nil {
				sc, last = &less, err
			} else {
				at += size
			}
		}
	}
	return sc, last
}

func number(t *testing.T, text string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestScriptIsItsSeed: without that a failure could not be run again.
func TestScriptIsItsSeed(t *testing.T) {
	var used [verbs]int
	for seed := range uint64(50) {
		a, b := draw(seed), draw(seed)
		if a.String() != b.String() {
			t.Fatalf("seed %d gives\n%v\nand\n%v", seed, a, b)
		}
		for _, st := range a.steps {
			used[st.verb]++
		}
	}
	for v, n := range used {
		if n == 0 {
			t.Errorf("no script of 50 has a step %s", verbNames[v])
		}
	}
}

// TestShrink leaves what is needed to fail, in order.
func TestShrink(t *testing.T) {
	sc := draw(1)
	sc.steps = append(sc.steps, step{verb: write, n: 1001}, step{verb: calm}, step{verb: write, n: 1002})
	sc.steps = append(sc.steps, draw(2).steps...)
	fails := func(sc *script) error {
		first := slices.IndexFunc(sc.steps, func(st step) bool { return st.n == 1001 })
		second := slices.IndexFunc(sc.steps, func(st step) bool { return st.n == 1002 })
		if first < 0 || second < first {
			return nil
		}
		return errors.New("failed")
	}
	least, err := shrink(sc, fails)
	if len(least.steps) != 2 || err == nil {
		t.Errorf("%d steps are left, %v, want 2 and an error", len(least.steps), err)
	}
}

// TestReportLacks: a kind of step that never came is told, and only where there were seeds enough for all.
func TestReportLacks(t *testing.T) {
	sum := tally{"acknowledgements": 1}
	for _, name := range verbNames {
		sum["step "+name] = 1
	}
	delete(sum, "step cut")
	r := newReport(1, seeds)
	r.add(sum, nil)
	if got := r.lacks(); got != nil {
		t.Errorf("after one seed: %q are missing, want nothing to be said", got)
	}
	r.ran = seeds
	if got := r.lacks(); !slices.Contains(got, "step cut") || !slices.Contains(got, "partial resyncs") || slices.Contains(got, "step calm") {
		t.Errorf("after %d seeds: %q are missing, want cut and resyncs among them, and calm not", seeds, got)
	}
}

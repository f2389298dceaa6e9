package simtest

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// tally counts what happened, by name.
type tally map[string]int

func (t tally) add(o tally) {
	for k, n := range o {
		t[k] += n
	}
}

func (t tally) String() string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(t)) {
		fmt.Fprintf(&b, "%12d  %s\n", t[k], k)
	}
	return b.String()
}

// report is what many seeds came to. Its methods are called from the groups, which run beside each other.
type report struct {
	first, count uint64
	start        time.Time
	commit       string

	mu sync.Mutex

	// mu protects the fields below.
	ran, failed int
	sum         tally
}

func newReport(first, count uint64) *report {
	return &report{first: first, count: count, start: time.Now(), commit: commit(), sum: tally{}}
}

func (r *report) add(n tally, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ran++
	if err != nil {
		r.failed++
	}
	r.sum.add(n)
}

func (r *report) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprintf("seeds %d to %d: %d run, %d failed\n%v", r.first, r.first+r.count-1, r.ran, r.failed, r.sum)
}

// lacks returns what must have happened in so many seeds and did not: a simulation in which nothing happens finds nothing.
func (r *report) lacks() (missing []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ran < seeds {
		return nil
	}
	wanted := []string{"acknowledgements", "full resyncs asked for", "full resyncs, the backlog did not reach", "full resyncs, the histories had parted",
		"partial resyncs", "partial resyncs under a new ID", "states with a full resync held"}
	for v, name := range verbNames {
		if verb(v) != accept { // rare, as few full resyncs are held; healing accepts, too
			wanted = append(wanted, "step "+name)
		}
	}
	for _, what := range wanted {
		if r.sum[what] == 0 {
			missing = append(missing, what)
		}
	}
	return missing
}

// write tells the test's log, and the file that the environment names what the log of a long run says.
func (r *report) write(t *testing.T) {
	t.Log("\n" + r.String())
	if missing := r.lacks(); len(missing) > 0 && !t.Failed() {
		t.Errorf("never in %d seeds: %q", r.ran, missing)
	}
	name := os.Getenv("UNDERSTUDY_SIM_LOG")
	if name == "" {
		return
	}
	text := fmt.Sprintf("commit %s\n%s, %s/%s, %d cores, race detector %v, %v\n%v",
		r.commit, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), raceEnabled, time.Since(r.start).Round(time.Second), r)
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Error(err)
	}
}

// commit is what is run, as far as git can tell.
func commit() string {
	if os.Getenv("UNDERSTUDY_SIM_LOG") == "" {
		return "" // nobody will read it
	}
	id, err := exec.Command("git", "rev-parse", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	changes, err := exec.Command("git", "status", "--porcelain").Output()
	if err != nil || len(changes) > 0 {
		return strings.TrimSpace(string(id)) + " with changes"
	}
	return strings.TrimSpace(string(id))
}

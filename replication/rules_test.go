package replication_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/resp"
)

// The files rules_*_test.go show the rules of the protocol one by one, each as a short exchange of which every byte and offset is spelled out, on both sides of
// each boundary. RULES.md is the index: rule by rule, what holds here and which test shows it.
//
// The other side is played by the test (peer, fakePrimary), because only so can it be wrong by exactly one byte, and the time is that of a bubble.

// frames is the stream of so many commands: one a line, words by spaces.
func frames(lines ...string) string {
	var b []byte
	for _, l := range lines {
		b = resp.AppendCommand(b, strings.Fields(l)...)
	}
	return string(b)
}

// wants compares the next bytes that arrive with those of a text.
func (p *peer) wants(text string) {
	p.t.Helper()
	if got := p.read(len(text)); got != text {
		p.t.Errorf("got %q, want %q", got, text)
	}
}

// asks sends PSYNC for the byte after count and compares the first line of the answer, whole.
func (p *peer) asks(id string, count int64, answer string) {
	p.t.Helper()
	p.send("PSYNC", id, itoa(int(count)+1))
	p.wants(answer + "\r\n")
}

// capable is dial for a replica that takes an ID behind CONTINUE, and a mark behind a payload.
func capable(t testing.TB, p *replicationtest.Primary) *peer {
	t.Helper()
	r := dial(t, p)
	r.send("REPLCONF", "capa", "eof", "capa", "psync2")
	r.wants("+OK\r\n")
	return r
}

// where is the part of a status that a partial resync depends on: ID, offset, and the name before with its limit.
func where(st replication.Status) string {
	return fmt.Sprintf("%s %d, before %q %d", st.ID, st.Offset, st.Secondary, st.SecondaryLimit)
}

// steadily is a back-off of so long after each failure.
func steadily(d time.Duration) func(int) time.Duration {
	return func(int) time.Duration { return d }
}

var testName = regexp.MustCompile("`([a-z/]*:)?((?:Test|Fuzz)[A-Za-z0-9]+)`")

// TestRulesIndex holds RULES.md, PROTOCOL.md and the tests together: each test that they name is there, and each test of a rules_*_test.go is in RULES.md.
func TestRulesIndex(t *testing.T) {
	named := testsNamed(t, "RULES.md")
	testsNamed(t, "PROTOCOL.md")
	for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(testSources(t, "rules_*_test.go"), -1) {
		if !named[m[1]] && m[1] != t.Name() {
			t.Errorf("%s is not in RULES.md", m[1])
		}
	}
}

// testsNamed returns the tests that a page names, which are all there; and each of its tables has the same number of columns in each row.
func testsNamed(t *testing.T, page string) map[string]bool {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{} // by folder
	named := map[string]bool{}
	for _, m := range testName.FindAllStringSubmatch(string(text), -1) {
		folder, test := filepath.Join("..", "replication"), m[2]
		if m[1] != "" {
			folder = filepath.Join("..", strings.TrimSuffix(m[1], ":"))
		}
		if sources[folder] == "" {
			sources[folder] = testSources(t, filepath.Join(folder, "*_test.go"))
		}
		named[test] = true
		if !strings.Contains(sources[folder], "\nfunc "+test+"(") {
			t.Errorf("%s names %s, which is not in %s", page, test, folder)
		}
	}
	columns := 0
	for line := range strings.Lines(string(text)) {
		switch n := strings.Count(line, "|"); {
		case !strings.HasPrefix(line, "|"):
			columns = 0
		case columns == 0:
			columns = n
		case n != columns:
			t.Errorf("%s: not as many columns as the row above: %s", page, line)
		}
	}
	return named
}

func testSources(t *testing.T, pattern string) string {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in %s: %v", pattern, err)
	}
	var b strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(text)
	}
	return b.String()
}

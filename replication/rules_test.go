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

var (
	ruleRow  = regexp.MustCompile(`(?m)^\|.*$`)
	testName = regexp.MustCompile("`([a-z/]*:)?((?:Test|Fuzz)[A-Za-z0-9]+)`")
)

// TestRulesIndex holds RULES.md and the tests together: each test that it names is there, and each test of a rules_*_test.go is named.
func TestRulesIndex(t *testing.T) {
	text, err := os.ReadFile("RULES.md")
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
			t.Errorf("RULES.md names %s, which is not in %s", test, folder)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(testSources(t, "rules_*_test.go"), -1) {
		if !named[m[1]] && m[1] != t.Name() {
			t.Errorf("%s is not in RULES.md", m[1])
		}
	}
	for _, row := range ruleRow.FindAllString(string(text), -1) {
		if strings.Count(row, "|") != 4 {
			t.Errorf("RULES.md: not three columns: %s", row)
		}
	}
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

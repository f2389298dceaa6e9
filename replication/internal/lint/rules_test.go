package lint

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strings"
	"testing"
)

// maxLines is where a file stops being about one concept. Tests, which are tables, may be longer.
const maxLines = 600

// silent are the packages that start no goroutine: whoever calls them decides.
var silent = []string{"resp", "rdb", "store/backlog"}

// rules are checked on every file by itself.
var rules = []struct {
	name  string
	check func(*source) []string
}{
	{"sleep", checkSleep},
	{"init", checkInit},
	{"exit", checkExit},
	{"panic", checkPanic},
	{"words", checkWords},
	{"lines", checkLines},
	{"goroutines", checkGoroutines},
}

func TestRules(t *testing.T) {
	files := sources(t)
	for _, s := range files {
		for _, r := range rules {
			for _, finding := range r.check(s) {
				t.Error(finding)
			}
		}
	}
	for _, finding := range checkPackageComments(files) {
		t.Error(finding)
	}
}

// checkSleep keeps tests from waiting for time to pass. In a bubble of testing/synctest time is virtual, so a sleep is exact
// there and costs nothing.
func checkSleep(s *source) (findings []string) {
	if !s.isTest() || s.hasImport("testing/synctest") {
		return nil
	}
	s.calls(func(pos token.Pos, callee string) {
		if callee == "time.Sleep" {
			findings = append(findings, s.at(pos, "time.Sleep in a test: wait for the event, or test in a synctest bubble"))
		}
	})
	return findings
}

// checkInit: what happens at import time cannot be chosen, ordered or tested.
func checkInit(s *source) (findings []string) {
	for _, d := range s.file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			findings = append(findings, s.at(f.Pos(), "func init"))
		}
	}
	return findings
}

// checkExit: only a program decides to end the process. The examples of a package's documentation are programs in miniature.
func checkExit(s *source) (findings []string) {
	if s.under("examples") || strings.HasSuffix(s.path, "example_test.go") {
		return nil
	}
	s.calls(func(pos token.Pos, callee string) {
		if callee == "os.Exit" || strings.HasPrefix(callee, "log.Fatal") || strings.HasPrefix(callee, "log.Panic") {
			findings = append(findings, s.at(pos, "%s in a library", callee))
		}
	})
	return findings
}

// checkPanic lets code panic only for what cannot happen, and asks it to say which invariant that is: a comment with
// "invariant:" on the line, or right above it.
func checkPanic(s *source) (findings []string) {
	if s.isTest() || s.under("examples") {
		return nil
	}
	explained := map[int]bool{} // lines
	for _, group := range s.file.Comments {
		if strings.Contains(group.Text(), "invariant:") {
			last := s.fset.Position(group.End()).Line
			explained[last], explained[last+1] = true, true
		}
	}
	s.calls(func(pos token.Pos, callee string) {
		if callee == "panic" && !explained[s.fset.Position(pos).Line] {
			findings = append(findings, s.at(pos, "panic without a comment `// invariant: ...`"))
		}
	})
	return findings
}

// checkWords keeps one vocabulary: the old words are spellings of the wire, so they stand in strings and never in names.
func checkWords(s *source) (findings []string) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			name := strings.ToLower(id.Name)
			if strings.Contains(name, "master") || strings.Contains(name, "slave") {
				findings = append(findings, s.at(id.Pos(), "identifier %s: say primary or replica", id.Name))
			}
		}
		return true
	})
	return findings
}

func checkLines(s *source) []string {
	if n := strings.Count(s.text, "\n"); n > maxLines && !s.isTest() {
		return []string{fmt.Sprintf("%s: %d lines, more than %d: does it hold one concept?", s.path, n, maxLines)}
	}
	return nil
}

func checkGoroutines(s *source) (findings []string) {
	if s.isTest() || !slices.Contains(silent, s.dir()) {
		return nil
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		if g, ok := n.(*ast.GoStmt); ok {
			findings = append(findings, s.at(g.Pos(), "package %s starts no goroutine", s.file.Name.Name))
		}
		return true
	})
	return findings
}

// checkPackageComments asks each package, commands included, to say what it is.
func checkPackageComments(files []*source) (findings []string) {
	commented := map[string]bool{}
	for _, s := range files {
		if !s.isTest() {
			commented[s.dir()] = commented[s.dir()] || isPackageComment(s.file)
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(commented)) {
		if !commented[dir] {
			findings = append(findings, dir+": no package comment")
		}
	}
	return findings
}

func isPackageComment(f *ast.File) bool {
	text := f.Doc.Text()
	if f.Name.Name == "main" {
		return text != ""
	}
	return strings.HasPrefix(text, "Package "+f.Name.Name+" ")
}

package lint

import (
	"fmt"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
)

// layers is the import graph among our own packages. The first row whose folder holds a package decides; it may import the
// folders named (with what lies below them), and packages of its own folder. Tests may import testAlso besides.
var layers = []struct {
	folder   string
	ours     []string
	testAlso []string
}{
	{folder: "resp"},
	{folder: "rdb", testAlso: []string{"resp"}},
	{folder: "store/backlog", testAlso: []string{"resp"}},
	{folder: "store/internal"},
	{folder: "store", ours: []string{"resp", "rdb"}},
	// The peers that tests compare with must not share code with what is compared.
	{folder: "replication/internal/realserver"},
	{folder: "replication/internal/memnet"},
	{folder: "replication/internal/lint"},
	{folder: "replication", ours: []string{"store", "rdb", "resp"}},
	{folder: "examples", ours: []string{"replication", "store", "rdb", "resp"}},
}

// dependencies says where code from outside may be imported. oneFile asks for a single file in a package, so that a use can
// be read, and replaced, in one place. testsOnly keeps it out of what users link.
var dependencies = []struct {
	module    string
	folders   []string
	oneFile   bool
	testsOnly bool
}{
	{module: "go.uber.org/zap", folders: []string{"replication", "examples"}},
	{module: "github.com/google/btree", folders: []string{"store"}, oneFile: true},
	{module: "github.com/hashicorp/go-msgpack/v2", folders: []string{"store"}, oneFile: true},
	// A client that others wrote, to be tried against our server and to be used for nothing else.
	{module: "github.com/redis/go-redis/v9", folders: []string{"replication/internal/clients"}, testsOnly: true},
	{module: "pgregory.net/rapid", folders: []string{"replication", "store", "rdb", "resp"}, testsOnly: true},
	// Rivals in benchmarks.
	{module: "github.com/puzpuzpuz/xsync", folders: []string{"replication", "store"}, testsOnly: true},
}

// unsafeFolders are the packages whose non-test files may import unsafe.
var unsafeFolders = []string{
	"store/internal/table", // entries are words before an inline key and value
	"store/internal/entry",
}

// logPackages are forbidden in code that has no logger: it returns errors.
var logPackages = []string{"log", "log/slog"}

// unlogged are the folders without a logger.
var unlogged = []string{"resp", "rdb", "store"}

// httpPackages drag in a web server, which an embedder must ask for by importing a subpackage of ours. Only our own imports
// are followed: zap has a handler of its own, which nothing here can change.
var httpPackages = []string{"net/http", "expvar"}

// lean are the packages from which no import of ours may lead to httpPackages.
var lean = []string{"resp", "rdb", "store", "store/backlog", "replication"}

func TestImports(t *testing.T) {
	files, mod := sources(t), module(t)
	for _, s := range files {
		for _, finding := range slices.Concat(checkLayers(s, mod), checkDependencies(s, mod), checkUnsafe(s), checkLoggers(s)) {
			t.Error(finding)
		}
	}
	for _, finding := range slices.Concat(checkOneFile(files), checkLean(files, mod)) {
		t.Error(finding)
	}
}

// checkLayers holds imports of our own packages against the graph.
func checkLayers(s *source, mod string) (findings []string) {
	s.imports(func(pos token.Pos, name string) {
		target, ours := strings.CutPrefix(name, mod+"/")
		if ours && !mayImport(s, target) {
			findings = append(findings, s.at(pos, "%s must not import %s", s.dir(), target))
		}
	})
	return findings
}

func mayImport(s *source, target string) bool {
	for _, l := range layers {
		if !s.under(l.folder) {
			continue
		}
		return isUnder(target, l.folder) || isUnder(target, l.ours...) || s.isTest() && isUnder(target, l.testAlso...)
	}
	return false // a folder that the graph does not know
}

// checkDependencies holds imports from outside against the table. The standard library is what has no dot in its first element.
func checkDependencies(s *source, mod string) (findings []string) {
	s.imports(func(pos token.Pos, name string) {
		first, _, _ := strings.Cut(name, "/")
		if name == mod || strings.HasPrefix(name, mod+"/") || !strings.Contains(first, ".") {
			return
		}
		if why := foreign(s, name); why != "" {
			findings = append(findings, s.at(pos, "%s: %s", name, why))
		}
	})
	return findings
}

func foreign(s *source, name string) string {
	for _, d := range dependencies {
		switch {
		case !isUnder(name, d.module):
		case !s.under(d.folders...):
			return fmt.Sprintf("allowed under %s alone", strings.Join(d.folders, ", "))
		case d.testsOnly && !s.isTest():
			return "allowed in tests alone"
		default:
			return ""
		}
	}
	return "not in the table of dependencies"
}

func checkOneFile(files []*source) (findings []string) {
	for _, d := range dependencies {
		users := map[string]string{} // folder -> file
		for _, s := range files {
			if !d.oneFile || s.isTest() || !s.hasImport(d.module) && !s.hasImport(d.module+"/codec") {
				continue
			}
			if other := users[s.dir()]; other != "" {
				findings = append(findings, fmt.Sprintf("%s and %s both import %s: one file a package", other, s.path, d.module))
			}
			users[s.dir()] = s.path
		}
	}
	return findings
}

func checkUnsafe(s *source) (findings []string) {
	if s.isTest() || slices.Contains(unsafeFolders, s.dir()) {
		return nil
	}
	s.imports(func(pos token.Pos, name string) {
		if name == "unsafe" {
			findings = append(findings, s.at(pos, "unsafe outside its few packages"))
		}
	})
	return findings
}

func checkLoggers(s *source) (findings []string) {
	if s.isTest() || !s.under(unlogged...) {
		return nil
	}
	s.imports(func(pos token.Pos, name string) {
		if slices.Contains(logPackages, name) {
			findings = append(findings, s.at(pos, "%s: this code returns errors and does not log", name))
		}
	})
	return findings
}

// checkLean follows our own imports from each lean package and reports the chain that ends at a web server.
func checkLean(files []*source, mod string) (findings []string) {
	imports := map[string][]string{} // folder -> what its non-test files import
	for _, s := range files {
		if !s.isTest() {
			s.imports(func(_ token.Pos, name string) { imports[s.dir()] = append(imports[s.dir()], name) })
		}
	}
	for _, root := range lean {
		if chain := chainTo(httpPackages, imports, mod, []string{root}); chain != nil {
			findings = append(findings, fmt.Sprintf("%s links %s", root, strings.Join(chain, " -> ")))
		}
	}
	return findings
}

// chainTo searches depth first; imports have no cycles in a program that compiles, and one that does not is cut short.
func chainTo(wanted []string, imports map[string][]string, mod string, chain []string) []string {
	for _, name := range imports[chain[len(chain)-1]] {
		if slices.Contains(wanted, name) || slices.Contains(wanted, path.Dir(name)) {
			return append(chain, name)
		}
		next, ours := strings.CutPrefix(name, mod+"/")
		if !ours || slices.Contains(chain, next) {
			continue
		}
		if found := chainTo(wanted, imports, mod, append(slices.Clone(chain), next)); found != nil {
			return found
		}
	}
	return nil
}

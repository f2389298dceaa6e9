package lint

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// source is one parsed Go file.
type source struct {
	path string // from the top of the tree, with slashes
	text string
	fset *token.FileSet
	file *ast.File
}

func (s *source) dir() string  { return path.Dir(s.path) }
func (s *source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// under tells whether the file lies in one of the folders or below.
func (s *source) under(folders ...string) bool { return isUnder(s.dir(), folders...) }

func isUnder(dir string, folders ...string) bool {
	for _, f := range folders {
		if dir == f || strings.HasPrefix(dir, f+"/") {
			return true
		}
	}
	return false
}

// at forms a finding: place, then what is wrong there.
func (s *source) at(pos token.Pos, format string, args ...any) string {
	return fmt.Sprintf("%s:%d: %s", s.path, s.fset.Position(pos).Line, fmt.Sprintf(format, args...))
}

// imports calls f with each import path.
func (s *source) imports(f func(pos token.Pos, name string)) {
	for _, spec := range s.file.Imports {
		if name, err := strconv.Unquote(spec.Path.Value); err == nil {
			f(spec.Pos(), name)
		}
	}
}

func (s *source) hasImport(want string) bool {
	found := false
	s.imports(func(_ token.Pos, name string) { found = found || name == want })
	return found
}

// calls calls f with each function call and the text of what is called: "panic", "time.Sleep".
func (s *source) calls(f func(pos token.Pos, callee string)) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		switch fn := call.Fun.(type) {
		case *ast.Ident:
			f(call.Pos(), fn.Name)
		case *ast.SelectorExpr:
			if x, ok := fn.X.(*ast.Ident); ok {
				f(call.Pos(), x.Name+"."+fn.Sel.Name)
			}
		}
		return true
	})
}

func parse(name, text string) (*source, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	return &source{path: name, text: text, fset: fset, file: file}, err
}

// top returns the folder that holds go.mod.
func top(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the working directory")
		}
		dir = filepath.Dir(dir)
	}
	t.Fatal(err)
	return ""
}

// module returns the module path out of go.mod.
func module(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(top(t), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "module "); ok {
			return strings.TrimSpace(name)
		}
	}
	t.Fatal("go.mod has no module line")
	return ""
}

// sources parses every Go file of the tree, tests included. Like the go command it passes over testdata and over folders that
// begin with a dot or an underscore.
func sources(t *testing.T) []*source {
	t.Helper()
	var all []*source
	walk(t, func(name string) {
		if path.Ext(name) != ".go" {
			return
		}
		text, err := os.ReadFile(filepath.Join(top(t), name))
		if err != nil {
			t.Fatal(err)
		}
		s, err := parse(name, string(text))
		if err != nil {
			t.Errorf("%v", err)
			return
		}
		all = append(all, s)
	})
	return all
}

// walk calls f with every file that the go command could see.
func walk(t *testing.T, f func(name string)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(top(t)), ".", func(name string, d fs.DirEntry, err error) error {
		base := path.Base(name)
		skip := base == "testdata" || strings.HasPrefix(base, "_") || strings.HasPrefix(base, ".") && name != "."
		switch {
		case err != nil:
			return err
		case d.IsDir() && skip:
			return fs.SkipDir
		case !d.IsDir():
			f(name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// tracked returns the files under version control; ok is false where there is none, as in an unpacked archive. Files that are
// new and not ignored count when all is set: what is about to be added should be checked before.
func tracked(t *testing.T, all bool) (files []string, ok bool) {
	t.Helper()
	args := []string{"ls-files", "-z"}
	if all {
		args = append(args, "-co", "--exclude-standard")
	}
	cmd := exec.Command("git", args...)
	cmd.Dir = top(t)
	out, err := cmd.Output()
	if err != nil || len(out) == 0 {
		return nil, false
	}
	return strings.Split(strings.TrimRight(string(out), "\x00"), "\x00"), true
}

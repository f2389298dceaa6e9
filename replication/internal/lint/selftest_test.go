package lint

import (
	"strings"
	"testing"
)

const testModule = "example.org/m"

// mustParse makes a source of lines; without a package clause one is added.
func mustParse(t *testing.T, name string, lines ...string) *source {
	t.Helper()
	text := strings.Join(lines, "\n") + "\n"
	if !strings.Contains(text, "package ") {
		text = "package p\n" + text
	}
	s, err := parse(name, text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Each row is a source and how many findings one rule has in it.
func TestEachRuleFinds(t *testing.T) {
	check := map[string]func(*source) []string{
		"layers":       func(s *source) []string { return checkLayers(s, testModule) },
		"dependencies": func(s *source) []string { return checkDependencies(s, testModule) },
		"unsafe":       checkUnsafe,
		"loggers":      checkLoggers,
	}
	for _, r := range rules {
		check[r.name] = r.check
	}
	for _, c := range []struct {
		rule, path, text string
		want             int
	}{
		{"layers", "store/a.go", `import "example.org/m/replication"`, 1},
		{"layers", "store/a_test.go", `import "example.org/m/replication"`, 1},
		{"layers", "store/a.go", `import "example.org/m/rdb"`, 0},
		{"layers", "store/a.go", `import "example.org/m/store/internal/table"`, 0},
		{"layers", "store/internal/table/a.go", `import "example.org/m/store"`, 1},
		{"layers", "store/backlog/a.go", `import "example.org/m/resp"`, 1},
		{"layers", "store/backlog/a_test.go", `import "example.org/m/resp"`, 0},
		{"layers", "resp/a.go", `import "example.org/m/rdb"`, 1},
		{"layers", "rdb/a.go", `import "example.org/m/resp"`, 1},
		{"layers", "replication/a.go", `import "example.org/m/examples/node"`, 1},
		{"layers", "replication/internal/server/a.go", `import "example.org/m/store"`, 0},
		{"layers", "replication/internal/realserver/a.go", `import "example.org/m/resp"`, 1},
		{"layers", "elsewhere/a.go", `import "example.org/m/resp"`, 1},
		{"dependencies", "store/a.go", `import "go.uber.org/zap"`, 1},
		{"dependencies", "replication/a.go", `import "go.uber.org/zap/zapcore"`, 0},
		{"dependencies", "replication/a.go", `import "github.com/google/btree"`, 1},
		{"dependencies", "rdb/a.go", `import "github.com/hashicorp/go-msgpack/v2/codec"`, 1},
		{"dependencies", "store/a.go", `import "github.com/hashicorp/go-msgpack/v2/codec"`, 0},
		{"dependencies", "replication/a.go", `import "pgregory.net/rapid"`, 1},
		{"dependencies", "replication/a_test.go", `import "pgregory.net/rapid"`, 0},
		{"dependencies", "replication/a_test.go", `import "github.com/redis/go-redis/v9"`, 1},
		{"dependencies", "replication/internal/clients/a.go", `import "github.com/redis/go-redis/v9"`, 1},
		{"dependencies", "replication/internal/clients/a_test.go", `import "github.com/redis/go-redis/v9"`, 0},
		{"dependencies", "store/a.go", `import "example.com/x"`, 1},
		{"dependencies", "store/a.go", `import ("io/fs"; "example.org/m/rdb")`, 0},
		{"unsafe", "store/a.go", `import "unsafe"`, 1},
		{"unsafe", "store/internal/table/a.go", `import "unsafe"`, 0},
		{"loggers", "rdb/a.go", `import "log/slog"`, 1},
		{"loggers", "replication/a.go", `import "log"`, 0},
		{"sleep", "store/a_test.go", `import "time"; func f() { time.Sleep(1) }`, 1},
		{"sleep", "store/a_test.go", `import ("time"; "testing/synctest"); func f() { time.Sleep(1) }`, 0},
		{"sleep", "store/a_test.go", `func f() { c.Sleep(1) } // time.Sleep(1)`, 0},
		{"init", "store/a.go", `func init() {}`, 1},
		{"init", "store/a.go", `type T int; func (T) init() {}`, 0},
		{"exit", "store/a.go", `func f() { os.Exit(1); log.Fatalf("") }`, 2},
		{"exit", "examples/x/main.go", `func f() { os.Exit(1) }`, 0},
		{"exit", "store/a_test.go", `func f() { os.Exit(1) }`, 1},
		{"exit", "store/example_test.go", `func f() { log.Fatal(1) }`, 0},
		{"panic", "store/a.go", `func f() { panic("x") }`, 1},
		{"panic", "store/a.go", "func f() {\npanic(1) // invariant: f is never called\n}", 0},
		{"panic", "store/a.go", "func f() {\n// invariant: f is\n// never called\npanic(1)\n}", 0},
		{"panic", "store/a.go", "// invariant: too far away\nfunc f() {\npanic(1)\n}", 1},
		{"panic", "store/a_test.go", `func f() { panic("x") }`, 0},
		{"words", "store/a.go", `type T struct{ isMaster bool }; func slaveOf() {}`, 2},
		{"words", "store/a.go", `const role = "master" // slave`, 0},
		{"lines", "store/a.go", strings.Repeat("\n", maxLines-2), 0},
		{"lines", "store/a.go", strings.Repeat("\n", maxLines), 1},
		{"lines", "store/a_test.go", strings.Repeat("\n", maxLines), 0},
		{"goroutines", "resp/a.go", `func f() { go f() }`, 1},
		{"goroutines", "store/a.go", `func f() { go f() }`, 0},
	} {
		got := check[c.rule](mustParse(t, c.path, c.text))
		if len(got) != c.want {
			t.Errorf("%s on %s %.60q: %d findings %q, want %d", c.rule, c.path, c.text, len(got), got, c.want)
		}
	}
}

func TestEachTreeRuleFinds(t *testing.T) {
	btree := `import "github.com/google/btree"`
	one := []*source{mustParse(t, "store/a.go", btree), mustParse(t, "store/b_test.go", btree), mustParse(t, "store/x/a.go", btree)}
	two := append(one, mustParse(t, "store/c.go", btree))
	if n, m := len(checkOneFile(one)), len(checkOneFile(two)); n != 0 || m != 1 {
		t.Errorf("checkOneFile: %d findings with one file, %d with two, want 0 and 1", n, m)
	}

	lean := []*source{
		mustParse(t, "replication/a.go", `import "example.org/m/replication/internal/x"`),
		mustParse(t, "replication/internal/x/a_test.go", `import "net/http"`),
		mustParse(t, "replication/metrics/a.go", `import ("net/http"; "example.org/m/replication")`),
	}
	fat := append(lean, mustParse(t, "replication/internal/x/a.go", `import "net/http/pprof"`))
	if n, m := len(checkLean(lean, testModule)), len(checkLean(fat, testModule)); n != 0 || m != 1 {
		t.Errorf("checkLean: %d findings without an import, %d with one, want 0 and 1", n, m)
	}

	comments := []*source{
		mustParse(t, "a/a.go", "package a"), mustParse(t, "a/doc.go", "// Package a is.\npackage a"),
		mustParse(t, "b/b.go", "// Something else.\npackage b"),
		mustParse(t, "c/main.go", "// Command c.\npackage main"),
		mustParse(t, "d/d_test.go", "package d"),
	}
	if got := checkPackageComments(comments); len(got) != 1 || !strings.HasPrefix(got[0], "b:") {
		t.Errorf("checkPackageComments = %q, want one finding, about b", got)
	}
}

func TestTopLevelFinds(t *testing.T) {
	files := []string{"go.mod", "store/a.go", ".ci/run", ".gitignore", "notes.txt", "docs/a.md", "README.md"}
	if got := checkTop(files); len(got) != 2 {
		t.Errorf("checkTop = %q, want notes.txt and docs/a.md", got)
	}
}

func TestPrivateFinds(t *testing.T) {
	for text, want := range map[string]int{
		"see /ho" + "me/me/x":                        1,
		"a\nx=\"/ro" + "ot/.cache\"":                 1,
		"http://deb" + ".debian.org/debian":          1,
		"GOPROXY=https://proxy" + ".golang.org":      1,
		"--dir /var/lib/redis /tmp/x":                0,
		"user/home/x, https://example.org/home/page": 0,
		"the folder /home":                           0,
		"\x00 /ho" + "me/me/x":                       0,
	} {
		if got := checkPrivate("f", text); len(got) != want {
			t.Errorf("checkPrivate(%q) = %q, want %d", text, got, want)
		}
	}
}

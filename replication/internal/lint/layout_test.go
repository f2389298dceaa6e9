package lint

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// visible is all that may stand at the top of the tree, besides names that begin with a dot.
var visible = []string{"store", "replication", "rdb", "resp", "examples", "go.mod", "go.sum", "LICENSE", "README.md"}

// private matches what is true on one machine alone: somebody's folders, and the hosts that packages happen to come from.
// A host is put together from parts, so that this file does not match itself.
var private = regexp.MustCompile(`(?m)(?:^|[\s"'=(:\x60])/(?:home|root|Users|work)/[\w.-]+|[A-Z]:\\Users\\|` +
	`\b(?:deb|security|snapshot|ftp)\.` + `debian\.org|\b(?:archive|security)\.` + `ubuntu\.com|\b(?:proxy|sum)\.` + `golang\.org`)

func TestTopLevel(t *testing.T) {
	files, ok := tracked(t, false)
	if !ok {
		files = topEntries(t)
	}
	for _, finding := range checkTop(files) {
		t.Error(finding)
	}
}

func topEntries(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(top(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func checkTop(files []string) (findings []string) {
	for _, f := range files {
		name, _, _ := strings.Cut(f, "/")
		if !strings.HasPrefix(name, ".") && !slices.Contains(visible, name) {
			findings = append(findings, f+": not at the top of the tree")
		}
	}
	return findings
}

func TestNothingPrivate(t *testing.T) {
	files, ok := tracked(t, true)
	if !ok {
		walk(t, func(name string) { files = append(files, name) })
	}
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(top(t), filepath.FromSlash(name)))
		if err != nil {
			continue // removed and not yet committed, or a link
		}
		for _, finding := range checkPrivate(name, string(text)) {
			t.Error(finding)
		}
	}
}

func checkPrivate(name, text string) (findings []string) {
	if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
		return nil // a binary, such as an RDB file
	}
	for _, at := range private.FindAllStringIndex(text, -1) {
		line := 1 + strings.Count(text[:at[1]], "\n")
		findings = append(findings, fmt.Sprintf("%s:%d: %s is private to a machine", name, line, strings.TrimSpace(text[at[0]:at[1]])))
	}
	return findings
}

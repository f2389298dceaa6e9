package realserver

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func shell(t *testing.T) string {
	t.Helper()
	const sh = "/bin/sh"
	if _, err := os.Stat(sh); err != nil {
		t.Skip(err)
	}
	return sh
}

func TestRun(t *testing.T) {
	for _, c := range []struct {
		stdin, script string
		output        string
		code          int
	}{
		{"", "", "", 0},
		{"", "exit 3", "", 3},
		{"two words\n", "cat; echo error >&2; exit 1", "two words\nerror\n", 1},
		{"never read", "exec <&-; echo done", "done\n", 0},
		{"", "kill -9 $$", "", -1},
	} {
		if output, code := Run(t, shell(t), c.stdin, "-c", c.script); output != c.output || code != c.code {
			t.Errorf("%q: output %q, code %d, want %q, %d", c.script, output, code, c.output, c.code)
		}
	}
}

// A conversation: the program answers a line before the next one is written.
func TestProgram(t *testing.T) {
	p := StartProgram(t, shell(t), "-c", `echo ready; while read line; do echo "got $line"; done; echo end`)
	p.Await("ready\n")
	p.Input("a\n")
	p.Await("got a\n")
	p.Input("b\n")
	p.CloseInput()
	p.CloseInput()
	if code := p.Wait(); code != 0 || p.Output() != "ready\ngot a\ngot b\nend\n" {
		t.Errorf("code %d, output %q", code, p.Output())
	}
}

func TestTool(t *testing.T) {
	eachVersion(t, func(t *testing.T, v Version) {
		for _, name := range []string{"server", "cli", "benchmark"} {
			output, code := Run(t, Tool(t, v, name), "", "--version")
			if want := string('0'+rune(v)) + "."; code != 0 || !strings.Contains(output, want) {
				t.Errorf("%s --version: code %d, output %q, want %s", filepath.Base(name), code, output, want)
			}
		}
	})
}

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Files that are to be read and a command line that is wrong, as the program's own error. What needs other programs to show is tested in
// replication/internal/clients.
func TestRun(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel() // the server ends as soon as it would serve
	dir := t.TempDir()
	conf := filepath.Join(dir, "node.conf")
	if err := os.WriteFile(conf, []byte("port 0\ndir "+dir+"\nsave 900 1\nloglevel warning\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args string
		want string // of the error; none when empty
		file string // left in dir
	}{
		{"--help", "", ""},
		{"--nosuch 1", "argument 1: nosuch: no such directive", ""},
		{conf + " --port none", "argument 2: port: ", ""},
		{filepath.Join(dir, "none.conf"), "no such file", ""},
		{conf + " --dbfilename x.rdb --save ''", "", ""},
		{conf + " --dbfilename y.rdb", "", "y.rdb"},
		{conf + " --unixsocket " + filepath.Join(dir, "none", "s"), "no such file", ""},
	} {
		err := run(ended, words(tc.args))
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("node %s: %v, want %q", tc.args, err, tc.want)
		}
		files, _ := filepath.Glob(filepath.Join(dir, "*.rdb"))
		if got := strings.TrimPrefix(strings.Join(files, " "), dir+string(filepath.Separator)); got != tc.file {
			t.Errorf("node %s: files %q, want %q", tc.args, got, tc.file)
		}
		for _, f := range files {
			os.Remove(f)
		}
	}
}

// words splits a command line; two quotes are the empty word.
func words(line string) (list []string) {
	for w := range strings.FieldsSeq(line) {
		list = append(list, strings.Trim(w, "'"))
	}
	return list
}

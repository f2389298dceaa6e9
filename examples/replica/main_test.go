package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/replicationtest"
)

func TestSplit(t *testing.T) {
	for line, want := range map[string][]string{
		"":                     {},
		"  get   k ":           {"get", "k"},
		`get "two words"`:      {"get", "two words"},
		`get 'it\'s' "\x41\n"`: {"get", "it's", "A\n"},
	} {
		if got, err := split(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("split(%q) = %q, %v, want %q", line, got, err, want)
		}
	}
	if got, err := split(`get "open`); err == nil {
		t.Errorf("split with an open quote = %q, want an error", got)
	}
}

// The prompt comes again behind what is written while it stands there.
func TestScreen(t *testing.T) {
	var out strings.Builder
	s := &screen{out: &out}
	s.notice("[connecting]")
	s.prompt()
	s.notice("[streaming]")
	s.prompt()
	s.answer(func(out io.Writer) { io.WriteString(out, "\"v\"\n") })
	s.notice("[waiting]")
	s.prompt()
	if got, want := out.String(), "[connecting]\n> \n[streaming]\n> \"v\"\n[waiting]\n> "; got != want {
		t.Errorf("the screen shows %q, want %q", got, want)
	}
}

// primaryWith serves a primary that holds v at key, and returns its URL.
func primaryWith(t *testing.T, key string) string {
	p := replicationtest.New(t)
	p.Do("SET", key, "v")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); p.Serve(l) }()
	t.Cleanup(func() { p.Close(); <-done })
	return "redis://" + l.Addr().String()
}

// A session with a primary, from the first line to quit.
func TestSession(t *testing.T) {
	r, err := replication.Connect(t.Context(), primaryWith(t, "two words"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for line, want := range map[string]string{
		`get "two words"`: "\"v\"\n",
		"help":            "status  the link",
		"status":          "1 keys in database 0",
		`get "open`:       "not understood",
		"set k v":         "READONLY",
	} {
		var out strings.Builder
		answer(r, line, &out)
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s\n%swant %s", line, out.String(), want)
		}
	}
}

// The whole program, from its start to the end of its input: what the link does is shown, a line is answered, and the end is a good one.
func TestRun(t *testing.T) {
	url := primaryWith(t, "k")
	in, keyboard := io.Pipe()
	screen, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		defer out.Close()
		ended <- run(t.Context(), url, in, out)
	}()
	lines := bufio.NewScanner(screen)
	expect := func(text string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), text) {
				return
			}
		}
		t.Fatalf("the program has ended without %q", text)
	}
	expect("[streaming]")
	for _, c := range [][2]string{{"get k", `"v"`}, {"status", "streaming since "}, {"get none", "(nil)"}} {
		go io.WriteString(keyboard, c[0]+"\n") // the program reads a line when it has written what it had to write
		expect(c[1])
	}
	keyboard.Close()
	for lines.Scan() { // the rest, so that the program can write it
	}
	if err := <-ended; err != nil {
		t.Errorf("the end of the input: %v, want nil", err)
	}
}

// Without data the reason is given, and no time is made up for what never was.
func TestNoData(t *testing.T) {
	r, err := replication.NewReplica("redis://127.0.0.1:1", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var out strings.Builder
	answer(r, "status", &out)
	if !strings.Contains(out.String(), "last byte never\n") {
		t.Errorf("status before the first byte:\n%s", out.String())
	}
	for _, tc := range []struct {
		st   replication.Status
		want string
	}{
		{replication.Status{State: replication.Stopped, Err: io.EOF}, "none will come: EOF"},
		{replication.Status{State: replication.Waiting, Err: io.EOF}, "tried again: EOF"},
		{replication.Status{State: replication.Loading}, "under way (loading)"},
	} {
		if got := noData(tc.st); !strings.Contains(got, tc.want) {
			t.Errorf("noData(%v) = %q, want %q in it", tc.st.State, got, tc.want)
		}
	}
}

// What cannot work is told before anything runs.
func TestRunRefuses(t *testing.T) {
	if err := run(context.Background(), "redis://h?x", strings.NewReader(""), io.Discard); err == nil {
		t.Error("a URL that is none was accepted")
	}
}

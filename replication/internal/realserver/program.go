package realserver

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// runTimeout bounds a program that should end by itself: one that hangs fails a test instead of holding it up.
const runTimeout = time.Minute

// Program is a running program. It is killed when its test ends. If the test has failed by then, what it wrote is shown,
// unless the test has waited for its end and so had a chance to tell what matters.
type Program struct {
	t      testing.TB
	name   string
	out    string // path of the file that takes stdout and stderr, in the order in which they were written
	proc   *process
	stdin  io.WriteCloser
	waited bool // owned by the goroutine of the test
}

// StartProgram runs the program at path in a folder of its own. Its input stays open until [Program.CloseInput].
func StartProgram(t testing.TB, path string, args ...string) *Program {
	t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Dir = t.TempDir()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatalf("realserver: %v", err)
	}
	// Not in the program's own folder, in which a test may look for what the program left there.
	out := filepath.Join(t.TempDir(), "output")
	proc, err := startCommand(cmd, out)
	if err != nil {
		t.Fatalf("realserver: %v", err)
	}
	p := &Program{t: t, name: filepath.Base(path), out: out, proc: proc, stdin: stdin}
	t.Cleanup(p.cleanup)
	return p
}

// Run runs a program to its end, with stdin as its input, and returns its output and its exit code.
func Run(t testing.TB, path, stdin string, args ...string) (output string, code int) {
	t.Helper()
	p := StartProgram(t, path, args...)
	p.Input(stdin)
	p.CloseInput()
	code = p.Wait()
	return p.Output(), code
}

// Input writes to the program's standard input. A program that has closed it, or has ended, misses the rest; its output and
// exit code tell that better than an error here could.
func (p *Program) Input(text string) { io.WriteString(p.stdin, text) }

// CloseInput ends the program's standard input. Closing it twice is harmless.
func (p *Program) CloseInput() { p.stdin.Close() }

// Output returns what the program has written so far, to stdout and to stderr.
func (p *Program) Output() string {
	text, err := os.ReadFile(p.out)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Await returns when the program has written text. It ends the test when the program ends without, or after a while.
func (p *Program) Await(text string) {
	p.t.Helper()
	written := func() bool { return strings.Contains(p.Output(), text) }
	// A last look after the end: what is written is in the file by then.
	if err := poll(runTimeout, p.proc.done, written); err != nil && !written() {
		p.t.Fatalf("realserver: %s: %v, and it has not written %q", p.name, err, text)
	}
}

// Signal sends a signal to the program.
func (p *Program) Signal(sig os.Signal) {
	p.t.Helper()
	if err := p.proc.cmd.Process.Signal(sig); err != nil {
		p.t.Fatalf("realserver: %s: %v", p.name, err)
	}
}

// Wait returns the exit code when the program has ended, -1 when a signal ended it. It ends the test when that takes too long.
func (p *Program) Wait() int {
	p.t.Helper()
	timeout := time.NewTimer(runTimeout)
	defer timeout.Stop()
	select {
	case <-p.proc.done:
		p.waited = true
		return p.proc.cmd.ProcessState.ExitCode()
	case <-timeout.C:
		p.t.Fatalf("realserver: %s has not ended within %v", p.name, runTimeout)
		return -1
	}
}

func (p *Program) cleanup() {
	p.proc.kill()
	if p.t.Failed() && !p.waited {
		text := p.Output()
		p.t.Logf("output of %s:\n%s", p.name, text[max(0, len(text)-logTail):])
	}
}

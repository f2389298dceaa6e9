package realserver

import (
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"
)

// pollInterval is how often a condition of another process is looked at.
const pollInterval = 5 * time.Millisecond

var (
	errExited  = errors.New("the process has exited")
	errTimeout = errors.New("timeout")
)

// process is a child whose end is waited for by one goroutine of its own.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has been reaped
}

// startProcess runs a program whose output is appended to the file at logPath.
func startProcess(binary, logPath string, args ...string) (*process, error) {
	return startCommand(exec.Command(binary, args...), logPath)
}

// startCommand starts cmd with its output appended to the file at logPath.
func startCommand(cmd *exec.Cmd, logPath string) (*process, error) {
	logFile, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer logFile.Close() // the child has its own descriptor
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.SysProcAttr = childAttributes()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		cmd.Wait() // the exit status is in cmd.ProcessState, for those to whom it says something: a test kills its servers
	}()
	return p, nil
}

// kill ends the process, also a paused one, and returns when it has been reaped.
func (p *process) kill() {
	p.cmd.Process.Kill() // the only error is that it has exited
	<-p.done
}

// Await returns when cond holds. It looks every few milliseconds, because the condition belongs to another process and cannot
// signal; after the timeout it ends the test, with what (as in t.Log) in the message.
func Await(t testing.TB, timeout time.Duration, cond func() bool, what ...any) {
	t.Helper()
	if err := poll(timeout, nil, cond); err != nil {
		t.Log(what...)
		t.Fatalf("realserver: condition not met within %v", timeout)
	}
}

// poll returns nil once cond holds, errExited when stop is closed first, errTimeout when time is over. The condition is looked
// at once more at the end, so that a slow machine does not turn a success into a timeout.
func poll(timeout time.Duration, stop <-chan struct{}, cond func() bool) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-stop:
			return errExited
		case <-deadline.C:
			if cond() {
				return nil
			}
			return errTimeout
		}
	}
	return nil
}

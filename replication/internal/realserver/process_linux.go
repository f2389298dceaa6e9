package realserver

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
)

// The signals that Pause and Resume send.
var (
	pauseSignal  os.Signal = syscall.SIGSTOP
	resumeSignal os.Signal = syscall.SIGCONT
)

// childAttributes makes the kernel kill a server whose test binary dies without running its cleanups: a test timeout or a
// panic in another goroutine would leave it behind.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// isPaused tells whether a stop signal has taken effect: the signal is only queued when sending it returns.
func isPaused(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	// The state follows the program's name, which stands in parentheses and may hold any character.
	_, state, _ := bytes.Cut(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" "))
	return bytes.HasPrefix(state, []byte("T"))
}

//go:build !linux

package realserver

import (
	"os"
	"syscall"
)

// No portable signals exist for this; tests that pause a server are skipped.
var pauseSignal, resumeSignal os.Signal

func childAttributes() *syscall.SysProcAttr { return nil }

func isPaused(int) bool { return true }

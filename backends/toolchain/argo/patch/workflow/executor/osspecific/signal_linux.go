// The module as it is served lacks the Linux half of this package; this is written from its callers.
package osspecific

import (
	"os"
	"syscall"

	"github.com/argoproj/argo-workflows/v3/util/errors"
)

// Term asks a process to end.
var Term = syscall.SIGTERM

// CanIgnoreSignal tells signals that are of no interest to the process that is run.
func CanIgnoreSignal(received os.Signal) bool {
	return received == syscall.SIGCHLD || received == syscall.SIGURG
}

// Kill signals the whole group of a process where it has one, else the process alone.
func Kill(pid int, number syscall.Signal) error {
	group, err := syscall.Getpgid(pid)
	if err != nil {
		return syscall.Kill(pid, number)
	}
	return syscall.Kill(-group, number)
}

// Setpgid gives a process that will be started a group of its own.
func Setpgid(attributes *syscall.SysProcAttr) { attributes.Setpgid = true }

// Wait takes the end of a process as shells count it: 128 + N for signal N.
func Wait(process *os.Process) error {
	state, err := process.Wait()
	if err != nil {
		return err
	}
	status, ok := state.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() {
		return errors.NewExitErr(128 + int(status.Signal()))
	}
	return errors.NewExitErr(state.ExitCode())
}

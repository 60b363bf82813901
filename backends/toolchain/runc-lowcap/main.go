// Runc-lowcap is runc for machines whose root lacks capabilities, e.g. CAP_SYS_RESOURCE in a sandbox.
//
// Container engines ask for all capabilities for privileged containers, and for a negative
// oom_score_adj; runc fails on both there. This takes from the bundle's config.json (create, run) or
// from the process file (exec) what the bounding set of its own process does not have, and becomes runc.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// In the order of their bits: linux/capability.h.
var capabilities = strings.Fields(`
	CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
	NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO
	SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME
	SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG
	WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE`)

func main() {
	if err := adapt(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "runc-lowcap:", err)
		os.Exit(1)
	}
	runc, err := find()
	if err == nil {
		err = syscall.Exec(runc, append([]string{runc}, os.Args[1:]...), os.Environ())
	}
	fmt.Fprintln(os.Stderr, "runc-lowcap: runc cannot be started:", err)
	os.Exit(127)
}

func find() (string, error) {
	if runc := os.Getenv("RUNC"); runc != "" {
		return runc, nil
	}
	if runc, err := exec.LookPath("runc"); err == nil {
		return runc, nil
	}
	return "/usr/sbin/runc", nil
}

// Adapt changes the file that a runc command reads, if it reads one.
func adapt(arguments []string) error {
	command, bundle, process := parse(arguments)
	switch {
	case command == "create" || command == "run":
		return rewrite(filepath.Join(bundle, "config.json"), func(spec map[string]any) any {
			return spec["process"]
		})
	case command == "exec" && process != "":
		return rewrite(process, func(spec map[string]any) any { return spec })
	}
	return nil
}

func parse(arguments []string) (command, bundle, process string) {
	bundle = "."
	for i := 0; i < len(arguments); i++ {
		switch name, value, takes := option(arguments, i); {
		case name == "bundle" || name == "b":
			bundle, i = value, i+takes
		case name == "process" || name == "p":
			process, i = value, i+takes
		case name == "" && command == "" && known(arguments[i]):
			command = arguments[i]
		}
	}
	return command, bundle, process
}

func known(word string) bool { return word == "create" || word == "run" || word == "exec" }

// Option splits an argument such as --bundle=DIR, or -b DIR, which takes the next one too.
func option(arguments []string, i int) (name, value string, takes int) {
	word := strings.TrimLeft(arguments[i], "-")
	if word == arguments[i] {
		return "", "", 0
	}
	if name, value, found := strings.Cut(word, "="); found {
		return name, value, 0
	}
	if i+1 < len(arguments) {
		return word, arguments[i+1], 1
	}
	return word, "", 0
}

func rewrite(path string, process func(map[string]any) any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil // runc itself says what is wrong with it
	}
	var spec map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	if err := decoder.Decode(&spec); err != nil {
		return nil
	}
	found, _ := process(spec).(map[string]any)
	if found == nil {
		return nil
	}
	bounding, err := boundingSet()
	if err != nil {
		return err
	}
	restrict(found, bounding)
	changed, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	return os.WriteFile(path, changed, 0o600)
}

func restrict(process map[string]any, bounding uint64) {
	sets, _ := process["capabilities"].(map[string]any)
	for name, set := range sets {
		sets[name] = allowed(set, bounding)
	}
	if score, ok := process["oomScoreAdj"].(json.Number); ok && strings.HasPrefix(score.String(), "-") {
		process["oomScoreAdj"] = 0
	}
}

func allowed(set any, bounding uint64) []string {
	kept := []string{}
	names, _ := set.([]any)
	for _, name := range names {
		for bit, capability := range capabilities {
			if name == "CAP_"+capability && bounding&(1<<uint(bit)) != 0 {
				kept = append(kept, "CAP_"+capability)
			}
		}
	}
	return kept
}

func boundingSet() (uint64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(string(status), "\n") {
		if value, found := strings.CutPrefix(line, "CapBnd:"); found {
			return strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		}
	}
	return 0, fmt.Errorf("/proc/self/status names no CapBnd")
}

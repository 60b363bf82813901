"""Say in one line what is missing before anything is installed. Standard library only.

Usage: preflight.py [--install] [git] [venv] [unshare] [chromium] [npm]: with --install and as root,
missing Debian packages are installed; otherwise the line names the command that does it.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys

PYTHON = (3, 10)
CANNOT_GO_ON = 4
HAVE = f"{sys.version_info[0]}.{sys.version_info[1]}"
PACKAGES = {  # what is needed: its Debian package
    "git": "git",
    "venv": f"python{HAVE}-venv",
    "unshare": "util-linux",
    "chromium": "chromium",
    "npm": "npm",
}


def present(need: str) -> bool:
    """Tell if a program is there; Debian's python3 comes without ensurepip, which venv needs."""
    if need != "venv":
        return shutil.which(need) is not None
    importlib.invalidate_caches()
    return all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))


def missing(needs: list[str]) -> list[str]:
    """Give one line for each thing that is missing, each with its cure."""
    lines = []
    if sys.version_info < PYTHON:
        want = ".".join(map(str, PYTHON))
        lines.append(
            f"Python {HAVE} is too old: {want} or newer is needed (make PYTHON=python3.11)"
        )
    return lines + [
        f"{need} is missing: apt-get install -y --no-install-recommends {PACKAGES[need]}"
        for need in needs
        if not present(need)
    ]


def install(needs: list[str]) -> None:
    """Install the Debian packages of what is missing, if we may."""
    wanted = [PACKAGES[need] for need in needs if not present(need)]
    if not wanted or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    print(f"installing {' '.join(wanted)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", *wanted]):
        subprocess.run(
            ["apt-get", "-qq", *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # what it could not do is named by `missing` in one line
            check=False,
        )


def main(arguments: list[str]) -> int:
    needs = [name for name in arguments if name != "--install"]
    unknown = sorted(set(needs) - set(PACKAGES))
    if unknown:
        print(f"preflight.py knows no {unknown[0]}: one of {', '.join(PACKAGES)}", file=sys.stderr)
        return CANNOT_GO_ON
    if "--install" in arguments:
        install(needs)
    lines = missing(needs)
    for line in lines:
        print(f"cannot go on: {line}", file=sys.stderr)
    return CANNOT_GO_ON if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Say in one line what is missing before anything is installed. Standard library only.

Usage: preflight.py [--install] [chromium]: with --install and as root, missing Debian packages are
installed; otherwise the line names the command that does it.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys

PYTHON = (3, 10)
TOOLS = {"git": "git", "unshare": "util-linux", "chromium": "chromium"}  # program: Debian package


def missing(tools: list[str]) -> list[str]:
    """Give one line for each thing that is missing, each with its cure."""
    lines = []
    if sys.version_info < PYTHON:
        have, want = ".".join(map(str, sys.version_info[:2])), ".".join(map(str, PYTHON))
        lines.append(
            f"Python {have} is too old: {want} or newer is needed (make PYTHON=python3.11)"
        )
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        version = ".".join(map(str, sys.version_info[:2]))
        lines.append(f"Python has no venv module: apt-get install python{version}-venv")
    lines += [
        f"{tool} is missing: apt-get install --no-install-recommends {TOOLS[tool]}"
        for tool in tools
        if shutil.which(tool) is None
    ]
    return lines


def install(tools: list[str]) -> None:
    """Install the Debian packages of missing programs, if we may."""
    wanted = [TOOLS[tool] for tool in tools if shutil.which(tool) is None]
    if not wanted or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    print(f"installing {' '.join(wanted)}", file=sys.stderr)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", *wanted]):
        done = subprocess.run(
            ["apt-get", "-qq", *command], env=environment, stdout=subprocess.DEVNULL, check=False
        )
        if done.returncode != 0:
            print(f"apt-get {command[0]} failed (exit code {done.returncode})", file=sys.stderr)


def main(arguments: list[str]) -> int:
    tools = [name for name in arguments if name in TOOLS]
    if "--install" in arguments:
        install(tools)
    lines = missing(tools)
    for line in lines:
        print(f"cannot go on: {line}", file=sys.stderr)
    return 4 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Make the virtual environment that every target uses. Standard library only.

Usage: environment.py FOLDER DISTRIBUTION... Quiet but for a line per step; if pip cannot go on, one
line says why instead of its pages.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

PIP = "pip>=25.1"  # the first that installs dependency groups
CANNOT_GO_ON = 4


def steps(python: Path, distributions: list[str]) -> dict[str, list[str]]:
    """Name the calls of pip: itself first, then all of the tree with what contributors need."""
    pip = [str(python), "-m", "pip", "install", "--quiet"]
    editable = [part for name in (".", *distributions) for part in ("-e", name)]
    return {
        # Small and first, so that an index that does not answer shows within a minute.
        "pip": [*pip, "--timeout", "15", "--retries", "2", "--upgrade", PIP],
        f"{len(distributions) + 1} distributions and their tools, about a minute": [
            *pip,
            *("--group", "dev"),
            *editable,
        ],
    }


def reason(said: str) -> str:
    """Make one line of what pip wrote."""
    if "Retrying (" in said or "(from versions: none)" in said:
        return "pip cannot reach a package index: is there a network, or a setting like PIP_PROXY?"
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("error:", "fatal:"))]
    return "pip: " + (errors or lines or ["it failed without a word"])[-1]


def works(python: Path) -> bool:
    """Tell if an environment is there and whole: creating it may have been interrupted."""
    try:
        done = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def step(name: str, command: list[str]) -> None:
    """Run one command between two progress lines; end the program if it fails."""
    print(f"installing {name}", flush=True)
    began = time.monotonic()
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        print(f"cannot go on: {reason(done.stderr + done.stdout)}", file=sys.stderr)
        sys.exit(CANNOT_GO_ON)
    print(f"installed after {time.monotonic() - began:.0f} s", flush=True)


def main(folder: str, distributions: list[str]) -> None:
    python = Path(folder) / "bin" / "python"
    if not works(python):
        step(
            f"a virtual environment in {folder}", [sys.executable, "-m", "venv", "--clear", folder]
        )
    for name, command in steps(python, distributions).items():
        step(name, command)


if __name__ == "__main__":
    if len(sys.argv) < 2:  # noqa: PLR2004
        sys.exit("usage: environment.py FOLDER DISTRIBUTION...")
    main(sys.argv[1], sys.argv[2:])
